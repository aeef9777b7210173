package cmd_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// encrypted makes the server of a household one over TLS, whose authority okauth is told.
func (u *user) encrypted(t *testing.T) {
	t.Helper()
	u.vars["OKAUTH_CA_FILE"] = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(u.vars["OKAUTH_CA_FILE"], u.server.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// chromiumHousehold is a household over TLS, whose user has a second factor, and a Chromium.
func chromiumHousehold(t *testing.T) (u *user, c *chromium) {
	t.Helper()
	c = startChromium(t)
	u, _ = household(t, "file", oktatest.Options{TLS: true, PollInterval: time.Second})
	u.encrypted(t)
	u.vars["OKAUTH_USERNAME"], u.vars["OKAUTH_SCOPES"] = "mfa@example.com", "openid profile offline_access api:consent"
	return u, c
}

// asked counts the requests to a path.
func (u *user) asked(path string) (n int) {
	for _, r := range u.server.Requests() {
		if strings.HasSuffix(r.Path, path) {
			n++
		}
	}
	return n
}

// staysSignedIn wants a token without a request, and then no session.
func (u *user) staysSignedIn(t *testing.T) {
	t.Helper()
	u.server.ResetRequests()
	p := withoutTerminal(t, u, "token")
	if code := p.ends(); code != 0 || p.stdout.Len() == 0 || len(u.server.Requests()) > 0 {
		t.Errorf("token: exit code %d, stdout %q, stderr %s, requests %v", code, &p.stdout, &p.stderr, u.server.Requests())
	}
	withoutTerminal(t, u, "logout").wants(0, "Signed out")
}

// A real browser shows every page of a sign-in, and each can be used with the keyboard alone. Other pages in that
// browser do not disturb it.
func TestChromium_SignsIn(t *testing.T) {
	t.Parallel()
	u, c := chromiumHousehold(t)
	opened := u.inBrowser(t)
	p := withoutTerminal(t, u, "login")
	address := opened()
	c.open(attack(t, u.vars["OKAUTH_REDIRECT_URI"]))
	c.sees("All sent")
	c.open(address)
	c.sees("Sign in", "Sandbox")
	c.types("wrong-horse\n") // the user name is there
	c.element("//*[@role='alert']")
	c.sees("Sign in")
	c.types(oktatest.DefaultPassword + "\n")
	c.sees("Enter a code")
	c.types("000000\n")
	c.element("//*[@role='alert']")
	c.sees("Enter a code")
	c.types("123456\n")
	c.sees("Allow access?", "api:consent", "mfa@example.com")
	c.clicks("Allow")
	c.sees("Signed in", "okauth is signed in as mfa@example.com.")
	p.wants(0, "Signed in as mfa@example.com")
	if n := u.asked("/v1/token"); n != 1 {
		t.Errorf("%d requests for a token, want 1", n)
	}
	u.staysSignedIn(t)
}

// attack serves a page of another site which sends all that a page can send to the address that okauth waits at.
func attack(t *testing.T, redirectURI string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!DOCTYPE html><iframe name="frame"></iframe>
<form method="post" action="%[1]s?code=x&amp;state=x" target="frame"></form><img src="%[1]s?code=x&amp;state=x">
<script>
document.forms[0].submit();
Promise.allSettled([
  fetch("%[1]s?code=x&state=x", {mode: "no-cors"}), fetch("%[1]s?error=access_denied"),
  fetch("%[1]s?code=x", {method: "POST", body: "code=x", mode: "no-cors"}),
]).then(() => document.body.insertAdjacentHTML("beforeend", "<h1>All sent</h1>"));
</script>`, redirectURI)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Who does not allow the access reads why nothing happened, in the browser and in the terminal.
func TestChromium_Denies(t *testing.T) {
	t.Parallel()
	u, c := chromiumHousehold(t)
	u.vars["OKAUTH_USERNAME"] = oktatest.DefaultUser
	opened := u.inBrowser(t)
	p := withoutTerminal(t, u, "login")
	c.open(opened())
	c.types(oktatest.DefaultPassword + "\n")
	c.clicks("Deny")
	c.sees("Not signed in", "The terminal says what to do.")
	p.wants(5, "access_denied")
	u.storedNothing(t)
}

// On another device the code is typed, in any spelling, or comes with the address.
func TestChromium_DeviceCode(t *testing.T) {
	t.Parallel()
	u, c := chromiumHousehold(t)
	u.vars["OKAUTH_GRANT"] = "device-code"
	p := withoutTerminal(t, u, "login")
	page, code := p.read(`open (https://\S+)`), p.read(`^ *([A-Z]{4}-?[A-Z]{4})\s*$`)
	c.open(page)
	c.sees("Connect a device")
	c.types("wrong\n")
	c.element("//*[@role='alert']")
	c.sees("Connect a device")
	c.open(page + "?" + url.Values{"user_code": {strings.ToLower(code)}}.Encode())
	c.types("\n")
	c.sees("Sign in")
	c.types("mfa@example.com\t")
	c.types(oktatest.DefaultPassword + "\n")
	c.sees("Enter a code")
	c.types("123456\n")
	c.sees("Allow access?", "Allow this only if the device is in front of you.", code[:4]+"-"+code[4:])
	c.clicks("Allow")
	c.sees("Device connected", "mfa@example.com")
	p.wants(0, "Signed in as mfa@example.com")
	u.staysSignedIn(t)
}
