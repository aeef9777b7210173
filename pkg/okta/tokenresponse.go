package okta

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// maxLifetime bounds expires_in. It is applied before the number becomes a time.Duration: 9999999999 seconds would be
	// negative there.
	maxLifetime = 365 * 24 * time.Hour
	// UnknownLifetime is for a response without expires_in: long enough to use the token once, too short to keep it.
	// Okta's shortest lifetime is five minutes.
	UnknownLifetime = time.Minute
	// maxToken bounds one token, in bytes: nothing larger fits into a header that a server accepts.
	maxToken = 64 << 10
)

// LifetimeWarning is the warning about a response without expires_in.
const LifetimeWarning = "Okta did not say how long the access token is valid; okauth assumes a minute"

// TokenResponse is the response to a successful token request.
type TokenResponse struct {
	AccessToken Secret
	IDToken     Secret // zero where the scope had no openid
	// RefreshToken is zero where the scope had no offline_access or the application may not refresh. After a refresh it
	// is the token that was sent, a new one, or zero, and then the one that was sent remains valid.
	RefreshToken Secret
	// TokenType is TypeBearer, or TypeDPoP where the Client made a proof; TypeNone for what is no access token, after a
	// token exchange that asked for one.
	TokenType string
	// IssuedTokenType is what AccessToken is, after a token exchange: "urn:ietf:params:oauth:token-type:access_token".
	IssuedTokenType string
	DeviceSecret    Secret // for Native SSO; zero where the scope had no device_sso
	// DPoPKey is the key of the Client's Prover, as dpop.Key.Text returns it, and DPoPNonce the nonce for its next
	// proof; zero without a Prover.
	DPoPKey   Secret
	DPoPNonce string
	// Scope is what was granted. It is nil where neither the request nor the response named a scope: after a refresh,
	// that means the scopes of the sign-in, and otherwise the server's default.
	Scope []string
	// ExpiresIn is the lifetime of the access token, counted from ObtainedAt: more than 0, at most a year.
	ExpiresIn time.Duration
	// ObtainedAt is read just before the request is sent, so that the token never seems to live longer than it does.
	ObtainedAt time.Time
	// ServerTime is the time of the response by the server's clock; zero where the response has no Date.
	ServerTime time.Time
	// Username is the user name that a grant sent; "" for a grant that sends none.
	Username string
	// Nonce is the one that a grant sent, which the ID token must have; "" where it sent none.
	Nonce  string
	Factor string // the second or only factor that a grant used; "" where it used none
	// Warnings say what the server did other than requested, one sentence each.
	Warnings []string
}

// The types of an access token.
const (
	TypeBearer = "Bearer"
	TypeDPoP   = "DPoP" // bound to a key, RFC 9449
	TypeNone   = "N_A"  // it is no access token, RFC 8693
)

// TokenTypeError says that an access token has another type than the request was for. "A client MUST NOT use an access
// token if it does not understand the token type": RFC 6749 §7.1
type TokenTypeError struct {
	TokenType string // sanitized
	Expected  string
}

func (e *TokenTypeError) Error() string {
	return fmt.Sprintf("token_type is %q, expected %q", e.TokenType, e.Expected)
}

// tokens reads the successful response to form, with an access token of that type.
// RFC 6749 §5.1: https://www.rfc-editor.org/rfc/rfc6749#section-5.1
func (o jsonObject) tokens(expected string, form url.Values) (*TokenResponse, error) {
	t := &TokenResponse{TokenType: expected}
	var err error
	for _, token := range []struct {
		name  string
		value *Secret
	}{
		{"access_token", &t.AccessToken}, {"id_token", &t.IDToken}, {"refresh_token", &t.RefreshToken},
		{"device_secret", &t.DeviceSecret},
	} {
		if *token.value, err = o.token(token.name); err != nil {
			return nil, err
		}
	}
	if t.AccessToken.IsZero() {
		return nil, errors.New("access_token is missing")
	}
	if t.IssuedTokenType, err = o.issuedTokenType(form); err != nil {
		return nil, err
	}
	tokenType, err := o.text("token_type")
	if err != nil {
		return nil, err
	}
	switch requested := form.Get("requested_token_type"); {
	case strings.EqualFold(tokenType, expected): // RFC 6749 §5.1: "Value is case insensitive."
	// "If the issued token is not an access token or usable as an access token, then the token_type value N_A is used":
	// RFC 8693 §2.2.1
	case strings.EqualFold(tokenType, TypeNone) && requested != "" && requested != AccessTokenType:
		t.TokenType = TypeNone
	default:
		return nil, &TokenTypeError{TokenType: Sanitize(tokenType, 40), Expected: expected}
	}
	if t.ExpiresIn, err = o.lifetime(); err != nil {
		return nil, err
	}
	if t.ExpiresIn == 0 {
		t.ExpiresIn = UnknownLifetime
		t.warn("%s", LifetimeWarning)
	}
	t.Scope, err = o.scope()
	return t, err
}

// What names token exchange and its tokens. RFC 8693: https://www.rfc-editor.org/rfc/rfc8693#section-3
const (
	TokenExchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
	JWTBearerGrant     = "urn:ietf:params:oauth:grant-type:jwt-bearer" // RFC 7523 §2.1
	AccessTokenType    = "urn:ietf:params:oauth:token-type:access_token"
)

