package okta

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// maxLife bounds expires_in. It is applied before the number becomes a time.Duration: 9999999999 seconds would be negative there.
	maxLife = 365 * 24 * time.Hour
	// unknownLife is for an answer without expires_in: long enough to be used once, too short to be kept.
	unknownLife = time.Minute
	// maxToken bounds one token, in bytes: nothing larger fits into a header that a server takes.
	maxToken = 64 << 10
)

// jsonObject are the jsonObject of a JSON object, by their exact names. Unmarshalling into a struct is too kind to a foreign answer: it
// matches names without regard to case, takes the last of two jsonObject, and turns invalid UTF-8 into U+FFFD.
type jsonObject map[string]json.RawMessage

// readObject reads body as exactly one JSON object in valid UTF-8, none of whose members comes twice.
func readObject(body []byte) (jsonObject, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("not valid UTF-8")
	}
	if !json.Valid(body) { // also trailing data, a byte order mark, and nesting deeper than 10000
		return nil, errors.New("not one JSON document")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	m := jsonObject{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, errors.New("not one JSON document")
		}
		key, _ := name.(string)
		if _, twice := m[key]; twice {
			return nil, fmt.Errorf("member %q comes twice", Sanitize(key, 40))
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, errors.New("not one JSON document")
		}
		m[key] = value
	}
	return m, nil
}

// has reports whether a member is there and not null.
func (m jsonObject) has(name string) bool {
	value, ok := m[name]
	return ok && string(value) != "null"
}

// text returns a string member, "" where it is absent or null.
func (m jsonObject) text(name string) (string, error) {
	if !m.has(name) {
		return "", nil
	}
	var text string
	if m[name][0] != '"' || json.Unmarshal(m[name], &text) != nil {
		return "", fmt.Errorf("%s is not a string", name)
	}
	return text, nil
}

// truth returns a member that must be true or false.
func (m jsonObject) truth(name string) (bool, error) {
	switch string(m[name]) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%s is neither true nor false", name)
}

// list returns an array of strings, nil where it is absent or null.
func (m jsonObject) list(name string) ([]string, error) {
	if !m.has(name) {
		return nil, nil
	}
	var values []*string
	if json.Unmarshal(m[name], &values) != nil || slices.Contains(values, nil) {
		return nil, fmt.Errorf("%s is not an array of strings", name)
	}
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = *value
	}
	return texts, nil
}

// tokens reads a successful answer. RFC 6749 §5.1: https://www.rfc-editor.org/rfc/rfc6749#section-5.1
func (m jsonObject) tokens() (*TokenResponse, error) {
	t := &TokenResponse{TokenType: "Bearer"}
	for name, into := range map[string]*Secret{"access_token": &t.AccessToken, "id_token": &t.IDToken, "refresh_token": &t.RefreshToken} {
		text, err := m.text(name)
		if err == nil && m.has(name) && !ValidToken(text) {
			err = fmt.Errorf("%s has characters or a length that no token has", name)
		}
		if err != nil {
			return nil, err
		}
		*into = NewSecret(text)
	}
	if t.AccessToken.IsZero() {
		return nil, errors.New("access_token is missing")
	}
	kind, err := m.text("token_type")
	if err != nil {
		return nil, err
	}
	// "A client MUST NOT use an access token if it does not understand the token type": RFC 6749 §7.1. §5.1 makes it case insensitive.
	if !strings.EqualFold(kind, "Bearer") {
		return nil, fmt.Errorf("token_type is %q, expected %q", Sanitize(kind, 40), "Bearer")
	}
	if t.ExpiresIn, err = m.life(); err != nil {
		return nil, err
	}
	if !m.has("expires_in") {
		t.Warnings = append(t.Warnings, fmt.Sprintf("Okta did not say how long the access token is valid; it is taken for valid for %s", unknownLife))
	}
	return t, m.scope(t)
}

// life reads expires_in: seconds, as a number or as a string with a number in it.
func (m jsonObject) life() (time.Duration, error) {
	if !m.has("expires_in") {
		return unknownLife, nil
	}
	text := string(m["expires_in"])
	if text[0] == '"' {
		text, _ = m.text("expires_in")
	}
	// ParseFloat also takes "Inf", "0x10" and "1_000": only what JSON calls a number may reach it.
	number := text != "" && strings.Trim(text, "0123456789+-.eE") == "" && json.Valid([]byte(text))
	seconds, err := strconv.ParseFloat(text, 64)
	switch {
	case !number || err != nil && !errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("expires_in is %q, expected a number of seconds", Sanitize(text, 40))
	case seconds >= maxLife.Seconds():
		return maxLife, nil
	case seconds < 1 || seconds != float64(int64(seconds)):
		return 0, fmt.Errorf("expires_in is %q, expected a whole number of seconds above 0", Sanitize(text, 40))
	}
	return time.Duration(seconds) * time.Second, nil
}

// scope leaves t.Scope nil where the answer has no scope, which means: as requested.
func (m jsonObject) scope(t *TokenResponse) error {
	text, err := m.text("scope")
	if err != nil || !m.has("scope") {
		return err
	}
	t.Scope = []string{}
	for name := range strings.FieldsSeq(text) {
		if !ValidScope(name) {
			return fmt.Errorf("scope contains %q, which is no scope name", Sanitize(name, 40))
		}
		t.Scope = append(t.Scope, name)
	}
	return nil
}

// ValidScope reports whether name is a scope-token, 1*( %x21 / %x23-5B / %x5D-7E ).
// RFC 6749 §3.3: https://www.rfc-editor.org/rfc/rfc6749#section-3.3
func ValidScope(name string) bool {
	for _, c := range []byte(name) {
		if c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return name != ""
}

// compare notes what is other than asked. None of it makes the tokens unusable.
func (t *TokenResponse) compare(about operation, asked []string) {
	if t.Scope == nil && len(asked) > 0 {
		// "OPTIONAL, if identical to the scope requested by the client": RFC 6749 §5.1
		t.Scope = slices.Clone(asked)
	}
	if len(asked) > 0 && !sameSet(asked, t.Scope) {
		t.Warnings = append(t.Warnings, fmt.Sprintf("Okta granted other scopes than asked for: asked %q, granted %q", strings.Join(asked, " "), strings.Join(t.Scope, " ")))
	}
	switch about {
	case clientSignIn:
		// "A refresh token SHOULD NOT be included", RFC 6749 §4.4.3 (https://www.rfc-editor.org/rfc/rfc6749#section-4.4.3), and an ID token tells of a user.
		return
	case refresh:
		// Both may be missing: "it might not contain an id_token", OpenID Connect Core §12.2
		// (https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse), and the refresh token of before may stay good.
		return
	}
	if slices.Contains(asked, "openid") && t.IDToken.IsZero() {
		t.Warnings = append(t.Warnings, "Okta sent no ID token although the scope openid was asked for")
	}
	if slices.Contains(asked, "offline_access") && t.RefreshToken.IsZero() {
		t.Warnings = append(t.Warnings, "Okta sent no refresh token although the scope offline_access was asked for: the application needs the grant type Refresh Token (Admin Console, Applications › the application › General › Grant type)")
	}
}

func sameSet(a, b []string) bool {
	in := func(all []string) func(string) bool {
		return func(one string) bool { return !slices.Contains(all, one) }
	}
	return !slices.ContainsFunc(a, in(b)) && !slices.ContainsFunc(b, in(a))
}
