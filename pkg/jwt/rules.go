package jwt

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DefaultLeeway is how far clocks may be apart in Okta's own verifier for Go.
// https://github.com/okta/okta-jwt-verifier-golang
const DefaultLeeway = 120 * time.Second

// Config are what the receiver of a token asks for: the API that gets an access token, or the client that gets an ID token.
type Config struct {
	Kind        TokenKind        // KindAccess or KindID; a token of the other kind never passes
	Issuer      string           // iss must be exactly this
	Audience    string           // aud must hold it; required for access tokens, ClientID where it is "" for ID tokens
	ClientID    string           // access token: cid must be this, "" for whichever; ID token: aud must hold it, and azp be it where there is one
	Algorithms  []string         // of those that [Algorithms] names; nil for RS256, the one that Okta signs with
	Leeway      time.Duration    // how far clocks may be apart: DefaultLeeway, say; 0 for not at all
	AccessToken string           // the one that came with an ID token, for its at_hash; "" when it is not at hand
	OrgServer   bool             // the issuer is an org authorization server, whose access tokens only Okta can judge
	OrgIssuer   string           // the issuer of the org server beside a custom one: an access token that names it is called what it is; "" for none
	Now         func() time.Time // nil for time.Now
}

// ConfigError is what is wrong with [Config] themselves: a mistake of the program or its settings, whatever the token.
type ConfigError struct {
	text string
}

// Error says which rule makes no sense.
func (e *ConfigError) Error() string { return e.text }

func rulesErrorf(format string, args ...any) error {
	return &ConfigError{text: fmt.Sprintf(format, args...)}
}

// Verifier holds prepared [Config]. It does not change and may be used by many goroutines at once.
type Verifier struct {
	rules      Config
	algorithms []algorithm
	expected   expectations
}

// Prepare checks the rules and returns a judge of many tokens. Every error is a [*ConfigError].
func (r Config) Prepare() (*Verifier, error) {
	j := &Verifier{rules: r}
	switch {
	case r.Kind != KindAccess && r.Kind != KindID:
		return nil, rulesErrorf("kind of token is %q, expected %q or %q", r.Kind, KindAccess, KindID)
	case r.Issuer == "":
		return nil, rulesErrorf("no issuer is given")
	case r.Kind == KindAccess && r.Audience == "" && !r.OrgServer:
		return nil, rulesErrorf("no audience is given, which an access token must be for")
	case r.Kind == KindID && r.Audience == "" && r.ClientID == "":
		return nil, rulesErrorf("no client id is given, which an ID token must be for")
	case r.Leeway < 0:
		return nil, rulesErrorf("leeway is %v, expected 0 or more", r.Leeway)
	}
	if r.Algorithms == nil {
		j.rules.Algorithms = []string{"RS256"}
	}
	for _, name := range j.rules.Algorithms {
		a, ok := algorithmOf(name)
		if !ok {
			return nil, rulesErrorf("algorithm is %s, expected one of %s", quoteShort(name), strings.Join(Algorithms(), ", "))
		}
		j.algorithms = append(j.algorithms, a)
	}
	if len(j.algorithms) == 0 {
		return nil, rulesErrorf("no algorithm is allowed")
	}
	if r.Now == nil {
		j.rules.Now = time.Now
	}
	j.rules.Algorithms = slices.Clone(j.rules.Algorithms)
	j.expected = j.rules.expectations()
	return j, nil
}

// Judge judges one token; see [Verifier.Judge]. Whoever has many calls [Config.Prepare] once.
//
// The error is a [*ConfigError], or says that the keys could not be had.
func (r Config) Judge(ctx context.Context, token string, keys KeySource) (Report, error) {
	j, err := r.Prepare()
	if err != nil {
		return Report{}, err
	}
	return j.Judge(ctx, token, keys)
}

// Verify returns the token's contents when it passes, and an [*InvalidError] when it does not. Other errors are those of [Config.Judge].
func (r Config) Verify(ctx context.Context, token string, keys KeySource) (Verified, error) {
	v, err := r.Judge(ctx, token, keys)
	if err != nil {
		return Verified{}, err
	}
	if !v.Valid() {
		return Verified{}, &InvalidError{Verdict: v}
	}
	return Verified{header: v.Token.Header, claims: v.Token.Claims}, nil
}

// expectations are the constant texts of [Check.Expected].
type expectations struct {
	typ, alg, iss, aud      string
	plusLeeway, minusLeeway string // " + 120 s"
}

func (r Config) expectations() expectations {
	e := expectations{
		typ: "an " + string(r.Kind),
		alg: strings.Join(r.Algorithms, " or "),
		iss: printable(r.Issuer),
		aud: printable(r.Audience),
	}
	if r.Kind == KindID && r.ClientID != "" && r.ClientID != r.Audience {
		e.aud = printable(strings.TrimPrefix(r.Audience+" and "+r.ClientID, " and "))
	}
	if r.Leeway > 0 {
		seconds := strconv.FormatFloat(r.Leeway.Seconds(), 'f', -1, 64)
		e.plusLeeway, e.minusLeeway = " + "+seconds+" s", " - "+seconds+" s"
	}
	return e
}
