// Package orgurl reads the address of an Okta org or of one of its authorization servers.
//
// A password is sent to that address, so anything doubtful is refused, and every mistake has its own message.
package orgurl

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode"

	"okauth/pkg/internal/safetext"
)

// OrgServer is the id that okauth gives the org authorization server, which has none at Okta.
const OrgServer = "org"

// Address is the address of an authorization server.
type Address struct {
	BaseURL string // "https://host[:port]", in lower case, without a slash at the end
	Server  string // the id of the authorization server, OrgServer, or "" if the text names none
}

// Error is a mistake in an address. It holds no user info, query or fragment.
type Error struct {
	Reason     string // what is wrong: `"okta.com" lacks the org's own name`
	Suggestion string // the address that was probably meant, may be empty
}

func (e *Error) Error() string { return e.Reason }

// Parse reads "dev-1.okta.com", "https://dev-1.okta.com/" or an issuer such as "https://dev-1.okta.com/oauth2/default".
// The error is an *Error.
func Parse(text string) (Address, error) {
	text = strings.TrimSpace(text)
	if err := checkText(text); err != nil {
		return Address{}, err
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		scheme, rest = "https", text
	}
	if scheme = strings.ToLower(scheme); scheme != "https" && scheme != "http" {
		return Address{}, wrong("", "the scheme is %s, expected https", quote(scheme))
	}
	authority, path, _ := strings.Cut(rest, "/")
	host, port, err := splitPort(strings.ToLower(authority), scheme)
	if err != nil {
		return Address{}, err
	}
	host, loopback, err := checkHost(host)
	if err != nil {
		return Address{}, err
	}
	if scheme == "http" && !loopback {
		return Address{}, wrong("https://"+host+port,
			"http would send the password in the clear: only a loopback host may use it")
	}
	base := scheme + "://" + host + port
	server, err := parsePath(path, base)
	if err != nil {
		return Address{}, err
	}
	return Address{BaseURL: base, Server: server}, nil
}

func wrong(suggestion, format string, args ...any) error {
	return &Error{Reason: fmt.Sprintf(format, args...), Suggestion: suggestion}
}

func quote(text string) string { return safetext.Quote(text, 80) }

