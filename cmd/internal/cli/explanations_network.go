package cli

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"

	"okauth/pkg/okta"
	"okauth/pkg/transport"
)

const (
	checkDomain = "check domain (okauth config get domain)"
	checkProxy  = "check the network; where only a proxy reaches the Internet, set HTTPS_PROXY"
	setClient   = "set client_cert and client_key (okauth config set client_cert …) to one that this server accepts"
)

// when matches an error of type E that has a property.
func when[E error](has func(E) bool) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[E](err)
		return ok && has(e)
	}
}

// networkRows are about a request without a response.
func networkRows() []Explanation {
	return []Explanation{
		{ID: "no_tls",
			When: when(func(e *okta.NetworkError) bool {
				return Is[tls.RecordHeaderError](e.Err) || errors.Is(e.Err, http.ErrSchemeMismatch)
			}),
			Says:  "first record does not look like a TLS handshake",
			Means: "the server does not speak TLS on this port",
			Do:    "check domain and its port (okauth config get domain), and HTTPS_PROXY"},
		{ID: "old_tls",
			When: when(func(e *okta.NetworkError) bool {
				return e.Phase == okta.PhaseTLS && strings.Contains(e.Err.Error(), "protocol version")
			}),
			Says:  "protocol version not supported",
			Means: "the server, or something before it, speaks only TLS 1.0 or 1.1; okauth speaks TLS 1.2 and 1.3",
			Do:    checkDomain + ", or have a company's proxy brought up to date"},
		{ID: "tls",
			When: when(func(e *okta.NetworkError) bool { return e.Phase == okta.PhaseTLS && e.Timeout == 0 }),
			Says: "TLS handshake: …",
			Means: "okauth speaks TLS 1.2 and 1.3 and checks certificates; something older or something in between " +
				"may have answered, or cut the connection",
			Do: checkDomain + " and HTTPS_PROXY; where the server requires a client certificate, " + setClient},
		{ID: "no_such_host",
			When: when(func(e *okta.NetworkError) bool { return dnsError(e).IsNotFound }), Says: "no such host",
			Means: "the name server knows no such host",
			Do: "check domain for a typing mistake (okauth config get domain); where only a proxy reaches the " +
				"Internet, set HTTPS_PROXY"},
		{ID: "no_dns",
			When:  when(func(e *okta.NetworkError) bool { return dnsUnreachable(dnsError(e).Err) }),
			Says:  "look up the host: connection refused",
			Means: "this machine's name server does not answer, so that no name can be looked up",
			Do: "check the network and the name server (/etc/resolv.conf; a VPN sets it); where only a proxy " +
				"reaches the Internet, set HTTPS_PROXY"},
		{ID: "dns_failing",
			When: Is[*net.DNSError], Says: "look up the host: …",
			Means: "the name server could not find the address of domain",
			Do: "try again in a moment; then check domain (okauth config get domain) and the network's name " +
				"server; where only a proxy reaches the Internet, set HTTPS_PROXY"},
		{ID: "refused",
			When: when(func(e *okta.NetworkError) bool { return errors.Is(e.Err, syscall.ECONNREFUSED) }),
			Says: "connection refused", Means: "nothing listens at this address",
			Do: "check domain and its port (okauth config get domain), and HTTPS_PROXY"},
		{ID: "unreachable",
			When: when(func(e *okta.NetworkError) bool {
				return errors.Is(e.Err, syscall.ENETUNREACH) || errors.Is(e.Err, syscall.EHOSTUNREACH)
			}),
			Says: "network is unreachable", Means: "there is no route from this machine to the server",
			Do: "check the network and the VPN; where only a proxy reaches the Internet, set HTTPS_PROXY"},
		{ID: "connect_timeout",
			When:  when(func(e *okta.NetworkError) bool { return e.Timeout > 0 && !okta.MayHaveBeenProcessed(e) }),
			Says:  "connect: timed out",
			Means: "the server did not answer at all, as behind a firewall that drops packets",
			Do:    checkProxy},
		{ID: "connect",
			When: when(func(e *okta.NetworkError) bool { return !okta.MayHaveBeenProcessed(e) }), Says: "connect: …",
			Means: "there is no connection to the server", Do: checkProxy + "; " + checkDomain},
		{ID: "answer_timeout",
			When: when(func(e *okta.NetworkError) bool { return e.Timeout > 0 }), Says: "await the answer: timed out",
			Means: "the server accepted the request and did not answer in time",
			Do:    "{unsure}; {next}, or give it longer with --timeout"},
		{ID: "not_http",
			When: when(func(e *okta.NetworkError) bool {
				return errors.Is(e.Err, okta.ErrNotHTTP)
			}), Says: "not valid HTTP",
			Means: "what answered does not speak HTTP", Do: checkDomain + "; {unsure}"},
		{ID: "broken",
			When: Is[*okta.NetworkError], Says: "connection reset, or ended too early",
			Means: "the connection broke before the response was complete", Do: "{unsure}; {next}"},
	}
}

