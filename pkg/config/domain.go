package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// OrgServer is the server id that stands for the organisation's own
// authorization server. The word is okauth's, not Okta's.
const OrgServer = "org"

// Domain is where an organisation's authorization servers live.
type Domain struct {
	BaseURL string // "https://host[:port]", lower case, no trailing slash
	Server  string // "org" or an id, when the text named one; else empty
}

// The hints for every mistake without a better one.
const (
	whereDomain = "copy the domain from the user menu at the top right of the Okta admin console, such as dev-123456.okta.com"
	whereIssuer = "copy the issuer from Security > API > Authorization Servers in the Okta admin console, such as https://dev-123456.okta.com/oauth2/default"
)

// nameOrgServer ends the hint where an issuer names its server by itself.
const nameOrgServer = " and set server to " + OrgServer

// ParseDomain reads "dev-1.okta.com", "https://dev-1.okta.com/" or an issuer
// such as "https://dev-1.okta.com/oauth2/default". A password will be sent
// there, so that anything doubtful is refused, each mistake with a name of its
// own; the error is an *Error and quotes neither user-info nor query.
func ParseDomain(text string) (Domain, error) {
	text = strings.TrimSpace(text)
	if err := checkDomainText(text); err != nil {
		return Domain{}, err
	}
	scheme, rest, err := splitScheme(text)
	if err != nil {
		return Domain{}, err
	}
	authority, path, _ := strings.Cut(rest, "/")
	host, port, err := splitPort(strings.ToLower(authority), scheme)
	if err != nil {
		return Domain{}, err
	}
	host, loopback, err := checkHost(host)
	if err != nil {
		return Domain{}, err
	}
	if scheme == "http" && !loopback {
		return Domain{}, wrongDomain("http would send the password in the clear: only a loopback host may use it", "write https://"+host+port)
	}
	base := scheme + "://" + host + port
	server, err := serverOf(path, base)
	if err != nil {
		return Domain{}, err
	}
	return Domain{BaseURL: base, Server: server}, nil
}

// ParseIssuer reads the issuer of a token, such as
// "https://dev-1.okta.com/oauth2/default", by the rules of [ParseDomain]. What
// comes out is what [Settings.Domain] and [Settings.Server] would say: the base
// URL, and the id of the server, OrgServer where the text names none. The error
// is an *Error with the key "issuer".
func ParseIssuer(text string) (domain, server string, err error) {
	d, err := ParseDomain(text)
	if e, ok := err.(*Error); ok {
		e.Key, e.Next = "issuer", strings.TrimSuffix(e.Next, nameOrgServer)
		if e.Next == whereDomain || !strings.Contains(text, ".") { // a server id, most likely
			e.Next = whereIssuer
		}
		return "", "", e
	}
	if d.Server == "" {
		d.Server = OrgServer
	}
	return d.BaseURL, d.Server, err
}

func checkDomain(text string) error {
	_, err := ParseDomain(text)
	return err
}

func wrongDomain(reason, next string) error {
	if next == "" {
		next = whereDomain
	}
	return &Error{Key: KeyDomain, Reason: reason, Next: next}
}

