package keychain

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"okauth/pkg/okta"
	"okauth/pkg/store"
	"okauth/pkg/store/memory"
)

// unlisted hides that a backend can list its items, as a keychain cannot.
type unlisted struct{ items store.Backend }

func (u unlisted) Get(ctx context.Context, account string) ([]byte, error) {
	return u.items.Get(ctx, account)
}

func (u unlisted) Set(ctx context.Context, account string, value []byte) error {
	return u.items.Set(ctx, account, value)
}

func (u unlisted) Delete(ctx context.Context, account string) error {
	return u.items.Delete(ctx, account)
}

func TestKR10_DeleteOfWhatCannotBeBelieved(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	id := sizedSession("dev", 0, 1).Identity
	for value, want := range map[string]string{
		"canary-another-application": "ok", `{"okauth":1,"canary":"old"}`: "ok", manifestPrefix + "1:canary": "ok",
		`{"okauth":99,"canary":"unsupported_version"}`: "unsupported_version", manifestPrefix + "2:canary": "unsupported_version",
	} {
		m := new(memory.Store)
		s := store.Sessions{Items: unlisted{chunked{m, budget(2560)}}}
		if err := errors.Join(s.AddToIndex(ctx, id), m.Set(ctx, id.Account(), []byte(value))); err != nil {
			t.Fatal(err)
		}
		err := s.DeleteAccount(ctx, id.Account())
		if kindOf(err) != want || strings.Contains(fmt.Sprint(err), "canary") {
			t.Errorf("%s: got %v, want %s", value, err, want)
		}
		if got, _ := m.Get(ctx, id.Account()); want == "unsupported_version" {
			if listed, err := s.List(ctx); err != nil || !slices.Equal(listed, []string{id.Account()}) {
				t.Errorf("%s: List: got %q, %v", value, listed, err)
			}
			if string(got) != value {
				t.Errorf("%s was changed to %q", value, got)
			}
		} else if len(m.Accounts()) != 0 {
			t.Errorf("%s: left %q", value, m.Accounts())
		}
	}
}

// Killed after any write: every session that can be loaded is listed, and a logout leaves nothing.
func TestAT92_SessionKilledAtEveryItem(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	id := sizedSession("dev", 0, 1).Identity
	steps := map[string]func(store.Sessions) error{
		"first Save":  func(s store.Sessions) error { return s.Save(ctx, sizedFor(1, 900)) },
		"second Save": func(s store.Sessions) error { return s.Save(ctx, sizedFor(2, 400)) },
		"Delete":      func(s store.Sessions) error { return s.DeleteAccount(ctx, id.Account()) },
	}
	for name, step := range steps {
		for n, finished := 0, false; !finished; n++ {
			m := new(memory.Store)
			s := store.Sessions{Items: unlisted{chunked{m, budget(300)}}}
			before := store.ErrNotFound
			if name != "first Save" {
				before = s.Save(ctx, sizedFor(1, 900))
			}
			b := &brittle{m, n}
			err := step(store.Sessions{Items: unlisted{chunked{b, budget(300)}}})
			finished = b.left >= 0
			got, loadErr := s.Load(ctx, id)
			listed, listErr := s.List(ctx)
			switch {
			case listErr != nil:
				t.Errorf("%s, killed after %d: List: %v", name, n, listErr)
			case loadErr == nil && !slices.Contains(listed, id.Account()):
				t.Errorf("%s, killed after %d: a session that is not listed", name, n)
			case loadErr == nil && !reflect.DeepEqual(reveal(got), reveal(sizedFor(1, 900))) && !reflect.DeepEqual(reveal(got), reveal(sizedFor(2, 400))):
				t.Errorf("%s, killed after %d: neither the old session nor the new one", name, n)
			case loadErr != nil && !(errors.Is(loadErr, store.ErrNotFound) && (name == "Delete" || before != nil)):
				t.Errorf("%s, killed after %d: Load: %v", name, n, loadErr)
			case finished && err != nil:
				t.Errorf("%s: %v", name, err)
			}
			if err := s.DeleteAccount(ctx, id.Account()); err != nil || len(m.Accounts()) != 0 {
				t.Errorf("%s, killed after %d: Delete: %v, left %q", name, n, err, m.Accounts())
			}
		}
	}
}

// sizedFor returns a session of "dev" of a generation, with so many bytes in its access token.
func sizedFor(generation uint64, size int) *store.Session {
	s := sizedSession("dev", 0, generation)
	s.Sets[0].AccessToken = okta.NewSecret(strings.ReplaceAll(string(text("canary", size)), ",", "."))
	return s
}
