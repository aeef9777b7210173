package okta

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"

	"okauth/pkg/transport"
)

// cause is a row of the tables for what is not Okta's word: the first that fits is taken, and the last fits everything.
type cause[E error] struct {
	id    string
	fits  func(E) bool
	says  string // what okauth says then, in short
	means string
	do    string
}

// why returns the row for e.
func why[E error](rows []cause[E], e E) cause[E] {
	var row cause[E]
	for _, row = range rows {
		if row.fits(e) {
			break
		}
	}
	return row
}

// NetworkExplanations lists what can be the matter where no answer comes, or none of Okta's, in the order in which the Hint of NetworkError
// and of ResponseError look for the first that fits.
func NetworkExplanations() []Explanation {
	return append(listCauses(networkCauses()), listCauses(responseCauses())...)
}

func listCauses[E error](rows []cause[E]) []Explanation {
	var all []Explanation
	for _, row := range rows {
		means := strings.ReplaceAll(row.means, " (it says {now})", "")
		all = append(all, Explanation{ID: row.id, About: "network", Says: row.says, Means: fill(means, signIn, "", ""), Do: fill(row.do, signIn, "", "")})
	}
	return all
}

const (
	checkDomain = "check domain (okauth config get domain)"
	checkProxy  = "check the network; where only a proxy reaches the Internet, set HTTPS_PROXY"
	setClient   = "set client_cert and client_key (okauth config set client_cert …) to one that this server takes"
)

// networkCauses are about a request without an answer.
func networkCauses() []cause[*NetworkError] {
	return append(append(proxyCauses(), certificateCauses()...), []cause[*NetworkError]{
		{"no_tls", func(e *NetworkError) bool {
			_, ok := errors.AsType[tls.RecordHeaderError](e.Err)
			return ok || errors.Is(e.Err, http.ErrSchemeMismatch)
		}, "first record does not look like a TLS handshake", "the server does not speak TLS on this port", "check domain and its port (okauth config get domain), and HTTPS_PROXY"},
		{"old_tls", func(e *NetworkError) bool {
			return e.Phase == PhaseTLS && strings.Contains(e.Err.Error(), "protocol version")
		}, "protocol version not supported",
			"the server, or something before it, speaks only TLS 1.0 or 1.1; okauth speaks TLS 1.2 and 1.3", checkDomain + ", or have a company's proxy brought up to date"},
		{"tls", func(e *NetworkError) bool { return e.Phase == PhaseTLS && e.Timeout == 0 }, "TLS handshake: …",
			"okauth speaks TLS 1.2 and 1.3 and checks certificates; something older or something in between may have answered, or cut the connection",
			checkDomain + " and HTTPS_PROXY; where the server wants a client certificate, " + setClient},
		{"no_such_host", func(e *NetworkError) bool { return dnsFailure(e, "not found") }, "no such host",
			"the name server knows no such host", "check domain for a typing mistake (okauth config get domain); where only a proxy reaches the Internet, set HTTPS_PROXY"},
		{"no_dns", func(e *NetworkError) bool { return dnsFailure(e, "unreachable") }, "look up the host: connection refused",
			"this machine's name server does not answer, so that no name can be looked up", "check the network and the name server (/etc/resolv.conf; a VPN sets it); where only a proxy reaches the Internet, set HTTPS_PROXY"},
		{"dns_failing", func(e *NetworkError) bool { return dnsFailure(e, "") }, "look up the host: …",
			"the name server could not tell the address of domain", "try again in a moment; then check domain (okauth config get domain) and the network's name server; where only a proxy reaches the Internet, set HTTPS_PROXY"},
		{"refused", func(e *NetworkError) bool { return errors.Is(e.Err, syscall.ECONNREFUSED) }, "connection refused",
			"nothing listens at this address", "check domain and its port (okauth config get domain), and HTTPS_PROXY"},
		{"unreachable", func(e *NetworkError) bool {
			return errors.Is(e.Err, syscall.ENETUNREACH) || errors.Is(e.Err, syscall.EHOSTUNREACH)
		}, "network is unreachable", "no way leads from this machine to the server", "check the network and the VPN; where only a proxy reaches the Internet, set HTTPS_PROXY"},
		{"connect_timeout", func(e *NetworkError) bool { return e.Timeout > 0 && !sending(e.Phase) }, "connect: timed out",
			"nothing came back on the way to the server, as where a firewall drops what it does not let through", checkProxy},
		{"connect", func(e *NetworkError) bool { return !sending(e.Phase) }, "connect: …", "there is no connection to the server", checkProxy + "; " + checkDomain},
		{"answer_timeout", func(e *NetworkError) bool { return e.Timeout > 0 }, "await the answer: timed out",
			"the server took the request and did not answer in time", "{unsure}; {next}, or give it longer with --timeout"},
		{"not_http", func(e *NetworkError) bool { return errors.Is(e.Err, errNotHTTP) }, "not valid HTTP",
			"what answered does not speak HTTP", checkDomain + "; {unsure}"},
		{"broken", func(e *NetworkError) bool { return true }, "connection reset, or ended too early",
			"the connection broke before the answer was whole", "{unsure}; {next}"},
	}...)
}

