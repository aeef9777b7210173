package cmd_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"okauth/pkg/oktatest"
	"okauth/pkg/output"
)

const (
	exchangeGrant  = "urn:ietf:params:oauth:grant-type:token-exchange"
	jwtBearerGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
)

// AT-62: every command is run with distinctive secrets, and every byte of its
// output and of the files it leaves is searched for them. A token may be where
// a token was asked for, and nowhere else.
func TestAT62_Canary(t *testing.T) {
	t.Parallel()
	c := newCanary(t)
	c.must("-v", "login")
	c.huntTokens()
	for _, args := range [][]string{
		{"config", "list"}, {"config", "list", "-o", "json"}, {"config", "path"}, {"config", "set", "server", "default"},
		{"config", "set", "timeout", "20s"}, {"config", "use", "default"}, {"config", "unset", "timeout"},
		{"-v", "decode", "--type", "id"}, {"decode", "--type", "access", "-o", "text"}, {"decode", "--type", "access", "-o", "json"},
		{"-v", "status", "-o", "json"}, {"status"}, {"login"}, {"-v", "token", "--refresh"},
		{"version"}, {"help"}, {"help", "exit-codes"}, {"help", "token"}, {"completion", "bash"}, {"__complete", "token", ""},
		{"demo"}, {"sandbox", "--scenarios"}, {"sandbox", "--tokens"}, {"sandbox", "--faults"}, {"help", "errors"},
		{"-vv", "login"}, {"-vv", "token", "--refresh"}, {"-vv", "verify", "-o", "json"}, {"-vv", "verify", "--type", "id"},
		{"-vv", "introspect", "--type", "refresh"}, {"-vv", "userinfo", "-o", "text"},
		{"-vv", "doctor", "-o", "json"}, {"doctor"}, {"decode", "--claim", "sub"},
	} {
		c.must(args...)
	}
	c.stdin = c.hunted["client secret"]
	c.must("config", "set", "client_secret")
	c.stdin = c.hunted["access"] + "\n" + c.hunted["id"] + "\n"
	c.must("decode", "-")
	c.must("-vv", "introspect", "-")
	c.run("verify", "-o", "json", "-") // one of the two is of the wrong kind
	c.stdin = c.hunted["id"]
	for _, subject := range [][]string{{"--refresh"}, {"-"}, {"-", "--requested-type", "id-jag"}} {
		args := append([]string{"-vv", "exchange", "--resource-server", c.server.Issuer("default")}, subject...)
		c.must(append(args, "--scope", "api:read", "-o", "json")...)
	}
	c.run("-vv", "exchange", "--actor-token-stdin", "--audience", "api://target") // refused
	c.stdin = ""
	c.formats()
	c.children()
	for _, how := range []string{"", "json"} {
		c.vars["OKAUTH_ERRORS"] = how
		c.mistakes()
		c.badAnswers()
	}
	c.everyFault()
	c.sealedFiles()
	c.badServers()
	c.files()
}

// canary is a user all of whose secrets are distinctive.
type canary struct {
	*user
	t      *testing.T
	hunted map[string]string // secrets by name; a token's is its type
}

func newCanary(t *testing.T) *canary {
	const password, secret = "canary-password-5d1f", "canary-client-secret-8a2c-0000000000000000"
	u := newUser(t, oktatest.Options{Limits: &oktatest.Limits{}})
	u.server.AddUser(oktatest.User{Login: "canary@example.com", Password: password})
	u.server.AddApp(oktatest.App{
		ClientID: "0oaCanaryClient00001", Secrets: []string{secret},
		Grants: []string{oktatest.GrantPassword, oktatest.GrantRefreshToken, exchangeGrant, jwtBearerGrant},
	})
	u.vars["OKAUTH_CLIENT_ID"], u.vars["OKAUTH_CLIENT_SECRET"] = "0oaCanaryClient00001", secret
	u.vars["OKAUTH_USERNAME"], u.vars["OKAUTH_PASSWORD"] = "canary@example.com", password
	u.vars["OKAUTH_SCOPES"] = "openid offline_access"
	return &canary{u, t, map[string]string{"password": password, "client secret": secret}}
}

// huntTokens adds the tokens of the session to what is hunted.
func (c *canary) huntTokens() {
	c.t.Helper()
	for _, kind := range []string{"access", "id", "refresh"} {
		c.hunted[kind] = strings.TrimSpace(c.must("token", "--type", kind))
	}
}

// hunt wants no secret in the text but the one that is named.
func (c *canary) hunt(where, text, but string) {
	c.t.Helper()
	for name, secret := range c.hunted {
		if name != but && strings.Contains(text, secret) {
			c.t.Errorf("%s shows the %s", where, name)
		}
	}
}