// proxyRows are in the list; proxyAdvice has the hint.
func proxyRows() []Explanation {
	return []Explanation{
		{ID: "proxy_sign_in",
			When:  when(func(e *transport.ProxyError) bool { return e.Status == http.StatusProxyAuthRequired }),
			Says:  "proxy … answered HTTP 407 instead of connecting",
			Means: "the proxy requires a name and a password",
			Do: "write them into HTTPS_PROXY as http://name:password@host:port, special characters percent-encoded " +
				"(@ is %40); for Kerberos or NTLM run a local proxy that supports it"},
		{ID: "proxy_refused",
			When:  when(func(e *transport.ProxyError) bool { return e.Status != 0 }),
			Says:  "proxy … answered HTTP 403 instead of connecting",
			Means: "the proxy does not connect to this host",
			Do:    "ask its administrator, or check HTTPS_PROXY and NO_PROXY"},
		{ID: "proxy",
			When:  Is[*transport.ProxyError],
			Says:  "proxy …: …",
			Means: "the proxy cannot be reached, is not a proxy, or has a certificate that is not trusted",
			Do: "check host, port and http:// or https:// in HTTPS_PROXY; NO_PROXY takes the hosts to reach " +
				"directly; ca_file takes the certificate of the proxy's authority"},
	}
}

// certificateRows are about the certificates of a TLS connection, the server's and ours.
func certificateRows() []Explanation {
	return []Explanation{
		{ID: "certificate_expired", When: certificate(okta.CertificateExpired), Says: "the certificate of … expired on …",
			Means: "the server's operator has not renewed its certificate, or this machine's clock is wrong (it " +
				"says {now})",
			Do: "compare the clock; where it is right, tell the server's operator"},
		{ID: "certificate_early", When: certificate(okta.CertificateNotYetValid),
			Says: "the certificate of … is not valid before …",
			Means: "this machine's clock is wrong (it says {now}), or the server's certificate was put in place " +
				"too early",
			Do: "set the clock; where it is right, tell the server's operator"},
		{ID: "certificate_name", When: certificate(okta.CertificateWrongHost),
			Says:  "the certificate of … is for …, not for …",
			Means: "the server's certificate is for another host",
			Do:    checkDomain + "; where it is right, something on the way answers in the server's place"},
		{ID: "certificate_self_signed", When: certificate(okta.CertificateSelfSigned),
			Says: "the certificate of … is signed by itself",
			Means: "no authority that this machine trusts has signed the server's certificate, as with a test server " +
				"or a device on the way",
			Do: "where it is the right one, set ca_file to this very certificate (PEM): okauth config set ca_file …"},
		{ID: "certificate_authority", When: certificate(okta.CertificateUnknownAuthority),
			Says: "the certificate of … is issued by …, which is not trusted here",
			Means: "it is signed by an authority this machine does not know, as behind a company's inspecting " +
				"proxy, or the machine has no list of authorities",
			Do: "set ca_file to that authority's certificate (PEM): okauth config set ca_file …; in a bare " +
				"container install ca-certificates"},
		{ID: "certificate_unusable", When: certificate(okta.CertificateUnusable),
			Says:  "the certificate of … may not be used for this",
			Means: "the server's certificate, or one in its chain, is made for another purpose",
			Do:    "tell the operator of the server or of the proxy before it"},
		{ID: "client_certificate",
			When:  when(func(e *okta.NetworkError) bool { return e.ClientCertificate }),
			Says:  "remote error: tls: certificate required",
			Means: "the server requires a client certificate (mutual TLS), or does not accept the one it got",
			Do:    setClient},
	}
}

