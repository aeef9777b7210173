package oktatest_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"okauth/pkg/oktatest"
)

func TestSandboxEndpoints(t *testing.T) {
	t.Parallel()
	s, err := oktatest.Start(oktatest.Options{}) // keys of its own: they are rotated
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if got := get(t, s, s.URL()+"/sandbox/requests", ""); got.Status != 200 || !strings.HasPrefix(got.Text, `GET "/sandbox/`) {
		t.Errorf("requests: got %d %q", got.Status, got.Text)
	}
	old := invalidToken(t, s, "good")
	for range 2 { // the next key is published already
		if got := ask(t, s, "POST", "/sandbox/rotate-keys"); got.Status != 204 || got.Text != "" {
			t.Fatalf("rotate: got %d %q", got.Status, got.Text)
		}
	}
	_, _, signed := open(t, old, publicKeys(t, s, s.URL()+defaultBase+"keys"))
	if _, _, now := open(t, invalidToken(t, s, "good"), publicKeys(t, s, s.URL()+defaultBase+"keys")); signed || !now {
		t.Errorf("after two rotations: old token signed by a published key: %v, new one: %v", signed, now)
	}
	for target, want := range map[string]int{
		"GET /sandbox/rotate-keys": 405, "POST /sandbox/tokens/good": 405, "GET /sandbox/fault": 405, "GET /sandbox/fault/html": 405, "DELETE /sandbox/requests": 405,
		"GET /sandbox/tokens/nothing": 404, "GET /sandbox/tokens/": 404, "PUT /sandbox/fault/nothing": 404, "GET /sandbox/nothing": 404, "GET /sandbox": 404,
	} {
		method, path, _ := strings.Cut(target, " ")
		got := ask(t, s, method, path)
		if got.Status != want || (want == 405) != (got.Header.Get("Allow") != "") {
			t.Errorf("%s: got %d %v, want %d", target, got.Status, got.Header, want)
		}
	}
}

func ask(t *testing.T, s *oktatest.Server, method, path string) answer {
	t.Helper()
	r, err := http.NewRequest(method, s.URL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return send(t, s, r)
}

// A visit to where "jku" points is on record.
func TestJKUIsRecorded(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.InvalidTokens()
	if got := s.Requests(); len(got) != 0 {
		t.Errorf("before: got %v", got)
	}
	get(t, s, s.URL()+"/sandbox/attacker-keys", "")
	if got := s.Requests(); len(got) != 1 || got[0].Path != "/sandbox/attacker-keys" || got[0].Status != 200 {
		t.Errorf("after: got %v", got)
	}
	if ours, theirs := publicKeys(t, s, s.URL()+defaultBase+"keys"), publicKeys(t, s, s.URL()+"/sandbox/attacker-keys"); reflect.DeepEqual(ours, theirs) || len(theirs) != 1 {
		t.Errorf("the attacker has %d keys", len(theirs))
	}
}
