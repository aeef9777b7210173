package oktatest_test

import (
	"net/http/httptest"
	"reflect"
	"testing"

	"okauth/pkg/oktatest"
)

// After a rotation the next key signs, and the last one is published once more.
func TestRotateKeys(t *testing.T) {
	t.Parallel()
	s := oktatest.ForTest(t, oktatest.Options{}) // keys of its own: they are rotated
	old := invalidToken(t, s, "good")
	for _, want := range []bool{true, false} {
		s.RotateKeys()
		keys := publicKeys(t, s, s.URL()+defaultBase+"keys")
		if _, _, signed := open(t, old, keys); signed != want {
			t.Errorf("old token signed by a published key: %v, want %v", signed, want)
		}
		if _, _, signed := open(t, invalidToken(t, s, "good"), keys); !signed {
			t.Error("new token signed by no published key")
		}
	}
	if s.InvalidToken("nothing", httptest.NewRequest("GET", s.URL(), nil)) != "" {
		t.Error("there is a token of an unknown kind")
	}
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
