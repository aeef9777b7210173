package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseScopes splits a list of scopes at white space and commas, drops
// repetitions and keeps the order. An empty list, or a scope that RFC 6749
// does not allow, is an *Error.
func ParseScopes(text string) ([]string, error) {
	var scopes []string
	seen := make(map[string]bool)
	for _, scope := range strings.FieldsFunc(text, isSeparator) {
		// RFC 6749 §3.3, https://www.rfc-editor.org/rfc/rfc6749#section-3.3:
		// scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
		for i := range len(scope) {
			if c := scope[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
				return nil, &Error{Key: KeyScopes, Reason: shown(scope) + " is not a scope: a scope is made of printable ASCII without quotes and backslashes"}
			}
		}
		if !seen[scope] {
			seen[scope] = true
			scopes = append(scopes, scope)
		}
	}
	if len(scopes) == 0 {
		return nil, &Error{Key: KeyScopes, Reason: "there is no scope in it", Next: "write at least openid"}
	}
	return scopes, nil
}

func isSeparator(r rune) bool {
	return r == ' ' || r == ',' || r == '\t' || r == '\n' || r == '\r'
}

func checkScopes(text string) error {
	_, err := ParseScopes(text)
	return err
}

// duration reads "90s", "2m" or a bare number of seconds.
func (k Key) duration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if n, numErr := strconv.ParseUint(text, 10, 31); numErr == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil {
		return 0, &Error{Key: k.Name, Reason: shown(text) + " is not a duration", Next: "write it like 30s, 2m or 45 (seconds)"}
	}
	if d < k.least || d > k.most {
		return 0, &Error{Key: k.Name, Reason: fmt.Sprintf("%s is out of bounds: expected %s to %s", shown(text), k.least, k.most)}
	}
	return d, nil
}

// checkLine accepts one line of text: a user name, a path, a command.
func checkLine(text string) error {
	if i := strings.IndexFunc(text, isControl); i >= 0 {
		return &Error{Reason: fmt.Sprintf("the value holds a control character at byte %d", i)}
	}
	if strings.TrimSpace(text) != text {
		return &Error{Reason: "the value begins or ends with white space"}
	}
	return nil
}

// checkClientSecret says as much as can be said without showing anything. Okta
// makes client secrets, so one in braces is a template's; people make passwords.
func checkClientSecret(text string) error {
	if isPlaceholder(text) {
		return &Error{Reason: "the value is still the placeholder of a template", Next: "replace it by the real value from the Okta admin console"}
	}
	return checkSecret(text)
}

func checkSecret(text string) error {
	if strings.ContainsFunc(text, func(r rune) bool { return isControl(r) && r != '\t' }) {
		return &Error{Reason: "the value holds a control character or a line break"}
	}
	return nil
}

// checkStorageKey explains what happens to a key that is kept as raw bytes.
func checkStorageKey(text string) error {
	err := checkSecret(text)
	if e, ok := err.(*Error); ok {
		e.Next = "write the key as one line of text: `openssl rand -base64 32` makes one"
	}
	return err
}

// checkClientID follows RFC 6749 appendix A.1 (client-id = *VSCHAR), without
// the space, which Okta's management API does not allow either.
func checkClientID(text string) error {
	const where = "copy it from Applications > your app > General > Client ID in the Okta admin console"
	if isPlaceholder(text) {
		return &Error{Reason: shown(text) + " is a placeholder", Next: where}
	}
	for i := range len(text) {
		if c := text[i]; c < 0x21 || c > 0x7e || strings.IndexByte("/:\\\"@?#<>{}|&=", c) >= 0 {
			return &Error{Reason: fmt.Sprintf("%s holds a byte at %d that no client id has", shown(text), i), Next: where}
		}
	}
	if len(text) > 100 {
		return &Error{Reason: fmt.Sprintf("a client id has at most 100 characters, this has %d", len(text)), Next: where}
	}
	return nil
}

// checkAudience accepts what an authorization server may have as its audience: a
// URI as a rule, but Okta takes any text.
func checkAudience(text string) error {
	if isPlaceholder(text) {
		return &Error{Reason: shown(text) + " is a placeholder", Next: "copy the audience from Security > API > Authorization Servers in the Okta admin console"}
	}
	return checkLine(text)
}

// isPlaceholder knows {clientId}, ${CLIENT_ID} and <client id>, which Okta's
// guides and templates leave for the reader to replace.
func isPlaceholder(text string) bool {
	text = strings.TrimPrefix(text, "$")
	return len(text) > 1 && (text[0] == '{' && text[len(text)-1] == '}' || text[0] == '<' && text[len(text)-1] == '>')
}

func isControl(r rune) bool {
	return r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029
}
