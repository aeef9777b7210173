package config

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"okauth/pkg/internal/orgurl"
)

// Check returns an *Error unless the setting can have that value. It names the setting and shows no secret.
func (k Key) Check(text string) error {
	err := k.checkText(text)
	if strings.TrimSpace(text) == "" {
		err = &Error{Kind: Empty, Reason: "the value is empty"}
	}
	if e, ok := err.(*Error); ok {
		e.Key = k.Name
	}
	return err
}

func (k Key) checkText(text string) error {
	if err := checkEncoding(text); err != nil {
		return err
	}
	switch {
	case k.Type != Command && k.Name != KeyPassword && InQuotes(text):
		e := &Error{Reason: "the value is in quotes, which docker --env-file keeps: write it without them"}
		if k.Type != Secret && k.Name != KeyStorageURL {
			e.Suggestion = text[1 : len(text)-1]
		}
		return e
	case k.Type == Enum:
		return k.checkChoice(text)
	case k.Type == Duration:
		_, err := k.duration(text)
		return err
	case k.check != nil:
		return k.check(text)
	case k.Type == Secret:
		return checkSecret(text)
	case k.Type == Path && text != "~" && text != "" && text[0] == '~' && !os.IsPathSeparator(text[1]):
		return invalid("%s would be in the home directory of another user: write the whole path", quote(text))
	}
	return checkLine(text)
}

// parsed is the check of a value that parse reads.
func parsed[T any](parse func(string) (T, error)) func(string) error {
	return func(text string) error {
		_, err := parse(text)
		return err
	}
}

func invalid(format string, args ...any) error { return &Error{Reason: fmt.Sprintf(format, args...)} }

func (k Key) checkChoice(text string) error {
	if slices.Contains(k.Choices, text) {
		return nil
	}
	value := quote(text)
	if strings.Contains(text, "@") { // an address that belongs elsewhere, with a password
		value = "the value"
	}
	return &Error{Reason: fmt.Sprintf("%s is none of %s", value, strings.Join(k.Choices, ", ")),
		Suggestion: Suggest(text, k.Choices)}
}

// duration reads "90s", "2m" or a number of seconds.
func (k Key) duration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if n, numErr := strconv.ParseUint(text, 10, 31); numErr == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil {
		return 0, invalid("%s is not a duration, expected one like 30s, 2m or 45 (seconds)", quote(text))
	}
	if d < k.min || d > k.max {
		return 0, invalid("%s is out of bounds, expected %s to %s", quote(text), k.min, k.max)
	}
	return d, nil
}

// ParseScopes splits a list of scopes at white space and commas, and drops repetitions. An empty list, or a scope that
// RFC 6749 does not allow, is an *Error.
func ParseScopes(text string) ([]string, error) {
	var scopes []string
	for _, scope := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,\t\n\r", r) }) {
		// RFC 6749 §3.3, https://www.rfc-editor.org/rfc/rfc6749#section-3.3:
		// scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
		if strings.ContainsFunc(scope, func(r rune) bool { return r < 0x21 || r > 0x7e || r == '"' || r == '\\' }) {
			return nil, &Error{Key: KeyScopes,
				Reason: quote(scope) + " is not a scope, expected printable ASCII without quotes and backslashes"}
		}
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	if len(scopes) == 0 {
		return nil, &Error{Key: KeyScopes, Reason: "there is no scope in it, expected at least openid"}
	}
	return scopes, nil
}

// checkEncoding names what an editor or a shell put around text, or made of it.
func checkEncoding(text string) error {
	switch {
	case strings.HasPrefix(text, "\xff\xfe"), strings.HasPrefix(text, "\xfe\xff"), strings.ContainsRune(text, 0):
		return invalid("the value is UTF-16 or has a NUL byte, expected UTF-8 text")
	case strings.ContainsRune(text, '\ufeff'):
		return invalid("the value has a byte order mark (U+FEFF), which some editors add: save it as UTF-8 without one")
	case !utf8.ValidString(text):
		return invalid("the value is not UTF-8 text")
	}
	return nil
}

