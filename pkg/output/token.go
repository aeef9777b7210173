package output

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"okauth/pkg/internal/safetext"
	"okauth/pkg/okta"
	"okauth/pkg/okta/dpop"
)

// Token is a token and what is known about it.
type Token struct {
	Value     okta.Secret
	Type      string    // "access", "id" or "refresh"
	TokenType string    // as the server said, okta.TypeBearer or TypeDPoP; may be empty
	Issued    string    // what Value is, after a token exchange: a URI
	Scope     []string  // as granted; may be empty
	ExpiresAt time.Time // zero if unknown
	Issuer    string
	Profile   string
	// Prover makes the proofs for a token that is bound to a key (DPoP); nil for another.
	Prover func() (*dpop.Prover, error)
}

// TokenOptions says how to write a token.
type TokenOptions struct {
	Format     string    // one of [Formats]
	Shell      string    // for env: one of [Shells], sh if empty
	Variable   string    // for env: the name of the variable
	APIVersion string    // for exec-credential: a result of [ExecAPIVersion], v1 if empty
	Request    Request   // for header and curl, where the token is bound to a key
	Now        time.Time // for json: expires_in counts from here; and of the proof for Request
}

// format is one way to write a token. encode gets a value that has the grammar of a token.
type format struct {
	name        string
	description string // for help texts and completion
	forAPI      bool   // whether its reader sends the token to an API
	encode      func(t Token, o TokenOptions) ([]byte, error)
}

// formats lists the formats, the default first.
func formats() []format {
	return []format{
		{"raw", "the token and one newline", false, encodeRaw},
		{"json", "the token and what is known about it, as JSON", false, encodeJSON},
		{"header", "an Authorization header line", true, encodeHeaders("%s\n")},
		// curl reads it from a pipe, so the token is in no process list. Nothing is escaped, because no token or proof has
		// '"' or '\', the two characters that have a meaning between quotes. https://curl.se/docs/manpage.html#-K
		{"curl", "that header as a line for curl -K -", true, encodeHeaders("header = \"%s\"\n")},
		{"env", "an assignment for a shell or a dotenv file (--shell)", false, encodeEnv},
		{"exec-credential", "an ExecCredential, for kubectl", true, encodeExecCredential},
	}
}

// Formats returns the names of the formats, the default first.
func Formats() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

// DescribeFormat returns what a format writes, in a few words, or "" for an unknown one.
func DescribeFormat(name string) string {
	for _, f := range formats() {
		if f.name == name {
			return f.description
		}
	}
	return ""
}

// Check returns the error that Write would return for a good bearer token of a type: an unknown format, shell or API
// version, a bad variable name, or a refresh token in a format for APIs. A caller can check before it signs in.
func (o TokenOptions) Check(tokenType string) error {
	_, err := o.encode(Token{Value: okta.NewSecret("x"), Type: tokenType})
	return err
}

// Write writes t to w with one Write call. It writes nothing and returns an error where [TokenOptions.Check] does, and
// for a value with a character that no bearer token has: shells rely on that alphabet.
func (o TokenOptions) Write(w io.Writer, t Token) error {
	text, err := o.encode(t)
	if err != nil {
		return err
	}
	return write(w, text)
}

func (o TokenOptions) encode(t Token) ([]byte, error) {
	if err := checkValue(t); err != nil {
		return nil, err
	}
	all := formats()
	i := slices.IndexFunc(all, func(f format) bool { return f.name == o.Format })
	if i < 0 {
		name := safetext.Sanitize(o.Format, 40)
		return nil, fmt.Errorf("unknown output format %q, expected one of %s", name, strings.Join(Formats(), ", "))
	}
	var text []byte
	var err error
	if all[i].forAPI {
		err = checkForAPI(t)
	}
	if err == nil {
		text, err = all[i].encode(t, o)
	}
	if err != nil {
		return nil, fmt.Errorf("write %s token as %s: %w", t.Type, o.Format, err)
	}
	return text, nil
}

func checkValue(t Token) error {
	if err := okta.CheckToken(t.Value.Reveal()); err != nil {
		return fmt.Errorf("write %s token: it %w", t.Type, err)
	}
	return nil
}

func encodeRaw(t Token, _ TokenOptions) ([]byte, error) { return []byte(t.Value.Reveal() + "\n"), nil }

// encodeJSON returns the members of a token response, of which only the requested token is there, and three more, and
// what a token exchange adds (RFC 8693 §2.2.1). The order is a promise. Unknown values are null.
// https://www.rfc-editor.org/rfc/rfc6749#section-5.1
func encodeJSON(t Token, o TokenOptions) ([]byte, error) {
	members := object{
		{cmp.Or(t.Type, "access") + "_token", t.Value.Reveal()},
		{"token_type", t.TokenType},
		{"expires_in", secondsUntil(t.ExpiresAt, o.Now)},
		{"scope", strings.Join(t.Scope, " ")},
		{"expires_at", t.ExpiresAt},
		{"issuer", t.Issuer},
		{"profile", t.Profile},
	}
	if t.Issued != "" {
		members = append(members, member{"issued_token_type", t.Issued})
	}
	return encodeJSONLine(members)
}

// checkForAPI refuses a token that an API must not get or does not accept.
func checkForAPI(t Token) error {
	if t.Type == "refresh" {
		return errors.New("a refresh token is for the authorization server alone and never for an API")
	}
	if t.Prover == nil && t.TokenType != "" && !strings.EqualFold(t.TokenType, okta.TypeBearer) {
		return fmt.Errorf("token type is %q, expected \"Bearer\"", safetext.Sanitize(t.TokenType, 40))
	}
	return nil
}

// The versions of ExecCredential; Kubernetes 1.24 removed v1alpha1.
const (
	execV1      = "client.authentication.k8s.io/v1"
	execV1beta1 = "client.authentication.k8s.io/v1beta1"
)

// encodeExecCredential returns the credential that kubectl reads. Without an expiration kubectl keeps the token for as
// long as it runs, or until the cluster answers 401.
// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#input-and-output-formats
func encodeExecCredential(t Token, o TokenOptions) ([]byte, error) {
	if t.Prover != nil {
		return nil, ErrBound
	}
	version := cmp.Or(o.APIVersion, execV1)
	if err := checkExecVersion(version); err != nil {
		return nil, err
	}
	status := object{{"token", t.Value.Reveal()}}
	if !t.ExpiresAt.IsZero() {
		status = append(status, member{"expirationTimestamp", t.ExpiresAt})
	}
	return encodeJSONLine(object{{"apiVersion", version}, {"kind", "ExecCredential"}, {"status", status}})
}

// ExecAPIVersion returns the version of ExecCredential that info asks for, the JSON that kubectl gives its plugins
// ("The API version returned by the plugin MUST match"). It is "", the default, for an empty info. The error is that
// of a text that is no JSON object and of a version that cannot be written.
// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#configuration
func ExecAPIVersion(info string) (string, error) {
	if info == "" {
		return "", nil
	}
	var request struct {
		APIVersion string `json:"apiVersion"`
	}
	if err := json.Unmarshal([]byte(info), &request); err != nil {
		return "", err
	}
	if err := checkExecVersion(request.APIVersion); err != nil {
		return "", err
	}
	return request.APIVersion, nil
}

func checkExecVersion(version string) error {
	if version != execV1 && version != execV1beta1 {
		return fmt.Errorf("API version %q, expected %q or %q", safetext.Sanitize(version, 60), execV1, execV1beta1)
	}
	return nil
}
