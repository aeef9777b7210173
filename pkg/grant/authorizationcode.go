package grant

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"time"

	"okauth/pkg/internal/orgurl"
	"okauth/pkg/internal/safetext"
	"okauth/pkg/jwt"
	"okauth/pkg/okta"
)

// AuthorizationCode is the authorization code grant with PKCE: the user signs in to Okta in a browser, which brings a
// code to this machine. RFC 6749 §4.1 (https://www.rfc-editor.org/rfc/rfc6749#section-4.1), RFC 7636, and RFC 8252 for
// native applications.
type AuthorizationCode struct {
	Scopes []string // at least one; without openid there is no ID token
	// RedirectURI is where the browser comes back to, as it is registered at Okta: http, a loopback host (127.0.0.1,
	// [::1] or localhost), and a path, "http://127.0.0.1:8085/callback".
	RedirectURI string
	Username    string   // fills in the sign-in page; "" leaves it empty
	ACRValues   []string // Okta's step-up levels, "urn:okta:loa:2fa:any"
	Prompt      string   // "login" asks a user who is signed in, too; "" leaves it to Okta
	NoBrowser   bool     // the browser is on another machine, so the address may be pasted

	wait time.Duration // for the answer; 0 means browserWait
}

// browserWait is how long a person may take to sign in.
const browserWait = 5 * time.Minute

// NoAnswerError says that the browser did not come back in time. No one is signed in.
type NoAnswerError struct {
	RedirectURI string
	Waited      time.Duration
}

func (e *NoAnswerError) Error() string {
	return fmt.Sprintf("the browser did not come back to %s within %s", e.RedirectURI, safetext.Duration(e.Waited))
}

// Token opens the browser, waits for the code and sends it with one POST. The page that the browser ends at says
// whether that worked. The caller checks the ID token, with [CheckIDToken].
//
// The error may also be a *ListenError, before anything happened, a *NoAnswerError, or one of
// okta.Client.AuthorizationCode.
func (g AuthorizationCode) Token(ctx context.Context, c *okta.Client, i Interaction) (*okta.TokenResponse, error) {
	if i == nil {
		return nil, &InteractionRequiredError{}
	}
	redirect, err := g.check()
	if err != nil {
		return nil, err
	}
	state := rand.Text()
	cb, err := receive(ctx, redirect, state)
	defer cb.close()
	if err != nil && !g.NoBrowser { // the address can be pasted
		return nil, err
	}
	// "a high-entropy cryptographic random STRING […] with a minimum length of 43 characters": RFC 7636 §4.1. Each Text
	// has 130 bits in 26 letters and digits.
	verifier, nonce := rand.Text()+rand.Text(), rand.Text()
	answer, err := g.answer(ctx, i, cb, c.AuthorizationURL(g.parameters(state, nonce, verifier)))
	if err != nil {
		return nil, err
	}
	tokens, err := g.exchange(ctx, c, answer, verifier)
	if err == nil {
		tokens.Nonce = nonce
		tokens.CompareScopes(g.Scopes)
	}
	cb.show(endOf(tokens, err, c))
	return tokens, err
}

// check checks the inputs and returns the redirect URI.
func (g AuthorizationCode) check() (*url.URL, error) {
	if err := checkUserScopes(g.Scopes); err != nil {
		return nil, err
	}
	if g.Username != "" {
		if err := checkText("username", g.Username); err != nil {
			return nil, err
		}
	}
	return parseRedirectURI(g.RedirectURI)
}

// parseRedirectURI reads an address of this machine. "The use of localhost is NOT RECOMMENDED" (RFC 8252 §8.3), but
// Okta compares the text, and the application may have it.
func parseRedirectURI(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || u.User != nil || strings.ContainsAny(text, "?#") {
		return nil, &InputError{"redirect URI", "is not of the form http://127.0.0.1:8085/callback"}
	}
	if _, err := orgurl.Parse("http://" + u.Host); err != nil { // http is for a loopback host alone
		return nil, &InputError{"redirect URI", "is not at 127.0.0.1, [::1] or localhost"}
	}
	if u.Path == "" {
		u.Path = "/" // as the browser asks for it
	}
	return u, nil
}

// parameters returns those of the authorization request.
func (g AuthorizationCode) parameters(state, nonce, verifier string) url.Values {
	challenge := sha256.Sum256([]byte(verifier))
	params := url.Values{
		"scope":                 {strings.Join(g.Scopes, " ")},
		"redirect_uri":          {g.RedirectURI},
		"state":                 {state},
		"nonce":                 {nonce},
		"code_challenge":        {base64.RawURLEncoding.EncodeToString(challenge[:])},
		"code_challenge_method": {"S256"},
	}
	for name, value := range map[string]string{
		"login_hint": g.Username, "acr_values": strings.Join(g.ACRValues, " "), "prompt": g.Prompt,
	} {
		if value != "" {
			params.Set(name, value)
		}
	}
	return params
}

// answer opens the browser at address and waits until it has come back.
func (g AuthorizationCode) answer(
	ctx context.Context, i Interaction, cb *callback, address string,
) (url.Values, error) {
	wait := g.wait
	if wait == 0 {
		wait = browserWait
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	done, err := i.OpenBrowser(ctx, Browser{Address: address, Expires: time.Now().Add(wait), Paste: cb.paste})
	if err != nil {
		return nil, err
	}
	defer done()
	select {
	case answer := <-cb.answer:
		return answer, nil
	case <-timer.C:
		return nil, &NoAnswerError{RedirectURI: g.RedirectURI, Waited: wait}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// exchange sends the code of an answer for the tokens.
func (g AuthorizationCode) exchange(
	ctx context.Context, c *okta.Client, answer url.Values, verifier string,
) (*okta.TokenResponse, error) {
	code, err := c.AuthorizationCode(answer)
	if err != nil {
		return nil, err
	}
	return c.Token(ctx, url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {code.Reveal()},
		"redirect_uri":  {g.RedirectURI},
		"code_verifier": {verifier},
	})
}

// endOf returns what the browser shows at the end.
func endOf(tokens *okta.TokenResponse, err error, c *okta.Client) outcome {
	if err == nil {
		err = CheckIDToken(tokens, c.Server.Issuer(), c.ID)
	}
	if err != nil {
		return outcome{"Not signed in", okta.Sanitize(err.Error(), 300),
			"The terminal says what to do. You can close this window."}
	}
	text := "okauth is signed in."
	if token, err := jwt.Parse(tokens.IDToken.Reveal()); err == nil {
		for _, claim := range []string{"email", "preferred_username"} { // the last one counts
			if name, ok := token.Claims.String(claim); ok && name != "" {
				text = "okauth is signed in as " + okta.Sanitize(name, 200) + "."
			}
		}
	}
	return outcome{"Signed in", text, "You can close this window."}
}
