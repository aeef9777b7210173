package cli

import (
	"cmp"
	"crypto/tls"
	_ "embed"
	"errors"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.yaml.in/yaml/v3"

	"okauth/pkg/okta"
	"okauth/pkg/transport"
)

//go:embed explanations.yaml
var explanationsYAML []byte

type explanationTable struct {
	Phrases  map[string]string
	Requests map[string]map[string]string
	Topics   []struct {
		Topic string
		Rows  []Explanation
	}
}

var explanations = sync.OnceValue(func() (table explanationTable) {
	_ = yaml.Unmarshal(explanationsYAML, &table) // the tests look at each row
	return table
})

// Explanation is a row of the table in explanations.yaml, which describes the fields. A row without When is about an
// error of Okta's, and matches it where the fields For to Match do.
type Explanation struct {
	ID    string
	Topic string

	For    []string
	Status int
	Code   string
	Match  string

	When func(error) bool

	Says  string
	Means string
	Do    string
}

// Explanations returns the rows in their order.
func Explanations() []Explanation {
	when := matchers()
	var all []Explanation
	for _, topic := range explanations().Topics {
		for _, row := range topic.Rows {
			row.Topic, row.When = topic.Topic, when[row.ID]
			all = append(all, row)
		}
	}
	return all
}

// GrantInConsole returns what the Admin Console calls a grant type, and where an application has it: "Refresh Token",
// "General › Grant type".
func GrantInConsole(grantType string) (name, place string) {
	table := explanations()
	request, ok := table.Requests[grantType]
	if !ok {
		return grantType, table.Requests["other"]["grantPlace"]
	}
	return request["grant"], request["grantPlace"]
}

// Printable returns the row for a reader of the whole table: without the names of a server or a client, and with the
// names of what was requested in For.
func (x Explanation) Printable() Explanation {
	kind := "password"
	if len(x.For) > 0 {
		kind = x.For[0]
	}
	x.For = slices.Clone(x.For)
	for i, kind := range x.For {
		x.For[i] = explanations().Requests[kind]["name"]
	}
	x.For = slices.Compact(x.For)
	x.Means = fill(strings.ReplaceAll(x.Means, " (it says ${now})", ""), kind, okta.RequestInfo{})
	x.Do = fill(x.Do, kind, okta.RequestInfo{})
	return x
}

// matches reports whether the row is about err.
func (x Explanation) matches(err error) bool {
	if x.When != nil {
		return x.When(err)
	}
	e, ok := errors.AsType[*okta.Error](err)
	return ok && (len(x.For) == 0 || slices.Contains(x.For, requestKind(e.RequestInfo))) &&
		(x.Status == 0 || x.Status == e.Status) && (x.Code == "" || x.Code == e.Code) &&
		strings.Contains(e.Description, x.Match)
}

// explanationOf returns the row that explains err.
func explanationOf(err error) (Explanation, bool) {
	for _, row := range Explanations() {
		if row.matches(err) {
			return row, true
		}
	}
	return Explanation{}, false
}

// explain returns what err means and what to do about it, in one line.
func explain(err error, info okta.RequestInfo) string {
	x, ok := explanationOf(err)
	if !ok {
		return ""
	}
	return fill(x.Means+": "+x.Do, requestKind(info), info)
}

// requestKind returns the key of the requests in the table: the grant type of a token request and of what comes before
// it in a browser, else the operation.
func requestKind(info okta.RequestInfo) string {
	switch info.Operation {
	case "", okta.OperationToken, okta.OperationAuthorize:
		return cmp.Or(info.GrantType, "password")
	}
	return string(info.Operation)
}

// fill replaces the placeholders. The name of a server or a client may look like one.
func fill(text, kind string, info okta.RequestInfo) string {
	table := explanations()
	request, ok := table.Requests[kind]
	if !ok {
		request = table.Requests["other"]
	}
	names := map[string]string{
		"server": okta.Sanitize(info.Server.ID(), 80), "client": okta.Sanitize(info.ClientID, 80),
		"auth": authText(info.AuthMethod), "key": keyText(info.KeyID), "now": time.Now().UTC().Format("2006-01-02 15:04 UTC"),
	}
	if info.SecretSource != "" {
		names["setSecret"] = "change " + okta.Sanitize(info.SecretSource, 200)
	}
	var unnamed []string // and what stands in their place
	if names["server"] == "" {
		unnamed = append(unnamed, " than ${server}", "", "no authorization server ${server}", "no such authorization server",
			"authorization server ${server}", "the authorization server", "${server}", "the server")
	}
	if names["client"] == "" {
		unnamed = append(unnamed, " than ${client}", "", "the client id ${client}", "this client id",
			"${client}", "the application")
	}
	var lookUp func(name string) string
	expand := func(text string) string { return os.Expand(strings.NewReplacer(unnamed...).Replace(text), lookUp) }
	lookUp = func(name string) string { return cmp.Or(names[name], request[name], expand(table.Phrases[name])) }
	names["fixAuth"] = lookUp("setSecret") + ", or unset it"
	switch info.AuthMethod {
	case "private_key_jwt":
		names["fixAuth"] = lookUp("addKey")
	case "client_secret_jwt": // Okta refuses an HMAC in the same words as a signature
		names["key"], names["addKey"] = "the client secret", lookUp("copySecret")
	}
	return expand(text)
}

