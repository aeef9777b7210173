package cmd_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// answerExchanges answers the token exchanges of a machine's Okta, each with another token, and counts them.
func (m *machine) answerExchanges(life time.Duration) (exchanges *atomic.Int32) {
	exchanges = new(atomic.Int32)
	m.server.FailAlways("/token", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		kind := "access_token"
		switch r.FormValue("grant_type") {
		case exchangeGrant:
			if r.FormValue("requested_token_type") != "" {
				kind = "id-jag"
			}
		case jwtBearerGrant:
		default:
			next.ServeHTTP(w, r)
			return
		}
		name := map[string]string{"access_token": "Bearer", "id-jag": "N_A"}[kind]
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"fake-%s-%d","token_type":%q,"expires_in":%d,"issued_token_type":%q}`,
			kind, exchanges.Add(1), name, life/time.Second, "urn:ietf:params:oauth:token-type:"+kind)
	})
	return exchanges
}

// Of many at once, whose session has expired, one refreshes and one exchanges, and all print its result.
func TestST37_AT80_OneExchange(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, storage string) {
		m := newExpired(t, storage, rotating())
		exchanges := m.answerExchanges(5 * time.Minute)
		for round := int32(1); round < 3; round++ {
			m.posts()
			want := fmt.Sprintf("fake-access_token-%d\n", round)
			for _, p := range m.atOnce(16, "exchange --audience api://target") {
				if code := p.ends(); code != 0 || p.stdout.String() != want || p.stderr.Len() > 0 {
					t.Fatalf("got exit code %d, %q, %s, want %q", code, &p.stdout, &p.stderr, want)
				}
			}
			if n := exchanges.Load(); n != round {
				t.Errorf("%d exchanges, want %d", n, round)
			}
			if posts := m.posts(); round == 1 && posts != 2 || round == 2 && posts != 1 {
				t.Errorf("round %d: %d requests", round, posts)
			}
			m.later(4*time.Minute + time.Second) // the exchanged token has less than a minute left
		}
		m.alive()
		m.signOut()
	})
}

// AT-81: after a kill at any step of an exchange the session is alive, and the next exchange brings a token that is kept.
func TestST37_AT81_KilledExchange(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, storage string) {
		m := newMachine(t, storage, rotating())
		m.answerExchanges(100 * time.Second)
		line := "exchange --resource-server " + m.server.URL() + "/oauth2/other"
		m.start("login").does()
		m.steps(func(n int) bool {
			m.later(41 * time.Second) // what the call before has stored is too old
			killed := m.killed(n, line)
			var printed [2]string
			for i := range printed {
				p := m.start(line)
				if code := p.ends(); code != 0 || p.stderr.Len() > 0 {
					t.Fatalf("killed at step %d: got exit code %d: %s", n, code, &p.stderr)
				}
				printed[i] = p.stdout.String()
			}
			if printed[0] != printed[1] || !strings.HasPrefix(printed[0], "fake-access_token-") {
				t.Errorf("killed at step %d: got %q", n, printed)
			}
			m.alive()
			return killed
		})
		m.signOut()
	})
}

// The ID-JAG is in no output of any verbosity, in no error and in no store.
func TestST37_TheIDJAGIsShownOnlyWhereItIsAskedFor(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "file", rotating())
	m.start("login").does()
	m.answerExchanges(5 * time.Minute)
	line := "exchange --resource-server " + m.server.URL() + "/oauth2/other"
	for i, flags := range []string{" -vv -o json --refresh", " -vv -o env --refresh", " -vv"} {
		p := m.start(line + flags)
		code, all := p.ends(), p.stdout.String()+p.stderr.String()
		if code != 0 || strings.Contains(all, "fake-id-jag") || strings.Contains(p.stderr.String(), "fake") {
			t.Errorf("%d: got exit code %d: %s", i, code, all)
		}
	}
	p := m.start(line + " --requested-type id-jag")
	if code := p.ends(); code != 0 || !strings.HasPrefix(p.stdout.String(), "fake-id-jag-") {
		t.Errorf("got exit code %d, %q: %s", code, &p.stdout, &p.stderr)
	}
}