// checkDomainText names the mistakes that show in the text as a whole.
func checkDomainText(text string) error {
	lower := strings.ToLower(text)
	switch {
	case text == "":
		return wrongDomain("it is missing", "")
	case strings.ContainsFunc(text, isControl):
		return wrongDomain("it holds a control character", "")
	case strings.ContainsAny(text, "{}<>") || strings.Contains(lower, "youroktadomain"):
		return wrongDomain(shown(text)+" is a placeholder, not a domain", "")
	case strings.Contains(text, "@"):
		return wrongDomain("it carries a user name or password before an @", "leave out everything up to the @; okauth asks for user name and password itself")
	case strings.Contains(text, "?"):
		return wrongDomain("it carries a query (?)", "leave out everything from the ? on")
	case strings.Contains(text, "#"):
		return wrongDomain("it carries a fragment (#)", "leave out everything from the # on")
	case strings.Contains(text, `\`):
		return wrongDomain(shown(text)+" holds a backslash", "write https://host with forward slashes")
	case strings.ContainsAny(text, " \u00a0"):
		return wrongDomain(shown(text)+" holds a space", "")
	case strings.Contains(text, "%") && strings.Contains(text, "["):
		// A zone names a network card of this machine: it is no part of what a
		// certificate, or an issuer, can name.
		return wrongDomain(shown(text)+" holds an IPv6 address with a zone (%)", "leave out everything from the % up to the ]")
	case strings.Contains(text, "%"):
		return wrongDomain(shown(text)+" holds a percent sign: a domain is written without escapes", "")
	case strings.Contains(text, ".."):
		return wrongDomain(shown(text)+" holds two dots in a row", "")
	}
	for i := range len(text) {
		if text[i] >= 0x80 {
			// Letters of other alphabets that look like Latin ones would
			// send the password to somebody else: show what they are.
			return wrongDomain(shown(text)+" holds letters outside ASCII", "if the host is right, write it in its xn-- form, as a browser copies it from the address bar")
		}
	}
	return nil
}

// splitScheme returns "https" where the text names no scheme.
func splitScheme(text string) (scheme, rest string, err error) {
	if strings.HasPrefix(text, "//") {
		return "", "", wrongDomain(shown(text)+" begins with // but names no scheme", "write https://host")
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		for _, s := range []string{"https:", "http:"} {
			if len(text) >= len(s) && strings.EqualFold(text[:len(s)], s) {
				return "", "", wrongDomain(shown(text)+" lacks the two slashes after "+s, "write https://host")
			}
		}
		return "https", text, nil
	}
	scheme = strings.ToLower(scheme)
	if scheme != "https" && scheme != "http" {
		return "", "", wrongDomain(fmt.Sprintf("the scheme is %s, expected https", shown(scheme)), "write https://host")
	}
	return scheme, rest, nil
}

// splitPort returns the host (an IPv6 address keeps its brackets) and the port
// with its colon, empty where it is the scheme's own.
func splitPort(authority, scheme string) (host, port string, err error) {
	colon := strings.LastIndexByte(authority, ':')
	if colon < strings.LastIndexByte(authority, ']') || colon < 0 {
		return authority, "", nil
	}
	host, port = authority[:colon], authority[colon+1:]
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
		return "", "", wrongDomain(shown(authority)+" has more than one colon", "put an IPv6 address in brackets, as in [::1]:8080")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", "", wrongDomain("the port is "+shown(port)+", expected 1 to 65535", "")
	}
	if scheme == "https" && n == 443 || scheme == "http" && n == 80 {
		return host, "", nil
	}
	return host, ":" + strconv.FormatUint(n, 10), nil
}

// checkHost returns the lower-case host as it is written once and for all, and
// reports whether it is this machine.
func checkHost(host string) (same string, loopback bool, err error) {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		if !closed || err != nil || !addr.Is6() {
			return "", false, wrongDomain(shown(host)+" is not an IPv6 address", "write it like [2001:db8::7], with :port behind the bracket")
		}
		// Sessions are kept by the issuer: one address is one text.
		return "[" + addr.String() + "]", addr.IsLoopback(), nil
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return host, addr.IsLoopback(), nil
	}
	if host == "localhost" {
		return host, true, nil
	}
	return host, false, checkName(host)
}

// checkName names the mistakes in a host name.
func checkName(host string) error {
	switch {
	case host == "":
		return wrongDomain("the host is missing", "")
	case strings.HasSuffix(host, "."):
		return wrongDomain(shown(host)+" ends with a dot", "write "+strings.TrimRight(host, "."))
	case strings.HasPrefix(host, "."):
		return wrongDomain(shown(host)+" begins with a dot", "")
	case strings.HasSuffix(host, ".com.com"):
		return wrongDomain(shown(host)+" ends with .com.com", "did you mean "+strings.TrimSuffix(host, ".com")+"?")
	case len(host) > 253:
		return wrongDomain(fmt.Sprintf("a host name has at most 253 characters, this has %d", len(host)), "")
	case !strings.Contains(host, "."):
		return wrongDomain(shown(host)+" has no dot: it is not a whole domain", "did you mean "+host+".okta.com?")
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if !isLabel(label) {
			return wrongDomain(fmt.Sprintf("%s is not a host name: %s is not a label of letters, digits and hyphens", shown(host), shown(label)), "")
		}
	}
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return wrongDomain(shown(host)+" is neither a host name nor an IPv4 address", "")
	}
	return checkOktaName(host)
}

// checkOktaName names the mistakes that only hosts at Okta can have. The base
// domains are those of Okta's own SDKs; custom domains pass.
func checkOktaName(host string) error {
	for _, base := range []string{"okta.com", "oktapreview.com", "okta-emea.com", "okta-gov.com", "okta.mil",
		"okta-miltest.com", "trex-gov.com", "trex-govcloud.com", "trexcloud.com"} {
		if host == base {
			return wrongDomain(shown(host)+" lacks the organisation's own name", "write it like dev-123456."+base)
		}
		if org, ok := strings.CutSuffix(host, "-admin."+base); ok {
			return wrongDomain(shown(host)+" is the admin console, which issues no tokens", "did you mean "+org+"."+base+"?")
		}
	}
	return nil
}

func isLabel(label string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	return label != "" && len(label) <= 63 && strings.Trim(label, letters+"-") == "" &&
		label[0] != '-' && label[len(label)-1] != '-'
}

// serverOf reads the path after the host: empty, "oauth2" or "oauth2/{id}".
func serverOf(path, base string) (string, error) {
	if path == "" {
		return "", nil
	}
	path = strings.TrimSuffix(path, "/")
	if path == "oauth2" {
		return OrgServer, nil
	}
	id, ok := strings.CutPrefix(path, "oauth2/")
	// The org server's endpoints are /oauth2/v1/…: "v1" is no server.
	if id == "v1" || strings.HasPrefix(id, "v1/") {
		return "", wrongDomain("it carries the path of an endpoint", "write "+base+nameOrgServer)
	}
	if ok && isServerID(id) {
		return id, nil
	}
	if first, _, more := strings.Cut(id, "/"); ok && more && isServerID(first) {
		return "", wrongDomain("it carries the path of an endpoint", "write "+base+"/oauth2/"+first)
	}
	return "", wrongDomain("it carries the path "+shown("/"+path)+", expected none or /oauth2/{server}", "write "+base)
}

// ParseServer reads the id of an authorization server. The empty text and
// "org" are the org server, returned as "org". The error is an *Error.
func ParseServer(text string) (string, error) {
	switch {
	case text == "":
		return OrgServer, nil
	case isServerID(text):
		return text, nil
	case isPlaceholder(text):
		return "", &Error{Key: KeyServer, Reason: shown(text) + " is a placeholder", Next: whereServer}
	}
	return "", &Error{Key: KeyServer, Reason: shown(text) + " is not a server id: expected letters, digits, dots, hyphens and underscores", Next: whereServer}
}

const whereServer = "the id is the last part of the issuer under Security > API > Authorization Servers in the Okta admin console: default, or aus…"

func checkServer(text string) error {
	_, err := ParseServer(text)
	return err
}

func isServerID(id string) bool {
	const ok = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	return id != "" && len(id) <= 128 && id != "." && id != ".." && strings.Trim(id, ok) == ""
}
