package cli

import (
	"crypto/tls"
	_ "embed"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"

	"okauth/pkg/okta"
	"okauth/pkg/transport"
)

//go:embed explanations.txt
var explanationsText string

// setSecret is how okauth gets another client secret for the keychain.
const setSecret = "run okauth config set client_secret"

// Explanations returns the table in explanations.txt, in its order.
func Explanations() []Explanation {
	phrases, rows, _ := strings.Cut(strings.ReplaceAll(explanationsText, "\r", ""), "\n== ")
	text := replacer(phrases).Replace("== " + rows)
	matches := matchers()
	var all []Explanation
	var field *string // that a further line continues
	topic := ""
	for line := range strings.Lines(text) {
		content := strings.TrimSpace(line)
		switch {
		case content == "", strings.HasPrefix(content, "#"):
		case strings.HasPrefix(line, "== "):
			topic = strings.TrimPrefix(content, "== ")
		case strings.HasPrefix(line, "        "):
			*field += " " + content
		case strings.HasPrefix(line, "    "):
			name, value, _ := strings.Cut(content, ": ")
			field = all[len(all)-1].set(name, value)
		default:
			all = append(all, Explanation{ID: content, Topic: topic, When: matches[content]})
		}
	}
	return all
}

// replacer replaces the placeholders of phrases, each of which may contain those before it.
func replacer(phrases string) *strings.Replacer {
	var pairs []string
	for line := range strings.SplitSeq(strings.ReplaceAll(phrases, "\n        ", " "), "\n") {
		if name, text, ok := strings.Cut(line, " = "); ok && strings.HasPrefix(name, "{") {
			pairs = append(pairs, name, strings.NewReplacer(pairs...).Replace(text))
		}
	}
	return strings.NewReplacer(pairs...)
}

// set sets a field by its name in the table, and returns it where it is a text.
func (x *Explanation) set(name, value string) *string {
	switch name {
	case "for":
		x.For = strings.Fields(value)
		return nil
	case "status":
		x.Status, _ = strconv.Atoi(value)
		return nil
	}
	field := map[string]*string{"code": &x.Code, "match": &x.Match, "says": &x.Says, "means": &x.Means, "do": &x.Do}[name]
	*field = value
	return field
}

// matchers has what the rows match that are not about an Error of Okta's, by their IDs.
func matchers() map[string]func(error) bool {
	return map[string]func(error) bool{
		"clock_skew": func(error) bool { return false }, // oktaAdvice adds it to other hints

		"no_tls": when(func(e *okta.NetworkError) bool {
			return Is[tls.RecordHeaderError](e.Err) || errors.Is(e.Err, http.ErrSchemeMismatch)
		}),
		"old_tls": when(func(e *okta.NetworkError) bool {
			return e.Phase == okta.PhaseTLS && strings.Contains(e.Err.Error(), "protocol version")
		}),
		"tls":          when(func(e *okta.NetworkError) bool { return e.Phase == okta.PhaseTLS && e.Timeout == 0 }),
		"no_such_host": when(func(e *okta.NetworkError) bool { return dnsError(e).IsNotFound }),
		"no_dns":       when(func(e *okta.NetworkError) bool { return dnsUnreachable(dnsError(e).Err) }),
		"dns_failing":  Is[*net.DNSError],
		"refused":      when(func(e *okta.NetworkError) bool { return errors.Is(e.Err, syscall.ECONNREFUSED) }),
		"unreachable": when(func(e *okta.NetworkError) bool {
			return errors.Is(e.Err, syscall.ENETUNREACH) || errors.Is(e.Err, syscall.EHOSTUNREACH)
		}),
		"connect_timeout": when(func(e *okta.NetworkError) bool {
			return e.Timeout > 0 && !okta.MayHaveBeenProcessed(e)
		}),
		"connect":        when(func(e *okta.NetworkError) bool { return !okta.MayHaveBeenProcessed(e) }),
		"answer_timeout": when(func(e *okta.NetworkError) bool { return e.Timeout > 0 }),
		"not_http":       when(func(e *okta.NetworkError) bool { return errors.Is(e.Err, okta.ErrNotHTTP) }),
		"broken":         Is[*okta.NetworkError],
		"proxy_sign_in": when(func(e *transport.ProxyError) bool {
			return e.Status == http.StatusProxyAuthRequired
		}),
		"proxy_refused":           when(func(e *transport.ProxyError) bool { return e.Status != 0 }),
		"proxy":                   Is[*transport.ProxyError],
		"certificate_expired":     certificate(okta.CertificateExpired),
		"certificate_early":       certificate(okta.CertificateNotYetValid),
		"certificate_name":        certificate(okta.CertificateWrongHost),
		"certificate_self_signed": certificate(okta.CertificateSelfSigned),
		"certificate_authority":   certificate(okta.CertificateUnknownAuthority),
		"certificate_unusable":    certificate(okta.CertificateUnusable),
		"client_certificate":      when(func(e *okta.NetworkError) bool { return e.ClientCertificate }),
		"redirect":                when(func(e *okta.ResponseError) bool { return e.Redirect != "" }),
		"no_endpoint":             when(func(e *okta.ResponseError) bool { return e.Status == http.StatusNotFound }),
		"page_429":                when(func(e *okta.ResponseError) bool { return e.Status == http.StatusTooManyRequests }),
		"network_sign_in": when(func(e *okta.ResponseError) bool {
			return e.Status == http.StatusNetworkAuthenticationRequired
		}),
		"page_5xx": when(func(e *okta.ResponseError) bool { return e.Status >= 500 }),
		"page": when(func(e *okta.ResponseError) bool {
			return e.What == okta.HTMLPage || e.What == okta.EmptyResponse
		}),
		"dpop_token": when(func(e *okta.TokenTypeError) bool { return e.TokenType == "DPoP" }),
		"not_okta":   Is[*okta.ResponseError],
	}
}

// when matches an error of type E that has a property.
func when[E error](has func(E) bool) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[E](err)
		return ok && has(e)
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
