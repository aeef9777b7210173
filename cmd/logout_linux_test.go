package cmd_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// AT-85: logout does not wait forever for a process that was stopped in the
// middle of a refresh, and that does not bring the session back.
func TestAT85_LogoutWins(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(chan<- struct{}, <-chan struct{}) oktatest.Fault{
		"before Okta has handled it": oktatest.HoldRequest, "before its answer": oktatest.HoldAnswer,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyStore(t, func(t *testing.T, storage string) {
				m := newExpired(t, storage, rotating())
				arrived, release := m.held(fault)
				late := m.start("token")
				m.await(arrived)
				late.stop()
				out := m.start("logout --timeout 3s")
				out.does()
				if took := time.Since(out.began); took > 15*time.Second {
					t.Errorf("logout took %v", took)
				}
				close(release)
				late.goOn()
				late.fails(4, "signed out")
				m.unspent()
				if left := m.stored(); len(left) > 0 {
					t.Errorf("%d items are stored again", len(left))
				}
				for _, r := range m.server.Requests() {
					if refresh := r.Form.Get("refresh_token"); refresh != "" && m.server.RefreshAlive(refresh) {
						t.Error("the refresh token works after logout")
					}
				}
				m.signOut()
				m.start("login").does() // and is as good as ever
				m.later(2 * time.Hour)
				m.start("token").token()
			})
		})
	}
}

// AT-85: the same at every step of the refresh that can be seen from outside.
// Once logout has said that it is done, there is no session and no refresh token
// left, whatever the other process was about to do.
func TestAT85_LogoutWinsAtEveryStep(t *testing.T) {
	t.Parallel()
	type scene struct {
		*machine
		issued func() []string
		goOn   func()
		logout *process
	}
	var scenes []scene
	for {
		m := newMachine(t, "file", rotating())
		s := scene{machine: m, issued: m.issued()}
		m.start("login").does()
		m.later(2 * time.Hour)
		var held bool
		if held, s.goOn = holdAt(t, m.command(context.Background(), "token"), len(scenes)+1); !held {
			break
		}
		scenes = append(scenes, s)
	}
	for i := range scenes { // all at once: each waits for a lock
		scenes[i].logout = scenes[i].start("logout --timeout 3s")
	}
	for i, s := range scenes {
		s.logout.does()
		s.goOn()
		s.unspent()
		if left := s.stored(); len(left) > 0 {
			t.Errorf("step %d: %d items are stored after logout", i+1, len(left))
		}
		for n, refresh := range s.issued() {
			if s.server.RefreshAlive(refresh) {
				t.Errorf("step %d: refresh token %d works after logout", i+1, n+1)
			}
		}
	}
	if len(scenes) < 7 {
		t.Errorf("held at %d steps", len(scenes))
	}
}

// issued lets the refresh tokens be written down that Okta hands out from now
// on, and returns what tells them.
func (m *machine) issued() func() []string {
	var mu sync.Mutex
	var tokens []string
	m.server.FailAlways("/v1/token", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		var body struct {
			RefreshToken string `json:"refresh_token"`
		}
		if json.Unmarshal(answer.Body.Bytes(), &body) == nil && body.RefreshToken != "" {
			mu.Lock()
			tokens = append(tokens, body.RefreshToken)
			mu.Unlock()
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return tokens
	}
}