// checkText finds the mistakes that show in the text as a whole. Text that may have a secret in it is not shown.
func checkText(text string) error {
	has := func(chars string) bool { return strings.ContainsAny(text, chars) }
	lower := strings.ToLower(text)
	scheme, rest, _ := strings.Cut(lower, ":")
	switch {
	case text == "":
		return wrong("", "it is missing")
	case strings.ContainsFunc(text, isControl):
		return wrong("", "it has a control character")
	case has("{}<>") || strings.Contains(lower, "youroktadomain"):
		return wrong("", "%s is a placeholder, not a domain", quote(text))
	case has("@"):
		return wrong("", "it has a user name or password before an @, expected the host alone")
	case has("?"):
		return wrong("", "it has a query (?), expected the host alone")
	case has("#"):
		return wrong("", "it has a fragment (#), expected the host alone")
	case has(`\`):
		return wrong("", "%s has a backslash, expected forward slashes", quote(text))
	case has(" \u00a0"):
		return wrong("", "%s has a space", quote(text))
	case has("%"): // a zone names a network interface of this machine: no certificate and no issuer can name it
		return wrong("", "%s has a percent sign, expected no escapes and no IPv6 zone", quote(text))
	case strings.Contains(text, ".."):
		return wrong("", "%s has two dots in a row", quote(text))
	case strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII }):
		// Letters of other alphabets that look like Latin ones would send the password to another host.
		return wrong("", "%s has letters outside ASCII, expected the xn-- form that a browser copies", quote(text))
	case strings.HasPrefix(text, "//"):
		return wrong("", "%s has no scheme before //, expected https://host", quote(text))
	case (scheme == "https" || scheme == "http") && !strings.HasPrefix(rest, "//"):
		return wrong("", "%s lacks the two slashes after %s:, expected https://host", quote(text), scheme)
	}
	return nil
}

func isControl(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// splitPort returns the host (an IPv6 address keeps its brackets) and ":port", "" for the scheme's own port.
func splitPort(authority, scheme string) (host, port string, err error) {
	colon := strings.LastIndexByte(authority, ':')
	if colon < strings.LastIndexByte(authority, ']') || colon < 0 {
		return authority, "", nil
	}
	host, port = authority[:colon], authority[colon+1:]
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
		return "", "", wrong("", "%s has more than one colon, expected brackets, as in [::1]:8080", quote(authority))
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", "", wrong("", "the port is %s, expected 1 to 65535", quote(port))
	}
	if scheme == "https" && n == 443 || scheme == "http" && n == 80 {
		return host, "", nil
	}
	return host, ":" + strconv.FormatUint(n, 10), nil
}

// IsLoopback reports whether a host, without port and brackets, is this machine by its name or number. What localhost
// resolves to is for the one who connects to check.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkHost returns the canonical form of a host, and whether it is this machine.
func checkHost(host string) (canonical string, loopback bool, err error) {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		if !closed || err != nil || !addr.Is6() {
			return "", false, wrong("", "%s is not an IPv6 address, expected one like [2001:db8::7]:8443", quote(host))
		}
		// Sessions are stored by issuer, so an address must have one spelling.
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

func checkName(host string) error {
	switch {
	case host == "":
		return wrong("", "the host is missing")
	case strings.HasSuffix(host, "."):
		return wrong(strings.TrimRight(host, "."), "%s ends with a dot", quote(host))
	case strings.HasPrefix(host, "."):
		return wrong("", "%s begins with a dot", quote(host))
	case strings.HasSuffix(host, ".com.com"):
		return wrong(strings.TrimSuffix(host, ".com"), "%s ends with .com.com", quote(host))
	case len(host) > 253:
		return wrong("", "a host name has at most 253 characters, this has %d", len(host))
	case !strings.Contains(host, "."):
		return wrong(host+".okta.com", "%s has no dot, expected a whole domain", quote(host))
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if !isLabel(label) {
			return wrong("", "%s is not a host name: %s is not a label of letters, digits and hyphens",
				quote(host), quote(label))
		}
	}
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return wrong("", "%s is neither a host name nor an IPv4 address", quote(host))
	}
	return checkOktaName(host)
}

func isLabel(label string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	return label != "" && len(label) <= 63 && strings.Trim(label, letters+"-") == "" &&
		label[0] != '-' && label[len(label)-1] != '-'
}

// oktaDomains returns the base domains in Okta's own SDKs.
func oktaDomains() []string {
	return []string{"okta.com", "oktapreview.com", "okta-emea.com", "okta-gov.com", "okta.mil",
		"okta-miltest.com", "trex-gov.com", "trex-govcloud.com", "trexcloud.com"}
}

// checkOktaName finds the mistakes that only hosts at Okta can have. Custom domains pass.
func checkOktaName(host string) error {
	for _, base := range oktaDomains() {
		if host == base {
			return wrong("", "%s lacks the org's own name, expected one like dev-123456.%s", quote(host), base)
		}
		if org, ok := strings.CutSuffix(host, "-admin."+base); ok {
			return wrong(org+"."+base, "%s is the admin console, which issues no tokens", quote(host))
		}
	}
	return nil
}

// parsePath returns the id of the authorization server in the path: "", "oauth2" or "oauth2/{id}".
func parsePath(path, base string) (server string, err error) {
	if path == "" {
		return "", nil
	}
	path = strings.TrimSuffix(path, "/")
	if path == "oauth2" {
		return OrgServer, nil
	}
	id, ok := strings.CutPrefix(path, "oauth2/")
	// The org server's endpoints are /oauth2/v1/…, so "v1" is no server.
	if id == "v1" || strings.HasPrefix(id, "v1/") {
		return "", wrong(base+"/oauth2", "it has the path of an endpoint")
	}
	if ok && IsServerID(id) {
		return id, nil
	}
	if first, _, more := strings.Cut(id, "/"); ok && more && IsServerID(first) {
		return "", wrong(base+"/oauth2/"+first, "it has the path of an endpoint")
	}
	return "", wrong(base, "it has the path %s, expected none or /oauth2/{server}", quote("/"+path))
}

// IsServerID reports whether id can be the id of an authorization server.
func IsServerID(id string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	return id != "" && len(id) <= 128 && id != "." && id != ".." && strings.Trim(id, letters) == ""
}
