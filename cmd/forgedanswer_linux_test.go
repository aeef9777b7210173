package cmd_test

import (
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"okauth/pkg/oktatest"
)

// An answer that belongs to another sign-in, comes from another server or is for another client ends with an error: no
// session is stored, no token is printed, and the page does not say that someone is signed in. Another program of this
// machine can see the address that the browser opens, and so knows the state.
func TestForgedAnswersOfABrowser(t *testing.T) {
	t.Parallel()
	const otherClient = "0oaAttackersClient01"
	other := func(name, value string) func(url.Values) { return func(q url.Values) { q.Set(name, value) } }
	for name, test := range map[string]struct {
		request, answer func(url.Values) // change the address that the browser opens, or the one that it ends at
		code            int
		stderr          string
	}{
		"issuer":    {answer: other("iss", "https://attacker.example"), code: 3, stderr: "names the issuer"},
		"nonce":     {request: other("nonce", "attackers-nonce"), code: 3, stderr: "ID token has nonce"},
		"no nonce":  {request: func(q url.Values) { q.Del("nonce") }, code: 3, stderr: "ID token has no nonce"},
		"PKCE":      {request: other("code_challenge", strings.Repeat("A", 43)), code: 5, stderr: "PKCE verification failed"},
		"client":    {request: other("client_id", otherClient), code: 5, stderr: "(invalid_grant"},
		"made up":   {answer: other("code", "attackers-code"), code: 5, stderr: "(invalid_grant"},
		"a refusal": {answer: func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") }, code: 5, stderr: "(access_denied)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, opened := browserHousehold(t)
			app, _ := u.server.App(oktatest.DefaultClientID)
			app.ClientID, app.RedirectURIs = otherClient, slices.Clone(app.RedirectURIs)
			u.server.AddApp(app)
			p := atTerminal(t, u, "token")
			end := changed(t, browse(t, changed(t, opened(), test.request), oktatest.DefaultUser), test.answer)
			response, err := http.Get(end)
			if err != nil {
				t.Fatal(err)
			}
			page, _ := io.ReadAll(response.Body)
			response.Body.Close()
			if !strings.Contains(string(page), "<h1>Not signed in</h1>") {
				t.Errorf("the last page is %s", page)
			}
			p.wants(test.code, test.stderr)
			if files, _ := filepath.Glob(filepath.Join(u.vars["OKAUTH_STORAGE_DIR"], "*.sealed")); len(files) > 0 {
				t.Errorf("stored: %q", files)
			}
		})
	}
}

// changed returns an address with another query.
func changed(t *testing.T, address string, change func(url.Values)) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if query := u.Query(); change != nil {
		change(query)
		u.RawQuery = query.Encode()
	}
	return u.String()
}