// InQuotes reports whether text begins and ends with the same quotation mark. docker --env-file, unlike a shell, keeps
// those that stand around a value.
func InQuotes(text string) bool {
	n := len(text)
	return n > 1 && text[0] == text[n-1] && (text[0] == '"' || text[0] == '\'')
}

// checkLine accepts a line of text: a user name, a path, a command.
func checkLine(text string) error {
	if err := checkSecret(text); err != nil {
		return err
	}
	if strings.ContainsRune(text, '\t') {
		return invalid("the value has a tab")
	}
	if strings.TrimSpace(text) != text {
		return invalid("the value begins or ends with white space")
	}
	return nil
}

// checkUsername refuses in addition what is copied unseen from a web page.
func checkUsername(text string) error {
	if i := strings.IndexFunc(text, func(r rune) bool { return unicode.Is(unicode.Cf, r) }); i >= 0 {
		r, _ := utf8.DecodeRuneInString(text[i:])
		return invalid("the value has the invisible character %U", r)
	}
	return checkLine(text)
}

// checkSecret accepts a line of text in which a space or a tab may be anywhere. It says nothing of the rest.
func checkSecret(text string) error {
	i := strings.IndexFunc(text, func(r rune) bool { return isControl(r) && r != '\t' })
	if i < 0 {
		return nil
	}
	switch r, size := utf8.DecodeRuneInString(text[i:]); {
	case r == '\r' && i+size == len(text):
		return invalid("the value ends with a carriage return, half of a Windows line break")
	case strings.ContainsRune("\n\r\u0085\u2028\u2029", r):
		return invalid("the value has a line break in it, expected one line of text")
	case r == '\x1b':
		return invalid("the value has an escape sequence, as the arrow keys or a colored output make")
	default:
		return invalid("the value has the control character %U", r)
	}
}

// checkLines accepts lines of text, such as those of a PEM.
func checkLines(text string) error {
	return checkSecret(strings.NewReplacer("\r\n", "", "\n", "").Replace(text))
}

// checkClientSecret refuses what no client secret looks like, and a password may: a placeholder, spaces at an end.
func checkClientSecret(text string) error {
	if isPlaceholder(text) {
		return invalid("the value is still the placeholder of a template")
	}
	if err := checkSecret(text); err != nil {
		return err
	}
	// RFC 6749 appendix A.2: client-secret = *VSCHAR, https://www.rfc-editor.org/rfc/rfc6749#appendix-A.2
	if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
		r, _ := utf8.DecodeRuneInString(text[i:])
		return invalid("the value has the character %U, expected printable ASCII", r)
	}
	if strings.TrimSpace(text) != text {
		return invalid("the value begins or ends with a space")
	}
	return nil
}

// checkOTP accepts the digits of a one-time code, which apps show in groups.
func checkOTP(text string) error {
	if err := checkSecret(text); err != nil {
		return err
	}
	digits := strings.ReplaceAll(text, " ", "")
	if n := len(digits); n < 4 || n > 10 || strings.Trim(digits, "0123456789") != "" {
		return invalid("the value is not a one-time code, expected 4 to 10 digits")
	}
	return nil
}

// checkClientID follows RFC 6749 appendix A.1 (client-id = *VSCHAR), without the characters that Okta's management API
// does not allow.
func checkClientID(text string) error {
	bad := func(r rune) bool { return r < 0x21 || r > 0x7e || strings.ContainsRune("/:\\\"@?#<>{}|&=", r) }
	switch i := strings.IndexFunc(text, bad); {
	case isPlaceholder(text):
		return invalid("%s is a placeholder", quote(text))
	case strings.Contains(text, "@"):
		return invalid("a client ID has no \"@\": this looks like a user name")
	case i >= 0:
		r, _ := utf8.DecodeRuneInString(text[i:])
		return invalid("%s is not a client ID: it must not contain %s", quote(text), strconv.QuoteToASCII(string(r)))
	case len(text) > 100:
		return invalid("a client ID has at most 100 characters, this has %d", len(text))
	}
	return nil
}