// authText says what may be wrong with the client authentication where Okta does not say it.
func authText(method string) string {
	const other = ", or the application authenticates in another way"
	switch method {
	case "":
		return "the client secret is wrong" + other + ": okauth sends it by Basic unless client_auth says else, and " +
			"without one it is a public client"
	case "none":
		return "okauth has no client secret and sent none, but the application requires one, or authenticates in yet " +
			"another way"
	case "private_key_jwt":
		return "okauth signed with a private key, and the application does not have the public one" + other
	case "client_secret_jwt":
		return "okauth signed with the client secret, and it is wrong" + other
	case "client_secret_post":
		return "okauth sent the client secret in the form, and it is wrong" + other
	}
	return "okauth sent the client secret by Basic, and it is wrong" + other
}

// keyText names the private key by its kid.
func keyText(id string) string {
	if id == "" {
		return "the private key"
	}
	return "the private key (kid " + okta.Sanitize(id, 80) + ")"
}

// matchers has what the rows match that are not about an Error of Okta's, by their IDs.
func matchers() map[string]func(error) bool {
	return map[string]func(error) bool{
		"clock_skew": func(error) bool { return false }, // oktaAdvice adds it to other hints

		"no_tls": when(func(e *okta.NetworkError) bool {
			return Is[tls.RecordHeaderError](e.Err) || errors.Is(e.Err, http.ErrSchemeMismatch)
		}),
		"old_tls": when(func(e *okta.NetworkError) bool {
			return e.Phase == transport.PhaseTLS && strings.Contains(e.Err.Error(), "protocol version")
		}),
		"tls":          when(func(e *okta.NetworkError) bool { return e.Phase == transport.PhaseTLS && e.Timeout == 0 }),
		"no_such_host": when(func(e *net.DNSError) bool { return e.IsNotFound }),
		"no_dns": when(func(e *net.DNSError) bool { // it has the cause as a text only
			return strings.Contains(e.Err, "connection refused") || strings.Contains(e.Err, "unreachable")
		}),
		"dns_failing":  Is[*net.DNSError],
		"not_loopback": Is[*transport.NotLoopbackError],
		"refused":      when(func(e *okta.NetworkError) bool { return isErrno(e.Err, syscall.ECONNREFUSED) }),
		"unreachable": when(func(e *okta.NetworkError) bool {
			return isErrno(e.Err, syscall.ENETUNREACH) || isErrno(e.Err, syscall.EHOSTUNREACH)
		}),
		"connect_timeout": when(func(e *okta.NetworkError) bool {
			return e.Timeout > 0 && !okta.MayHaveBeenProcessed(e)
		}),
		"connect":        when(func(e *okta.NetworkError) bool { return !okta.MayHaveBeenProcessed(e) }),
		"answer_timeout": when(func(e *okta.NetworkError) bool { return e.Timeout > 0 }),
		"not_http":       when(func(e *okta.NetworkError) bool { return errors.Is(e.Err, okta.ErrNotHTTP) }),
		"broken":         Is[*okta.NetworkError],
		"proxy_sign_in": when(func(e *transport.ProxyError) bool {
			return e.Status == http.StatusProxyAuthRequired && e.Basic
		}),
		"proxy_other_sign_in": when(func(e *transport.ProxyError) bool {
			return e.Status == http.StatusProxyAuthRequired
		}),
		"proxy_refused": when(func(e *transport.ProxyError) bool { return e.Status != 0 }),
		"proxy_certificate": when(func(e *transport.ProxyError) bool {
			return Is[*tls.CertificateVerificationError](e)
		}),
		"not_proxy":               when(func(e *transport.ProxyError) bool { return errors.Is(e, transport.ErrNotProxy) }),
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
		"dpop_lost": when(func(e *okta.Error) bool {
			return e.DPoP && (e.Code == "use_dpop_nonce" || strings.Contains(e.Description, "header is missing"))
		}),
		"dpop_token":   when(func(e *okta.TokenTypeError) bool { return e.TokenType == okta.TypeDPoP }),
		"bearer_token": when(func(e *okta.TokenTypeError) bool { return e.Expected == okta.TypeDPoP }),
		"not_okta":     Is[*okta.ResponseError],
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
