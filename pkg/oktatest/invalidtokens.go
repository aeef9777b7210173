package oktatest

import (
	"net/http"
	"strings"
	"time"
)

// InvalidToken is one way in which an access token can be wrong. A service that takes tokens should refuse all but
// those whose Check is "": "good", and "dpop-bound" if it knows nothing of DPoP.
type InvalidToken struct {
	Name        string // "wrong-audience"; also its path: GET /sandbox/tokens/wrong-audience
	Description string // what is wrong, in a few words
	Check       string // the first check of "okauth verify" that finds it; "" for a token that passes
	Token       string
}

// InvalidTokenKinds are the tokens that InvalidTokens makes, in this order, with an empty Token.
func InvalidTokenKinds() []InvalidToken {
	var list []InvalidToken
	for _, p := range patterns() {
		list = append(list, p.InvalidToken)
	}
	return list
}

// InvalidTokens makes one token of each kind, at this moment of the server's clock, for tests of whatever takes access
// tokens. But for what its name says, each is what DefaultUser and DefaultClientID get from the server "default": signed
// with RS256 by a published key, for DefaultAudience, good for an hour. Two are the server's own tokens throughout, which
// introspect knows as active: "good" and "id-token" (so does that of the org server know "org-issuer"). The others were
// never issued.
func (s *Server) InvalidTokens() []InvalidToken {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []InvalidToken
	for _, p := range patterns() {
		p.Token, _ = s.forge(p, s.base, s.clock.Now()) // fails only without random numbers, which ends a Go program
		list = append(list, p.InvalidToken)
	}
	return list
}

// pattern is a flaw and how it is made; without bend, there is none.
type pattern struct {
	InvalidToken
	bend func(*forgery)
}

func patterns() []pattern {
	list := []pattern{{InvalidToken{"good", "nothing is wrong", "", ""}, func(f *forgery) { f.whole = f.issued(DefaultServerID, (*Server).goodToken) }}}
	for _, group := range [][]pattern{claimFlaws(), keyFlaws(), algorithmFlaws(), headerFlaws(), formFlaws()} {
		list = append(list, group...)
	}
	return list
}

func claimFlaws() []pattern {
	return []pattern{
		{InvalidToken{"expired", "it expired an hour ago", "exp", ""}, func(f *forgery) { f.live(-2*time.Hour, -time.Hour) }},
		{InvalidToken{"not-yet-valid", "nbf and iat are in an hour", "nbf", ""}, func(f *forgery) {
			f.live(time.Hour, 2*time.Hour)
			f.claims.set("nbf", f.now.Add(time.Hour).Unix())
		}},
		{InvalidToken{"wrong-issuer", "iss is another org, the key is ours", "iss", ""}, func(f *forgery) { f.claims.set("iss", "https://another-org.example/oauth2/default") }},
		{InvalidToken{"org-issuer", "an access token of the org server, for Okta's own APIs", "org_server", ""}, func(f *forgery) {
			f.whole = f.issued(OrgServerID, (*Server).goodToken)
		}},
		{InvalidToken{"wrong-audience", "aud is another API", "aud", ""}, func(f *forgery) { f.claims.set("aud", "api://another") }},
		{InvalidToken{"two-audiences", "aud is two other APIs", "aud", ""}, func(f *forgery) { f.claims.set("aud", []string{"api://one", "api://two"}) }},
		{InvalidToken{"wrong-client", "cid is another client", "cid", ""}, func(f *forgery) { f.claims.set("cid", "0oaAnotherClient0001") }},
		{InvalidToken{"id-token", "an ID token, not an access token", "type", ""}, func(f *forgery) { f.whole = f.issued(DefaultServerID, (*Server).goodIDToken) }},
		{InvalidToken{"no-exp", "exp is missing", "exp", ""}, func(f *forgery) { f.claims.remove("exp") }},
		{InvalidToken{"exp-as-string", "exp is a string", "exp", ""}, func(f *forgery) { f.claims.set("exp", "9999999999") }},
		{InvalidToken{"no-iat", "iat is missing", "iat", ""}, func(f *forgery) { f.claims.remove("iat") }},
		{InvalidToken{"duplicate-claim", "aud is there twice: another API, then ours", "format", ""}, func(f *forgery) {
			f.claims = append(members{{"aud", "api://another"}}, f.claims...)
		}},
		{InvalidToken{"dpop-bound", "good, but bound to a DPoP key, whose proof is not with it", "", ""}, func(f *forgery) {
			f.claims.set("cnf", members{{"jkt", f.attacker.kid}}) // RFC 9449 §6.1: https://www.rfc-editor.org/rfc/rfc9449#section-6.1
		}},
	}
}

// forgery is a token in the making: the header and the claims of a good one, to be bent, and the signature over what becomes of them.
type forgery struct {
	server *Server
	call   *call
	now    time.Time
	base   string

	key      *signingKey // published
	attacker *signingKey // published nowhere but at /sandbox/attacker-keys

	header members
	claims members
	sign   func(input string) ([]byte, error)
	after  func(token string) string // nil: the token stays as it is
	whole  func() (string, error)    // nil; otherwise the token itself
}

// forge makes the token of a pattern.
func (s *Server) forge(p pattern, base string, now time.Time) (string, error) {
	f := &forgery{server: s, now: now, base: base}
	f.call = s.defaultCall(base, now)
	var err error
	if f.key, err = s.keys.active(DefaultServerID); err != nil {
		return "", err
	}
	if f.attacker, err = s.keys.active(attackerRing); err != nil {
		return "", err
	}
	in, _ := s.begin(f.call)
	f.header = members{{"kid", f.key.kid}, {"alg", "RS256"}}
	f.claims = s.accessClaims(f.call, in, now.Add(defaultLifetime))
	f.sign = f.key.signature
	p.bend(f)
	if f.whole != nil {
		return f.whole()
	}
	token, err := assemble(f.header, f.claims, f.sign)
	if err == nil && f.after != nil {
		token = f.after(token)
	}
	return token, err
}

// defaultCall is the request by which the default cast signs in.
func (s *Server) defaultCall(base string, now time.Time) *call {
	return &call{
		Request: &http.Request{}, base: base, now: now, scopes: []string{"api:read", "openid"},
		as: s.servers[DefaultServerID], app: s.apps[DefaultClientID], user: s.users[userKey(DefaultUser)],
	}
}

// issued is a token that the server with this id makes and remembers.
func (f *forgery) issued(server string, token func(*Server, *call, *signIn) (string, error)) func() (string, error) {
	c := *f.call
	if server == OrgServerID {
		c.as, c.scopes = orgServer(f.base), []string{"openid"}
	}
	return func() (string, error) {
		in, _ := f.server.begin(&c)
		return token(f.server, &c, in)
	}
}

func (s *Server) goodToken(c *call, in *signIn) (string, error) {
	return s.accessToken(c, in, defaultLifetime)
}

func (s *Server) goodIDToken(c *call, in *signIn) (string, error) {
	access, err := s.goodToken(c, in)
	if err != nil {
		return "", err
	}
	return s.idToken(c, in, access)
}

// live moves the token's life: from now + begin until now + end.
func (f *forgery) live(begin, end time.Duration) {
	f.claims.set("iat", f.now.Add(begin).Unix())
	f.claims.set("auth_time", f.now.Add(begin).Unix())
	f.claims.set("exp", f.now.Add(end).Unix())
}

// parts lets edit change the parts of the finished token.
func (f *forgery) parts(edit func(parts []string)) {
	f.after = func(token string) string {
		parts := strings.Split(token, ".")
		edit(parts)
		return strings.Join(parts, ".")
	}
}