// run runs okauth and hunts in what it prints.
func (c *canary) run(args ...string) (code int, stdout string) {
	c.t.Helper()
	code, stdout, stderr := c.okauth(c.t.Context(), args...)
	line := "okauth " + strings.Join(args, " ")
	c.hunt("standard error of "+line, stderr, "")
	asked := "" // the type of the token that is asked for
	if command := strings.TrimPrefix(strings.TrimPrefix(line, "okauth -vv "), "okauth -v "); code == 0 && strings.HasPrefix(strings.TrimPrefix(command, "okauth "), "token") {
		asked = "access"
		if i := slices.Index(args, "--type"); i > 0 {
			asked = args[i+1]
		}
	}
	c.hunt("standard output of "+line, stdout, asked)
	return code, stdout
}

func (c *canary) must(args ...string) string {
	c.t.Helper()
	code, stdout := c.run(args...)
	if code != 0 {
		c.t.Fatalf("okauth %q: exit code %d", args, code)
	}
	return stdout
}

// formats has every type of token printed in every way there is.
func (c *canary) formats() {
	printed := 0
	wants := func(kind, text string) {
		c.t.Helper()
		if printed++; !strings.Contains(text, c.hunted[kind]) {
			c.t.Errorf("the %s token is not printed", kind)
		}
	}
	c.huntTokens()
	for _, kind := range []string{"access", "id", "refresh"} {
		for _, format := range output.Formats() {
			args := []string{"-v", "token", "--type", kind, "-o", format}
			if (&output.TokenOptions{Format: format, Shell: "sh", Variable: "CANARY"}).Check(kind) != nil {
				if code, stdout := c.run(args...); code != 2 || stdout != "" {
					c.t.Errorf("%q: got exit code %d, want 2", args, code)
				}
				continue
			}
			wants(kind, c.must(args...))
			if format == "env" {
				for _, shell := range output.Shells() {
					wants(kind, c.must(append(args, "--shell", shell, "--env", "CANARY")...))
				}
			}
		}
		file := filepath.Join(c.t.TempDir(), "github")
		c.vars["GITHUB_OUTPUT"] = file
		wants(kind, c.must("-v", "token", "--type", kind, "--github-output", "canary"))
		text, err := os.ReadFile(file)
		if err != nil {
			c.t.Fatal(err)
		}
		wants(kind, string(text))
		c.hunt(file, string(text), kind)
	}
	if printed < 3*len(output.Formats()) {
		c.t.Errorf("only %d tokens were printed", printed)
	}
}

// children has okauth run commands, in a process of its own: a program for
// secrets, and one that is handed the token.
func (c *canary) children() {
	home := c.t.TempDir()
	for _, args := range [][]string{
		{"exec", "--", "okauth", "config", "list", "-o", "json"}, {"-v", "exec", "--type", "id", "--", "okauth", "status", "-o", "json"},
		{"exec", "--", "no-such-program"}, {"-v", "token", "--type", "id", "--password-command", "okauth no-such-command"},
	} {
		p := exec.CommandContext(c.t.Context(), "okauth", args...)
		p.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, exitAtOnce, "OKAUTH_STORAGE=file", "OKAUTH_STORAGE_DIR=" + filepath.Join(home, "sealed"), "DBUS_SESSION_BUS_ADDRESS="}
		for name, value := range c.vars {
			if name != "OKAUTH_PASSWORD" || !slices.Contains(args, "--password-command") {
				p.Env = append(p.Env, name+"="+value)
			}
		}
		var stdout, stderr bytes.Buffer
		p.Stdout, p.Stderr = &stdout, &stderr
		err := p.Run()
		if p.ProcessState == nil || exitCode(p.ProcessState) == 2 {
			c.t.Fatalf("okauth %q: %v", args, err)
		}
		c.hunt("standard output of "+p.String(), stdout.String(), "")
		c.hunt("standard error of "+p.String(), stderr.String(), "")
		if strings.Contains(stdout.String()+stderr.String(), "eyJ") && !slices.Contains(args, "token") {
			c.t.Errorf("%s shows a token", p)
		}
	}
}

func (c *canary) mistakes() {
	for _, args := range [][]string{
		{"config", "get", "client_secret"}, {"config", "set", "client_id", "x y"}, {"config", "set", "password", c.hunted["password"]},
		{"decode", c.hunted["access"] + "!"}, {"decode", strings.ReplaceAll(c.hunted["id"], ".", "")},
		{"token", "--env", c.hunted["access"]}, {"token", "--github-output", c.hunted["id"] + "!"}, {"exec", "--", c.hunted["access"]},
		{"token", "--password", "x"}, {"token", "--min-ttl", "soon"}, {"tokn"}, {"token", "--storage", "somewhere"},
	} {
		code, stdout, stderr := c.okauth(c.t.Context(), args...)
		if code < 2 || stdout != "" {
			c.t.Errorf("okauth %s: got exit code %d and %d bytes on standard output", args[0], code, len(stdout))
		}
		c.hunt("standard error of okauth "+args[0], stderr, "")
	}
}