// responseRows are about a response that is not the endpoint's.
func responseRows() []Explanation {
	return []Explanation{
		{ID: "redirect",
			When: when(func(e *okta.ResponseError) bool { return e.Redirect != "" }), Says: "got a redirect to …",
			Means: "the address leads elsewhere, and okauth sends {sends} to the configured host only",
			Do:    checkDomain + ": it is the org's own address, without -admin"},
		{ID: "no_endpoint",
			When: when(func(e *okta.ResponseError) bool { return e.Status == http.StatusNotFound }),
			Says: "got an HTML page (HTTP 404)", Means: "this address has no {endpoint}",
			Do: "check domain and server (okauth config get server)"},
		{ID: "page_429",
			When: when(func(e *okta.ResponseError) bool { return e.Status == http.StatusTooManyRequests }),
			Says: "got an HTML page (HTTP 429)", Means: "too many requests from here",
			Do: "wait a minute before the next {name}"},
		{ID: "network_sign_in",
			When: when(func(e *okta.ResponseError) bool {
				return e.Status == http.StatusNetworkAuthenticationRequired
			}),
			Says: "got an HTML page (HTTP 511)", Means: "this network wants you to sign in first",
			Do: "open a page in a browser, then try again"},
		{ID: "page_5xx",
			When: when(func(e *okta.ResponseError) bool {
				return e.Status >= 500
			}), Says: "got an HTML page (HTTP 502)",
			Means: "Okta or a proxy before it is failing", Do: tryLater},
		{ID: "page",
			When: when(func(e *okta.ResponseError) bool {
				return e.What == okta.HTMLPage || e.What == okta.EmptyResponse
			}),
			Says: "got an HTML page (HTTP 200)",
			Means: "a proxy or the sign-in page of a network may have answered in Okta's place, or domain is no " +
				"Okta org",
			Do: "open a page in a browser, and " + checkDomain},
		{ID: "dpop_token",
			When: when(func(e *okta.TokenTypeError) bool { return e.TokenType == "DPoP" }),
			Says: "token_type is \"DPoP\"", Means: needsDPoP, Do: doDPoP},
		{ID: "not_okta",
			When: Is[*okta.ResponseError], Says: "expected a token response from …, got …",
			Means: "what answered is not an Okta org, or a proxy changes its responses",
			Do:    "check that domain is an Okta org (okauth config get domain), and that no proxy changes its responses"},
	}
}

func certificate(problem okta.CertificateProblem) func(error) bool {
	return when(func(e *okta.NetworkError) bool { return e.Certificate != nil && e.Certificate.Problem == problem })
}

// dnsError returns the failed look-up, or the zero DNSError.
func dnsError(e *okta.NetworkError) net.DNSError {
	if dns, ok := errors.AsType[*net.DNSError](e); ok {
		return *dns
	}
	return net.DNSError{}
}

// dnsUnreachable reports whether the name server could not be reached. net.DNSError has the cause as a text only.
func dnsUnreachable(text string) bool {
	return strings.Contains(text, "connection refused") || strings.Contains(text, "unreachable")
}
