package cmd_test

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"okauth/pkg/oktatest"
)

// AT-62: every command is run with distinctive secrets, and every byte of its
// output and of the files it leaves is searched for them. A token may be where
// a token was asked for, and nowhere else.
func TestAT62_Canary(t *testing.T) {
	t.Parallel()
	const password, secret = "canary-password-5d1f", "canary-client-secret-8a2c-0000000000000000"
	u := newUser(t)
	u.server.AddUser(oktatest.User{Login: "canary@example.com", Password: password})
	u.server.AddApp(oktatest.App{
		ClientID: "0oaCanaryClient00001", Secrets: []string{secret}, Type: "native",
		Grants: []string{oktatest.GrantPassword, oktatest.GrantRefreshToken},
	})
	u.vars["OKAUTH_CLIENT_ID"], u.vars["OKAUTH_CLIENT_SECRET"] = "0oaCanaryClient00001", secret
	u.vars["OKAUTH_USERNAME"], u.vars["OKAUTH_PASSWORD"] = "canary@example.com", password

	hunted := map[string]string{"the password": password, "the client secret": secret}
	hunt := func(where, text string, but ...string) {
		t.Helper()
		for name, canary := range hunted {
			if strings.Contains(text, canary) && !strings.Contains(strings.Join(but, " "), name) {
				t.Errorf("%s shows %s", where, name)
			}
		}
	}
	run := func(args ...string) (int, string) {
		t.Helper()
		code, stdout, stderr := u.okauth(t.Context(), args...)
		line := "okauth " + strings.Join(args, " ")
		hunt("standard error of "+line, stderr)
		if args[0] != "token" && args[len(args)-1] != "token" {
			hunt("standard output of "+line, stdout)
		}
		return code, stdout
	}
	must := func(args ...string) string {
		t.Helper()
		code, stdout := run(args...)
		if code != 0 {
			t.Fatalf("okauth %q: exit code %d", args, code)
		}
		return stdout
	}

	must("-v", "login", "--scope", "openid offline_access")
	for _, kind := range []string{"access", "id", "refresh"} {
		hunted["the "+kind+" token"] = strings.TrimSpace(must("token", "--scope", "openid offline_access", "--type", kind))
	}
	scopes := []string{"--scope", "openid offline_access"}
	for _, args := range [][]string{
		{"config", "list"}, {"config", "list", "-o", "json"}, {"config", "path"}, {"config", "set", "server", "default"},
		{"config", "set", "timeout", "20s"}, {"config", "use", "default"}, {"config", "unset", "timeout"},
		append([]string{"-v", "decode", "--type", "id"}, scopes...), append([]string{"decode", "--type", "access", "-o", "text"}, scopes...),
		append([]string{"status", "-o", "json"}, scopes...), append([]string{"status", "-o", "text"}, scopes...),
		append([]string{"-v", "token", "--refresh"}, scopes...),
		{"version"}, {"help"}, {"help", "exit-codes"}, {"completion", "bash"}, {"__complete", "token", ""},
	} {
		must(args...)
	}
	u.stdin = secret
	must("config", "set", "client_secret")
	u.stdin = ""

	// And when things go wrong.
	run("config", "get", "client_secret")
	run("config", "set", "client_id", "x y")
	run("decode", hunted["the access token"]+"!")
	run("decode", strings.ReplaceAll(hunted["the id token"], ".", ""))
	for _, code := range []int{200, 302, 400, 401, 403, 429, 500} {
		echo, err := json.Marshal(map[string]string{"error": "invalid_grant", "error_description": password + " " + secret})
		if err != nil {
			t.Fatal(err)
		}
		u.server.Fail("/v1/token", oktatest.Respond(code, map[string][]string{"Content-Type": {"application/json"}, "Location": {"https://evil.example/?p=" + password}}, string(echo)))
		if code, _ := run("-v", "login"); code == 0 {
			t.Error("a refusal is a success")
		}
	}
	for _, code := range []int{200, 302, 400, 403, 429, 500} {
		echo := oktatest.Fault(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			hunted["a refresh token"] = r.PostFormValue("refresh_token")
			oktatest.Respond(code, http.Header{"Content-Type": {"application/json"}},
				`{"error":"invalid_request","error_description":"`+r.PostFormValue("refresh_token")+r.PostFormValue("token")+`"}`)(w, r, next)
		})
		u.server.Fail("", echo, echo)
		if code, _ := run(append([]string{"-v", "token", "--refresh"}, scopes...)...); code == 0 {
			t.Error("a refusal is a success")
		}
		u.server.ClearFaults()
	}
	delete(u.vars, "OKAUTH_PASSWORD")
	for _, key := range []string{"too short: canary-storage-key", strings.Repeat("c0ffee00", 8)} {
		hunted["the storage key"] = key
		u.vars["OKAUTH_STORAGE"], u.vars["OKAUTH_STORAGE_DIR"], u.vars["OKAUTH_STORAGE_KEY"] = "file", filepath.Join(filepath.Dir(u.config), "sealed"), key
		u.stdin = password
		run(append([]string{"login", "--password-stdin"}, scopes...)...)
		u.stdin = ""
		run(append([]string{"-v", "token", "--refresh"}, scopes...)...)
		run(append([]string{"status"}, scopes...)...)
	}
	u.server.Fail("/revoke", oktatest.HangUp())
	run(append([]string{"-v", "logout"}, scopes...)...)
	u.vars["OKAUTH_STORAGE"] = ""
	run(append([]string{"-v", "logout"}, scopes...)...)
	u.vars["OKAUTH_CA_FILE"] = filepath.Join(t.TempDir(), "missing.pem")
	u.vars["OKAUTH_DOMAIN"] = "https://127.0.0.1:1"
	run("-v", "login")
	u.vars["OKAUTH_DOMAIN"] = "https://canary:" + password + "@127.0.0.1:1/?" + secret
	run("login")

	// The configuration file, locks, marks, sealed files.
	files := 0
	err := filepath.WalkDir(filepath.Dir(u.config), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		hunt(path, string(text))
		return err
	})
	if err != nil || files < 3 {
		t.Fatalf("looked into %d files: %v", files, err)
	}
}