// dnsFailure reports whether a name could not be looked up, for this reason; "" is any.
func dnsFailure(e *NetworkError, reason string) bool {
	dns, ok := errors.AsType[*net.DNSError](e.Err)
	if !ok {
		return false
	}
	switch reason {
	case "not found":
		return dns.IsNotFound
	case "unreachable":
		return strings.Contains(dns.Err, "connection refused") || strings.Contains(dns.Err, "unreachable")
	}
	return true
}

// proxyCauses stand in the list; package transport has the words for each proxy. See NetworkError.Hint.
func proxyCauses() []cause[*NetworkError] {
	status := func(e *NetworkError) int {
		if proxy, ok := errors.AsType[*transport.ProxyError](e.Err); ok {
			return proxy.Status
		}
		return 0
	}
	return []cause[*NetworkError]{
		{"proxy_sign_in", func(e *NetworkError) bool { return status(e) == http.StatusProxyAuthRequired }, "proxy … answered HTTP 407 instead of connecting",
			"the proxy wants a name and a password", "write them into HTTPS_PROXY as http://name:password@host:port, special characters percent-encoded (@ is %40); for Kerberos or NTLM run a local proxy that speaks it"},
		{"proxy_refused", func(e *NetworkError) bool { return status(e) != 0 }, "proxy … answered HTTP 403 instead of connecting",
			"the proxy does not lead to this host", "ask who runs it, or check HTTPS_PROXY and NO_PROXY"},
		{"proxy", func(e *NetworkError) bool {
			_, ok := errors.AsType[*transport.ProxyError](e.Err)
			return ok
		}, "proxy …: …", "the proxy cannot be reached, is none, or has a certificate that is not trusted",
			"check host, port and http:// or https:// in HTTPS_PROXY; NO_PROXY takes the hosts to reach directly; ca_file takes the certificate of the proxy's authority"},
	}
}

// responseCauses are about an answer that is not the endpoint's.
func responseCauses() []cause[*ResponseError] {
	return []cause[*ResponseError]{
		{"redirect", func(e *ResponseError) bool { return e.Redirect != "" }, "got a redirect to …",
			"the address leads elsewhere, and okauth sends {carries} to the configured host only", checkDomain + ": it is the org's own address, without -admin"},
		{"no_endpoint", func(e *ResponseError) bool { return e.Status == http.StatusNotFound }, "got an HTML page (HTTP 404)",
			"this address has no {endpoint}", "check domain and server (okauth config get server)"},
		{"page_429", func(e *ResponseError) bool { return e.Status == http.StatusTooManyRequests }, "got an HTML page (HTTP 429)",
			"too many requests from here", "wait a minute before the next {name}"},
		{"network_sign_in", func(e *ResponseError) bool { return e.Status == http.StatusNetworkAuthenticationRequired }, "got an HTML page (HTTP 511)",
			"this network wants you to sign in first", "open a page in a browser, then try again"},
		{"page_5xx", func(e *ResponseError) bool { return e.Status >= 500 }, "got an HTML page (HTTP 502)",
			"Okta or a proxy before it is failing", tryLater},
		{"page", func(e *ResponseError) bool { return e.What == htmlPage || e.What == emptyAnswer }, "got an HTML page (HTTP 200)",
			"a proxy or the sign-in page of a network may have answered in Okta's place, or domain is no Okta org", "open a page in a browser, and " + checkDomain},
		{"dpop_token", func(e *ResponseError) bool { return e.Err != nil && strings.Contains(e.Err.Error(), `"DPoP"`) }, "token_type is \"DPoP\"", needsDPoP, doDPoP},
		{"not_okta", func(e *ResponseError) bool { return true }, "expected a token answer from …, got …",
			"what answered is no Okta org, or something on the way changes its answers", "check that domain is an Okta org (okauth config get domain), and that no proxy changes its answers"},
	}
}
