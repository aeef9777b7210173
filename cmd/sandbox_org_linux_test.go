package cmd_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// exampleOrg is the file that docs/sandbox.md shows.
func exampleOrg(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```yaml\n# yaml-language-server: $schema=org.schema.json\n")
	text, _, _ = strings.Cut(text, "```")
	return text
}

// The users and apps of the documentation sign in, by what the sandbox prints for them, and what the documentation
// changes takes effect.
func TestSandboxOrg(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "org.yaml")
	if err := os.WriteFile(file, []byte(exampleOrg(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startSandbox(t, "--org", file)
	claims := func(vars ...string) map[string]any {
		t.Helper()
		code, stdout, stderr := s.run(t, "", append([]string{"token"}, vars...)...)
		if code != 0 {
			t.Fatalf("token %v: exit code %d: %s", vars, code, stderr)
		}
		_, decoded, _ := s.run(t, stdout, "decode", "-")
		var token struct{ Claims map[string]any }
		if err := json.Unmarshal([]byte(decoded), &token); err != nil {
			t.Fatal(err)
		}
		return token.Claims
	}
	got := claims()
	if got["sub"] != "mia@example.com" || got["department"] != "Field" || got["tenant"] != "acme" ||
		got["aud"] != "https://orders.example.com" || !slices.Equal(got["groups"].([]any), []any{"Sales"}) {
		t.Errorf("got %v", got)
	}
	s.storage = "file"
	if text, code := s.shell(t, "unix:path=/no/such/bus", "okauth login && okauth token | okauth verify -"); code != 0 {
		t.Errorf("without a keychain: exit code %d: %s", code, text)
	}
	s.vars["OKAUTH_CLIENT_SECRET"] = "not-a-secret-orders-job"
	job := []string{
		"--client-id", "0oaOrdersJob00000001", "--client-auth", "client_secret_post", "--grant", "client-credentials", "--scope",
		"orders.read",
	}
	if got := claims(job...); got["sub"] != "0oaOrdersJob00000001" || got["exp"].(float64)-got["iat"].(float64) != 300 {
		t.Errorf("got %v", got)
	}
	job[len(job)-1] = "orders.write"
	if code, _, stderr := s.run(t, "", append([]string{"token"}, job...)...); code != 5 || !strings.Contains(stderr, "Policy evaluation failed") {
		t.Errorf("a scope that no rule has: exit code %d: %s", code, stderr)
	}
	page, _ := os.ReadFile("../docs/sandbox.md")
	lines := regexp.MustCompile("(?s)\nsandbox\\(\\) .*?```").FindString(string(page))
	lines = strings.TrimSuffix(lines, "```")
	if before, _, _ := strings.Cut(lines, "sandbox -X POST"); before == lines {
		t.Fatalf("got %q", lines)
	} else if text, code := s.shell(t, "unix:path=/no/such/bus", before); code != 0 {
		t.Fatalf("exit code %d: %s", code, text)
	}
	s.vars["OKAUTH_CLIENT_SECRET"], s.vars["OKAUTH_PASSWORD"] = "not-a-secret-orders-web", "wrong-horse-ada"
	if got := claims("--username", "ada@example.com"); got["sub"] != "ada@example.com" || got["department"] != nil {
		t.Errorf("got %v", got)
	}
	if text, code := s.shell(t, "unix:path=/no/such/bus", lines); code != 0 {
		t.Errorf("exit code %d: %s", code, text)
	}
	if code, _, _ := s.run(t, "", "token", "--username", "ada@example.com"); code != 5 {
		t.Errorf("after a reset: exit code %d", code)
	}
	s.stop(t)
}

// A file may come on standard input, and the schema is printed.
func TestSandboxOrgInput(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	code, stdout, stderr := u.okauth(t.Context(), "sandbox", "--schema")
	var schema map[string]any
	if err := json.Unmarshal([]byte(stdout), &schema); err != nil || code != 0 || schema["$defs"] == nil {
		t.Errorf("got exit code %d, %v: %s", code, err, stderr)
	}
	u.stdin = "users: []\napps:\n- grnts: []\n"
	code, stdout, stderr = u.okauth(t.Context(), "sandbox", "--org", "-")
	if code != 2 || stdout != "" || !strings.Contains(stderr, `standard input:3: apps[0].grnts: unknown key, did you mean "grants"?`) {
		t.Errorf("got exit code %d, %q, %s", code, stdout, stderr)
	}
}