// badAnswers lets Okta, or who stands in its place, send back what it was sent.
func (c *canary) badAnswers() {
	plain := http.Header{"Content-Type": {"application/json"}}
	for _, code := range []int{200, 302, 400, 401, 403, 429, 500} {
		kind := "invalid_request"
		if code == 400 { // one refusal of the password is remembered, with a slow hash
			kind = "invalid_grant"
		}
		echo, err := json.Marshal(map[string]string{"error": kind, "error_description": c.hunted["password"] + " " + c.hunted["client secret"]})
		if err != nil {
			c.t.Fatal(err)
		}
		header := plain.Clone()
		header.Set("Location", "https://evil.example/?p="+c.hunted["password"])
		c.server.Fail("/v1/token", oktatest.Respond(code, header, string(echo)))
		if code, _ := c.run("-v", "login"); code == 0 {
			c.t.Error("a refusal is a success")
		}
		c.forgetRefusals(c.t)
	}
	for _, code := range []int{200, 302, 400, 403, 429, 500} {
		c.must("login")
		c.huntTokens()
		echo := oktatest.Fault(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			oktatest.Respond(code, plain, `{"error":"invalid_request","error_description":"`+r.PostFormValue("refresh_token")+r.PostFormValue("token")+`"}`)(w, r, next)
		})
		c.server.FailAlways("", echo)
		if code, _ := c.run("-v", "token", "--refresh"); code == 0 {
			c.t.Error("a refusal is a success")
		}
		c.server.ClearFaults()
	}
}

// everyFault runs what sends a request against everything that a server or a
// network may do in place of an answer.
func (c *canary) everyFault() {
	c.must("login")
	c.huntTokens()
	c.vars["OKAUTH_TIMEOUT"] = "1s"
	defer delete(c.vars, "OKAUTH_TIMEOUT")
	for _, fault := range oktatest.NamedFaults() {
		c.server.FailAlways("", fault.Fault)
		for _, args := range [][]string{
			{"-vv", "login"}, {"-vv", "verify", "--refresh-keys"}, {"-vv", "introspect"}, {"-vv", "userinfo"}, {"-vv", "doctor"},
		} {
			c.run(args...)
		}
		c.server.ClearFaults()
	}
}

// sealedFiles keeps sessions in sealed files, with a key that is too short, and
// with a good one.
func (c *canary) sealedFiles() {
	password := c.vars["OKAUTH_PASSWORD"]
	delete(c.vars, "OKAUTH_PASSWORD")
	for _, key := range []string{"too short: canary-storage-key", strings.Repeat("c0ffee00", 8)} {
		c.hunted["storage key"] = key
		c.vars["OKAUTH_STORAGE"], c.vars["OKAUTH_STORAGE_DIR"], c.vars["OKAUTH_STORAGE_KEY"] = "file", filepath.Join(filepath.Dir(c.config), "sealed"), key
		c.stdin = password
		c.run("login", "--password-stdin")
		c.stdin = ""
		c.run("-v", "token", "--refresh")
		c.run("status", "-o", "json")
	}
	c.server.Fail("/revoke", oktatest.HangUp())
	c.run("-v", "logout")
	c.vars["OKAUTH_STORAGE"] = ""
	c.run("-v", "logout")
	c.run("-v", "logout", "--all")
	c.vars["OKAUTH_PASSWORD"] = password
}

func (c *canary) badServers() {
	c.vars["OKAUTH_CA_FILE"] = filepath.Join(c.t.TempDir(), "missing.pem")
	c.vars["OKAUTH_DOMAIN"] = "https://127.0.0.1:1"
	c.run("-v", "login")
	c.vars["OKAUTH_CA_FILE"] = ""
	c.run("-v", "token")
	c.vars["OKAUTH_DOMAIN"] = "https://canary:" + c.hunted["password"] + "@127.0.0.1:1/?" + c.hunted["client secret"]
	c.run("login")
}

// files hunts in what is left: the configuration file, locks, marks, sealed files.
func (c *canary) files() {
	files := 0
	err := filepath.WalkDir(filepath.Dir(c.config), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		c.hunt(path, string(text), "")
		return err
	})
	if err != nil || files < 3 {
		c.t.Fatalf("looked into %d files: %v", files, err)
	}
}
