package cmd_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// ask is one request, as curl would send it, with a body or none.
func (s *sandbox) ask(t *testing.T, client *http.Client, method, path string, body ...string) (status int, text string, err error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.vars["OKAUTH_DOMAIN"]+path, strings.NewReader(strings.Join(body, "")))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Sandbox", "1")
	res, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, string(answer), err
}

// --fault is there from the start, and ends with the DELETE that --faults shows.
func TestSandboxFaults(t *testing.T) {
	t.Parallel()
	s := startSandbox(t, "--fault", "html@/keys", "--fault", "503-read-only")
	const keys = "/oauth2/default/v1/keys"
	if status, text, err := s.ask(t, http.DefaultClient, "GET", keys); status != 200 || !strings.Contains(text, "guest network") {
		t.Errorf("keys: got %d %q, %v", status, text, err)
	}
	if code, _, stderr := s.run(t, "", "token"); code != 3 || !strings.Contains(stderr, "error: ") {
		t.Errorf("token: got exit code %d: %s", code, stderr)
	}
	for _, step := range []struct {
		method, path string
		code         int // of okauth token, then
	}{
		{"DELETE", "/sandbox/fault", 0}, {"PUT", "/sandbox/fault/garbage", 3}, {"DELETE", "/sandbox/fault", 0}, {"PUT", "/sandbox/fault/429-user?path=", 3},
	} {
		if status, text, err := s.ask(t, http.DefaultClient, step.method, step.path); status != 204 {
			t.Fatalf("%s %s: got %d %q, %v", step.method, step.path, status, text, err)
		}
		if code, _, stderr := s.run(t, "", "token"); code != step.code {
			t.Errorf("token after %s %s: got exit code %d, want %d: %s", step.method, step.path, code, step.code, stderr)
		}
	}
	if status, text, _ := s.ask(t, http.DefaultClient, "GET", "/sandbox/requests"); status != 200 || !strings.Contains(text, `POST "/oauth2/default/v1/token"`) ||
		strings.Contains(text, oktatest.DefaultPassword) {
		t.Errorf("requests: got %d %s", status, text)
	}
	s.stop(t)
}

// Every invalid token fails the check that it names first, and the good one passes.
func TestSandboxTokens(t *testing.T) {
	t.Parallel()
	s := startSandbox(t)
	var stdin strings.Builder
	for _, f := range oktatest.InvalidTokenKinds() {
		status, token, err := s.ask(t, http.DefaultClient, "GET", "/sandbox/tokens/"+f.Name)
		if status != 200 || err != nil {
			t.Fatalf("%s: got %d, %v", f.Name, status, err)
		}
		stdin.WriteString(token)
	}
	code, stdout, stderr := s.run(t, stdin.String(), "verify", "-o", "json", "-")
	if code != 7 {
		t.Errorf("got exit code %d, want 7: %s", code, stderr)
	}
	answers := json.NewDecoder(strings.NewReader(stdout))
	for _, f := range oktatest.InvalidTokenKinds() {
		var verdict struct {
			Valid  bool
			Reason string
		}
		if err := answers.Decode(&verdict); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if verdict.Valid != (f.Check == "") || verdict.Reason != f.Check {
			t.Errorf("%s: got valid: %v, reason %q, want %q", f.Name, verdict.Valid, verdict.Reason, f.Check)
		}
	}
	if _, text, _ := s.ask(t, http.DefaultClient, "GET", "/sandbox/requests"); strings.Contains(text, "attacker-keys") {
		t.Errorf("keys were fetched from where a token says: %s", text)
	}
	s.stop(t)
}

// Each certificate is wrong as it says, and what is printed leads a client to it.
func TestSandboxCertificates(t *testing.T) {
	t.Parallel()
	invalid := func(reason x509.InvalidReason) func(error) bool {
		return func(err error) bool {
			got, ok := errors.AsType[x509.CertificateInvalidError](err)
			return ok && got.Reason == reason
		}
	}
	unknown := func(err error) bool { _, ok := errors.AsType[x509.UnknownAuthorityError](err); return ok }
	for kind, is := range map[string]func(error) bool{
		"expired": invalid(x509.Expired), "not-yet-valid": invalid(x509.Expired),
		"wrong-name":  func(err error) bool { _, ok := errors.AsType[x509.HostnameError](err); return ok },
		"self-signed": unknown, "unknown-ca": unknown,
		"client-required": func(err error) bool { return err != nil && strings.Contains(err.Error(), "certificate required") },
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := startSandbox(t, "--certificate", kind)
			if _, _, err := s.ask(t, sandboxClient(t, s.vars["OKAUTH_CA_FILE"], nil), "GET", "/api/hello"); !is(err) {
				t.Errorf("got %v", err)
			}
			var trusting *http.Client
			switch kind {
			case "self-signed", "unknown-ca":
				told := regexp.MustCompile(`export OKAUTH_CA_FILE=(\S+)`).FindStringSubmatch(s.stderr)
				if s.vars["OKAUTH_CA_FILE"] != "" || told == nil {
					t.Fatalf("got %q and %s", s.vars["OKAUTH_CA_FILE"], s.stderr)
				}
				trusting = sandboxClient(t, told[1], nil)
			case "client-required":
				trusting = sandboxClient(t, s.vars["OKAUTH_CA_FILE"], s.clientCertificate(t))
			}
			if trusting != nil {
				if status, _, err := s.ask(t, trusting, "GET", "/api/hello"); status != 401 { // it wants a token
					t.Errorf("trusting: got %d, %v", status, err)
				}
			}
			s.stop(t)
		})
	}
}

// sandboxClient trusts the authority in the file; "" is the system's.
func sandboxClient(t *testing.T, caFile string, own []tls.Certificate) *http.Client {
	t.Helper()
	config := &tls.Config{Certificates: own}
	if caFile != "" {
		text, err := os.ReadFile(caFile)
		if err != nil {
			t.Fatal(err)
		}
		if config.RootCAs = x509.NewCertPool(); !config.RootCAs.AppendCertsFromPEM(text) {
			t.Fatalf("no certificate in %s", text)
		}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config}, Timeout: 10 * time.Second}
}

// clientCertificate is what the sandbox wants to see, in files for the user alone.
func (s *sandbox) clientCertificate(t *testing.T) []tls.Certificate {
	t.Helper()
	for _, name := range []string{"OKAUTH_CLIENT_CERT", "OKAUTH_CLIENT_KEY"} {
		info, err := os.Stat(s.vars[name])
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != fs.FileMode(0o600) {
			t.Errorf("%s: mode %v", name, info.Mode())
		}
	}
	cert, err := tls.LoadX509KeyPair(s.vars["OKAUTH_CLIENT_CERT"], s.vars["OKAUTH_CLIENT_KEY"])
	if err != nil {
		t.Fatal(err)
	}
	return []tls.Certificate{cert}
}
