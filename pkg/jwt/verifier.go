package jwt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"okauth/pkg/internal/strictjson"
)

// DefaultLeeway is the difference between clocks that Okta's own verifier for Go tolerates.
// https://github.com/okta/okta-jwt-verifier-golang
const DefaultLeeway = 120 * time.Second

// Config describes the receiver of a token: the API that gets an access token, or the client that gets an ID token.
type Config struct {
	Kind        TokenKind        // KindAccess or KindID; a token of the other kind is never valid
	Issuer      string           // iss must be exactly this
	Audience    string           // aud must hold it; required for access tokens, ClientID where it is "" for ID tokens
	ClientID    string           // access token: its cid, "" for any; ID token: aud holds it, and azp is it if present
	Algorithms  []string         // of those that [Algorithms] names; nil for RS256, the one that Okta signs with
	Leeway      time.Duration    // how far clocks may be apart: DefaultLeeway, say; 0 for not at all
	AccessToken string           // the one that came with an ID token, for its at_hash; "" to skip that check
	OrgServer   bool             // the issuer is an org authorization server, whose access tokens only Okta can verify
	OrgIssuer   string           // of the org server beside a custom one, to recognize its access tokens; "" for none
	Now         func() time.Time // nil for time.Now
}

// ConfigError says what is wrong with a [Config]: a mistake of the program or its settings, not of the token.
type ConfigError struct{ text string }

// Error says which field makes no sense.
func (e *ConfigError) Error() string { return e.text }

func configErrorf(format string, args ...any) error {
	return &ConfigError{text: fmt.Sprintf(format, args...)}
}

// Verifier verifies tokens. Goroutines may share it.
type Verifier struct {
	config Config
	keys   KeySource
	header atomic.Pointer[signedHeader] // of the last token: the next one is likely to have the same
	clock  atomic.Pointer[clockTexts]
}

// NewVerifier returns a verifier of tokens for the receiver that config describes. Every error is a [*ConfigError].
func NewVerifier(config Config, keys KeySource) (*Verifier, error) {
	switch {
	case config.Kind != KindAccess && config.Kind != KindID:
		return nil, configErrorf("kind of token is %q, expected %q or %q", config.Kind, KindAccess, KindID)
	case config.Issuer == "":
		return nil, configErrorf("no issuer is given")
	case config.Kind == KindAccess && config.Audience == "" && !config.OrgServer:
		return nil, configErrorf("no audience is given, which an access token must be for")
	case config.Kind == KindID && config.Audience == "" && config.ClientID == "":
		return nil, configErrorf("no client id is given, which an ID token must be for")
	case config.Leeway < 0:
		return nil, configErrorf("leeway is %v, expected 0 or more", config.Leeway)
	case keys == nil:
		return nil, configErrorf("no keys are given")
	}
	config.Algorithms = slices.Clone(config.Algorithms)
	if config.Algorithms == nil {
		config.Algorithms = []string{"RS256"}
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if len(config.Algorithms) == 0 {
		return nil, configErrorf("no algorithm is allowed")
	}
	for _, name := range config.Algorithms {
		if _, ok := algorithmOf(name); !ok {
			expected := strings.Join(Algorithms(), ", ")
			return nil, configErrorf("algorithm is %s, expected one of %s", strictjson.Quote(name), expected)
		}
	}
	return &Verifier{config: config, keys: keys}, nil
}

// Verify returns the claims of a valid token, and an [*InvalidError] for any other. Other errors are those of
// [Verifier.Check].
func (v *Verifier) Verify(ctx context.Context, token string) (Object, error) {
	report, err := v.Check(ctx, token)
	switch {
	case err != nil:
		return nil, err
	case !report.Valid():
		return nil, &InvalidError{Report: report}
	}
	return report.Token.Claims, nil
}

// Check checks whether a token's form, kind, signature and claims are what the config asks for. What is wrong with the
// token is in the report and never an error. It makes every check that it can, whatever failed before.
//
// It asks the [KeySource] once, for a token that names a key; nothing in the token decides where keys come from. The
// error is what the KeySource returned, wrapped: there is no report without keys.
func (v *Verifier) Check(ctx context.Context, token string) (Report, error) {
	c := checker{Verifier: v, checks: make([]Check, 0, 16)}
	var err error
	if c.token, err = parse(token, v.header.Load()); err != nil {
		report := Report{Kind: v.config.Kind, Checks: undecodable(err)}
		report.Format, _ = errors.AsType[*FormatError](err)
		return report, nil
	}
	c.add(Check{Name: "format"})
	c.checkType()
	org := v.config.Kind == KindAccess && (v.config.OrgServer || c.fromOrgServer())
	if org {
		c.add(Check{Name: "org_server", Why: "access tokens of the org authorization server are for Okta alone, " +
			"which may change them at any time: ask Okta about them, or use a custom authorization server"})
	}
	if err := c.checkSignature(ctx, org); err != nil {
		return Report{}, err
	}
	c.checkClaims()
	return Report{Kind: v.config.Kind, Checks: c.checks, Token: c.token}, nil
}

// undecodable are the checks of a text that is not a token.
func undecodable(err error) []Check {
	checks := []Check{{Name: "format", Why: err.Error()}}
	for _, name := range [...]string{
		"type", "alg", "crit", "kid", "key", "signature",
		"iss", "aud", "cid", "sub", "exp", "nbf", "iat", "at_hash",
	} {
		checks = append(checks, skipped(name, notChecked("format")))
	}
	return checks
}

func notChecked(because string) string { return "not checked, because " + because + " failed" }

// checker makes the checks of one token.
type checker struct {
	*Verifier
	token  Unverified
	alg    algorithm // only if algOK
	algOK  bool
	checks []Check
}

// fromOrgServer reports whether the token says that it comes from the org server beside the issuer.
func (c *checker) fromOrgServer() bool {
	iss, ok := c.token.Claims.String("iss")
	return ok && iss == c.config.OrgIssuer && iss != "" && iss != c.config.Issuer
}

// add adds a check. One without a Why has passed; otherwise its State counts, whose zero value is Failed.
func (c *checker) add(check Check) {
	if check.Why == "" {
		check.State = Passed
	}
	c.checks = append(c.checks, check)
}

// skipped returns a check that was not made, and why.
func skipped(name, why string) Check { return Check{Name: name, State: Skipped, Why: why} }

// clockTexts are what a token's times are compared with, in words that change once a second.
type clockTexts struct {
	second           int64
	earliest, latest string
}

func (v *Verifier) clockTexts(now time.Time) *clockTexts {
	if texts := v.clock.Load(); texts != nil && texts.second == now.Unix() {
		return texts
	}
	texts := &clockTexts{second: now.Unix()}
	texts.earliest = "later than " + timeText(now.Truncate(time.Second))
	texts.latest = "at most " + timeText(now.Truncate(time.Second))
	if v.config.Leeway > 0 {
		leeway := strconv.FormatFloat(v.config.Leeway.Seconds(), 'f', -1, 64) + " s"
		texts.earliest += " - " + leeway
		texts.latest += " + " + leeway
	}
	v.clock.Store(texts)
	return texts
}

func timeText(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
