package cmd_test

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"okauth/pkg/oktatest"
)

// bound are the variables of a client whose tokens are bound to a key.
func bound() []string {
	return []string{"OKAUTH_CLIENT_ID=" + oktatest.DPoPClientID, "OKAUTH_DPOP=true", "OKAUTH_PASSWORD=" + oktatest.DefaultPassword}
}

// Of many processes that have no session, one signs in, with the one request more that the first nonce takes. All have
// its key, and each makes a proof of its own.
func TestST35_ManyProcessesOneKey(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "keychain", rotating())
	m.posts()
	keys, proofs := map[string]bool{}, map[string]bool{}
	const n = 8
	for _, p := range m.atOnce(n, "token -o header --url https://api.example.com/", bound()...) {
		if code := p.ends(); code != 0 {
			t.Fatalf("got exit code %d: %s", code, &p.stderr)
		}
		proof := regexp.MustCompile(`(?m)^DPoP: (\S+)$`).FindStringSubmatch(p.stdout.String())
		if proof == nil {
			t.Fatalf("got no proof")
		}
		head, _, _ := strings.Cut(proof[1], ".")
		text, _ := base64.RawURLEncoding.DecodeString(head)
		var header struct{ JWK json.RawMessage }
		if err := json.Unmarshal(text, &header); err != nil || len(header.JWK) == 0 {
			t.Fatal(err)
		}
		keys[string(header.JWK)], proofs[proof[1]] = true, true
	}
	if posts := m.posts(); len(keys) != 1 || len(proofs) != n || posts != 2 {
		t.Errorf("got %d keys and %d proofs after %d requests, want 1 and %d after 2", len(keys), len(proofs), posts, n)
	}
}

// A cached token is printed without a look at its key: a damaged one does no harm until a proof is made.
func TestST35_ACachedTokenOpensNoKey(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "keychain", rotating())
	vars := bound()
	good := m.start("token", vars...)
	if good.ends() != 0 {
		t.Fatal(good.stderr.String())
	}
	damaged := 0
	for account, value := range m.keychain.Items() {
		spoiled := regexp.MustCompile(`"dpop_key":"[^"]+"`).ReplaceAllString(value, `"dpop_key":"canary-damaged"`)
		if spoiled != value {
			m.keychain.Put(account, spoiled)
			damaged++
		}
	}
	m.posts()
	for _, format := range []string{"raw", "json", "env"} {
		p := m.start("token -o "+format, vars...)
		if code := p.ends(); code != 0 || !strings.Contains(p.stdout.String(), strings.TrimSpace(good.stdout.String())) {
			t.Errorf("%s: got exit code %d: %s", format, code, &p.stderr)
		}
	}
	p := m.start("token -o curl --url https://api.example.com/", vars...)
	p.fails(6, "the DPoP key is damaged", "okauth login")
	if posts := m.posts(); damaged != 1 || posts != 0 || strings.Contains(p.stderr.String(), "canary") {
		t.Errorf("%d damaged, %d requests: %s", damaged, posts, &p.stderr)
	}
	m.start("login", vars...).does()
	if p := m.start("token -o curl --url https://api.example.com/", vars...); p.ends() != 0 {
		t.Errorf("after a login: %s", &p.stderr)
	}
}