// issuedTokenType reads issued_token_type, which a token exchange must bring: it alone says what the token is that
// arrives as access_token. RFC 8693 §2.2.1: https://www.rfc-editor.org/rfc/rfc8693#section-2.2.1
func (o jsonObject) issuedTokenType(form url.Values) (string, error) {
	if form.Get("grant_type") != TokenExchangeGrant {
		return "", nil
	}
	issued, err := o.text("issued_token_type")
	requested := form.Get("requested_token_type")
	switch {
	case err != nil:
		return "", err
	case !o.has("issued_token_type"):
		return "", errors.New("issued_token_type is missing")
	case requested != "" && issued != requested:
		return "", fmt.Errorf("issued_token_type is %q, expected %q", Sanitize(issued, 80), Sanitize(requested, 80))
	case !ValidTokenType(issued):
		return "", fmt.Errorf("issued_token_type is %q, expected a URI", Sanitize(issued, 80))
	}
	return issued, nil
}

// ValidTokenType reports whether text can name a type of token, which is an absolute URI.
func ValidTokenType(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.IsAbs() && ValidScope(text)
}

// token reads the token called name; the zero Secret where it is absent.
func (o jsonObject) token(name string) (Secret, error) {
	text, err := o.text(name)
	if err != nil || !o.has(name) {
		return Secret{}, err
	}
	if err := CheckToken(text); err != nil {
		return Secret{}, fmt.Errorf("%s %w", name, err)
	}
	return NewSecret(text), nil
}

// lifetime reads expires_in: seconds, as a number or as a string with a number in it; 0 where it is absent.
func (o jsonObject) lifetime() (time.Duration, error) {
	if !o.has("expires_in") {
		return 0, nil
	}
	text := strings.Trim(string(o["expires_in"]), `"`)
	var number json.Number // it accepts both, and nothing but what JSON calls a number
	if json.Unmarshal(o["expires_in"], &number) != nil {
		return 0, fmt.Errorf("expires_in is %q, expected a number of seconds", Sanitize(text, 40))
	}
	seconds, _ := number.Float64() // infinite where the number is too large
	switch {
	case seconds >= maxLifetime.Seconds():
		return maxLifetime, nil
	case seconds < 1 || seconds != float64(int64(seconds)):
		return 0, fmt.Errorf("expires_in is %q, expected a whole number of seconds above 0", Sanitize(text, 40))
	}
	return time.Duration(seconds) * time.Second, nil
}

// scope returns nil where the response has no scope, which means: as requested.
func (o jsonObject) scope() ([]string, error) {
	text, err := o.text("scope")
	if err != nil || !o.has("scope") {
		return nil, err
	}
	scopes := strings.Fields(text)
	for _, name := range scopes {
		if !ValidScope(name) {
			return nil, fmt.Errorf("scope contains %q, which is not a scope name", Sanitize(name, 40))
		}
	}
	return scopes, nil
}

// CompareScopes completes Scope and warns of what differs from requested, the scopes of a sign-in whose token request
// does not name them. Token does it for the others.
func (t *TokenResponse) CompareScopes(requested []string) { t.compareScopes("", requested) }

// compareScopes warns of what differs from the requested scopes. No difference makes the tokens unusable.
func (t *TokenResponse) compareScopes(grantType string, requested []string) {
	if t.Scope == nil && len(requested) > 0 {
		// "OPTIONAL, if identical to the scope requested by the client": RFC 6749 §5.1
		t.Scope = slices.Clone(requested)
	}
	if len(requested) > 0 && !sameSet(requested, t.Scope) {
		t.warn("Okta granted other scopes than requested: requested %q, granted %q",
			strings.Join(requested, " "), strings.Join(t.Scope, " "))
	}
	if grantType == "refresh_token" {
		// Both tokens may be missing: "it might not contain an id_token", OpenID Connect Core §12.2
		// (https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse), and the refresh token that was
		// sent may remain valid.
		return
	}
	granted := func(scope string) bool { return slices.Contains(requested, scope) && slices.Contains(t.Scope, scope) }
	if granted("openid") && t.IDToken.IsZero() {
		t.warn("Okta granted the scope openid and sent no ID token")
	}
	if granted("offline_access") && t.RefreshToken.IsZero() {
		t.warn("Okta granted the scope offline_access and sent no refresh token: " +
			"the grant type Refresh Token may not be enabled for the application")
	}
}

func (t *TokenResponse) warn(format string, args ...any) {
	t.Warnings = append(t.Warnings, fmt.Sprintf(format, args...))
}

func sameSet(a, b []string) bool {
	set := func(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }
	return slices.Equal(set(a), set(b))
}

// CheckToken returns what is wrong with text if it cannot be a token, as a clause without its subject and without
// anything of the text; nil if it can. A token has the grammar b64token, 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" /
// "+" / "/" ) *"=", and at most 64 KiB. That is narrower than RFC 6749's grammar, and the only one that fits into an
// Authorization header, a shell's word and a terminal as it is. RFC 6750 §2.1:
// https://www.rfc-editor.org/rfc/rfc6750#section-2.1
func CheckToken(text string) error {
	const characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/"
	body := strings.TrimRight(text, "=")
	switch {
	case text == "":
		return errors.New("is empty")
	case len(text) > maxToken:
		return fmt.Errorf("is too long: it has %d bytes, and a token has at most %d (64 KiB)", len(text), maxToken)
	case body == "" || strings.Trim(body, characters) != "":
		return errors.New("has a character that no token has")
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
