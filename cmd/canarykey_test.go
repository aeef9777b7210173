package cmd_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"okauth/pkg/okta"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/oktatest"
	"okauth/pkg/store"
)

// The private key of a client and that of a session (DPoP) are in no output, no file but the named one, and nothing
// that a child gets, wherever the key comes from and whatever becomes of the request. An assertion is shown nowhere,
// and a proof only where it is asked for.
func TestAT62_ST35_ST36_CanaryKeys(t *testing.T) {
	t.Parallel()
	u := newUser(t, oktatest.Options{Limits: &oktatest.Limits{}})
	c := &canary{u, t, map[string]string{}}
	forms := c.newKey()
	c.vars["OKAUTH_SCOPES"], c.vars["OKAUTH_DPOP"] = "openid offline_access", "true"
	delete(c.vars, "OKAUTH_CLIENT_SECRET")
	var all strings.Builder
	said := func(args ...string) {
		code, stdout, stderr := c.okauth(t.Context(), args...)
		c.hunt(strings.Join(args, " "), stdout+stderr, "")
		fmt.Fprintln(&all, args, code, stdout, stderr)
	}
	for _, form := range forms {
		c.must("logout", "--all")
		delete(c.vars, "OKAUTH_PRIVATE_KEY")
		delete(c.vars, "OKAUTH_PRIVATE_KEY_FILE")
		if c.stdin = form.keychain; c.stdin != "" {
			c.must("config", "set", "private_key")
			c.stdin = ""
		}
		for name, value := range form.vars {
			c.vars[name] = value
		}
		said("-vv", "login")
		c.huntSession()
		for _, args := range [][]string{
			{"-vv", "token", "--refresh", "-o", "json"}, {"token", "-o", "env"}, {"token", "--type", "id", "-o", "exec-credential"},
			{"-vv", "userinfo"}, {"-vv", "introspect"}, {"-vv", "doctor", "-o", "json"}, {"doctor"}, {"status"}, {"status", "-o", "json"},
			{"config", "list"}, {"config", "list", "-o", "json"}, {"decode"}, {"-vv", "verify"},
			{"-vv", "exchange", "--resource-server", c.vars["OKAUTH_DOMAIN"] + "/oauth2/ausDefaultScope00001", "--scope", "api:read"},
		} {
			said(args...)
		}
		c.run("config", "get", "private_key")
		c.run("config", "set", "private_key", form.vars["OKAUTH_PRIVATE_KEY"])
		for _, echo := range []int{200, 400, 401} { // a server may send back what it was sent
			c.server.Fail("/v1/token", oktatest.Respond(echo, nil, ""))
			said("-vv", "token", "--refresh")
		}
		if headers := c.must("token", "-o", "header", "--url", "https://api.example.com/"); !strings.Contains(headers, "\nDPoP: eyJ") {
			t.Error("there is no proof where one is asked for")
		}
		c.childOfKey()
	}
	signed := 0
	for _, r := range c.server.Requests() {
		for _, text := range append(r.Form["client_assertion"], r.Header["Dpop"]...) {
			if signed++; strings.Contains(all.String(), text) {
				t.Errorf("an assertion or a proof is shown")
			}
		}
	}
	if signed < 50 {
		t.Errorf("the server got only %d assertions and proofs", signed)
	}
	c.run("login", "--"+strings.ReplaceAll(forms[0].vars["OKAUTH_PRIVATE_KEY"], "\n", ""))
	made := filepath.Join(t.TempDir(), "new.jwk")
	code, stdout, stderr := c.okauth(t.Context(), "-p", "new", "config", "keygen", "--file", made)
	var private struct{ D string }
	if text, err := os.ReadFile(made); err != nil || json.Unmarshal(text, &private) != nil || private.D == "" {
		t.Fatalf("keygen wrote no key: exit code %d: %s", code, stderr)
	}
	c.hunted["new d"] = private.D
	c.hunt("keygen", stdout+stderr, "")
	c.files()
}

// keyForm is one way in which okauth gets the key.
type keyForm struct {
	vars     map[string]string
	keychain string // standard input of config set private_key
}