// checkAudience accepts any text, as Okta does.
func checkAudience(text string) error {
	if isPlaceholder(text) {
		return invalid("%s is a placeholder", quote(text))
	}
	return checkLine(text)
}

// checkRedirectURI wants an address of this machine, which a browser can open without TLS. RFC 8252 §7.3:
// https://www.rfc-editor.org/rfc/rfc8252#section-7.3
func checkRedirectURI(text string) error {
	u, err := url.Parse(text)
	var at orgurl.Address
	if err == nil {
		at, err = orgurl.Parse("http://" + u.Host) // http is for a loopback host alone
	}
	if err != nil || u.Scheme != "http" || u.User != nil || strings.ContainsAny(text, "?#") {
		return invalid("%s is not an address of this machine, expected one like http://127.0.0.1:8085/callback", quote(text))
	}
	// A browser that rewrites the address would not be recognized when it comes back.
	plain := at.BaseURL + strings.TrimSuffix(path.Clean("/"+u.EscapedPath()), "/")
	if strings.TrimSuffix(text, "/") != plain {
		return invalid("%s is not as a browser writes it, expected %s", quote(text), plain)
	}
	return nil
}

// checkACRValues wants words, which are separated by blanks.
func checkACRValues(text string) error {
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		return invalid("%s is not a list of levels, expected ones like urn:okta:loa:2fa:any", quote(text))
	}
	return nil
}

// isPlaceholder recognizes {clientId}, ${CLIENT_ID} and <client id> of Okta's guides and templates.
func isPlaceholder(text string) bool {
	text = strings.TrimPrefix(text, "$")
	return len(text) > 1 && (text[0] == '{' && text[len(text)-1] == '}' || text[0] == '<' && text[len(text)-1] == '>')
}

func isControl(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// OrgServer is the id of the org authorization server. The word is okauth's, not Okta's.
const OrgServer = orgurl.OrgServer

// Domain is the address of an org or of one of its authorization servers.
type Domain = orgurl.Address

// ParseDomain reads "dev-1.okta.com", "https://dev-1.okta.com/" or an issuer such as
// "https://dev-1.okta.com/oauth2/default". The error is an *Error; it quotes neither user info nor a query.
func ParseDomain(text string) (Domain, error) {
	domain, err := orgurl.Parse(text)
	if e, ok := errors.AsType[*orgurl.Error](err); ok {
		return Domain{}, &Error{Key: KeyDomain, Reason: e.Reason, Suggestion: e.Suggestion}
	}
	return domain, err
}

// ParseIssuer reads the issuer of a token as [ParseDomain] does, and returns what [Settings.Domain] and
// [Settings.Server] return for it. The error is an *Error with the key "issuer".
func ParseIssuer(text string) (domain, server string, err error) {
	d, err := ParseDomain(text)
	if e, ok := err.(*Error); ok {
		e.Key = "issuer"
		if !strings.Contains(text, ".") { // the id of a server, not an org's name
			e.Suggestion = ""
		}
		return "", "", e
	}
	if d.Server == "" {
		d.Server = OrgServer
	}
	return d.BaseURL, d.Server, err
}

// ParseServer reads the id of an authorization server. "" and "org" are the org server. The error is an *Error.
func ParseServer(text string) (string, error) {
	switch {
	case text == "":
		return OrgServer, nil
	case orgurl.IsServerID(text):
		return text, nil
	case isPlaceholder(text):
		return "", &Error{Key: KeyServer, Reason: quote(text) + " is a placeholder"}
	}
	return "", &Error{Key: KeyServer,
		Reason: quote(text) + " is not a server id, expected letters, digits, dots, hyphens and underscores"}
}