// newKey registers a key for a client of the household and returns each place that it may come from.
func (c *canary) newKey() []keyForm {
	c.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		c.t.Fatal(err)
	}
	raw, err := private.Bytes()
	if err != nil {
		c.t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	key, err := clientauth.ParseKey(okta.NewSecret(text))
	if err != nil {
		c.t.Fatal(err)
	}
	for i, line := range strings.Split(text, "\n")[1:3] {
		c.hunted["PEM line "+string(rune('1'+i))] = line
	}
	c.hunted["d"], c.hunted["d in hex"] = base64.RawURLEncoding.EncodeToString(raw), hex.EncodeToString(raw)
	c.hunted["d in base64"] = base64.RawStdEncoding.EncodeToString(raw)
	c.hunted["PEM in base64"] = base64.StdEncoding.EncodeToString([]byte(text))[:64]
	app, _ := c.server.App(oktatest.PrivateKeyClientID)
	app.ClientID, app.Keys = "0oaCanaryClient00001", []json.RawMessage{key.PublicJWK()}
	c.server.AddApp(app)
	c.vars["OKAUTH_CLIENT_ID"] = app.ClientID
	jwk, err := key.PrivateJWK()
	if err != nil {
		c.t.Fatal(err)
	}
	file := filepath.Join(c.t.TempDir(), "key.pem")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return []keyForm{
		{vars: map[string]string{"OKAUTH_PRIVATE_KEY": text}},
		{vars: map[string]string{"OKAUTH_PRIVATE_KEY": strings.ReplaceAll(text, "\n", `\n`)}},
		{vars: map[string]string{"OKAUTH_PRIVATE_KEY": jwk.Reveal()}},
		{vars: map[string]string{"OKAUTH_PRIVATE_KEY_FILE": file}},
		{keychain: text},
	}
}

// huntSession adds the key that the session is bound to, and its refresh token.
func (c *canary) huntSession() {
	c.t.Helper()
	sessions := store.Sessions{Items: c.keychain}
	accounts, err := sessions.List(c.t.Context())
	if err != nil || len(accounts) != 1 {
		c.t.Fatalf("%d sessions: %v", len(accounts), err)
	}
	session, err := sessions.LoadAccount(c.t.Context(), accounts[0])
	if err != nil {
		c.t.Fatal(err)
	}
	c.hunted["DPoP key"], c.hunted["refresh"] = session.DPoPKey.Reveal(), session.Refresh.Value.Reveal()
	raw, err := base64.RawURLEncoding.DecodeString(c.hunted["DPoP key"])
	if err != nil || len(raw) != 32 || c.hunted["refresh"] == "" {
		c.t.Fatalf("the session has no key, or no refresh token: %v", err)
	}
	c.hunted["DPoP key in base64"], c.hunted["DPoP key in hex"] = base64.RawStdEncoding.EncodeToString(raw), hex.EncodeToString(raw)
}

// childOfKey has okauth run a program that shows its environment.
func (c *canary) childOfKey() {
	c.t.Helper()
	home := c.t.TempDir()
	child := []string{"env"}
	if runtime.GOOS == "windows" {
		child = []string{"cmd", "/c", "set"}
	}
	p := exec.CommandContext(c.t.Context(), "okauth", append([]string{"exec", "--"}, child...)...)
	p.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, exitAtOnce, "OKAUTH_STORAGE=none", "DBUS_SESSION_BUS_ADDRESS="}
	for name, value := range c.vars {
		p.Env = append(p.Env, name+"="+value)
	}
	var stdout, stderr bytes.Buffer
	p.Stdout, p.Stderr = &stdout, &stderr
	if err := p.Run(); err != nil && (c.vars["OKAUTH_PRIVATE_KEY"] != "" || c.vars["OKAUTH_PRIVATE_KEY_FILE"] != "") {
		c.t.Fatalf("%s: %v: %s", p, err, stderr.String())
	}
	c.hunt("standard output of "+p.String(), stdout.String(), "")
	c.hunt("standard error of "+p.String(), stderr.String(), "")
}
