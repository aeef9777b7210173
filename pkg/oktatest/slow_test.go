package oktatest_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// async sends a request and tells what becomes of it: the status, 0 if there was no answer.
func async(s *oktatest.Server, r *http.Request) <-chan int {
	done := make(chan int, 1)
	client := s.Client()
	go func() {
		res, err := client.Do(r)
		if err != nil {
			done <- 0
			return
		}
		_, err = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		done <- res.StatusCode * b2i(err == nil)
	}()
	return done
}

// A request whose answer is lost has taken effect; one that is held before the server sees it has not, yet.
func TestHeldAndLostAnswers(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	for _, test := range []struct {
		name  string
		fault oktatest.Fault
		holds bool
		spent bool // while it is held, or afterwards
	}{
		{"request", oktatest.HoldRequest(arrived, release), true, false},
		{"answer", oktatest.HoldAnswer(arrived, release), true, true},
		{"lost", oktatest.HangUp(), false, true},
	} {
		s := start(t, rotating(0))
		token := firstRefresh(t, s, offline)
		s.Fail("/token", test.fault)
		done := async(s, refreshing(t, s, token, ""))
		if !test.holds {
			if got := <-done; got != 0 {
				t.Errorf("%s: got %d, want no answer", test.name, got)
			}
		} else {
			<-arrived
		}
		if s.RefreshAlive(token) == test.spent {
			t.Errorf("%s: spent: %v, want %v", test.name, !test.spent, test.spent)
		}
		if log := s.Requests(); log[len(log)-1].Status != 0 {
			t.Errorf("%s: log: got %v, want no answer yet", test.name, log)
		}
		if got := send(t, s, good(t, s)); got.Status != 200 { // no other request waits
			t.Errorf("%s: meanwhile: got %d %s", test.name, got.Status, got.Text)
		}
		if test.holds {
			release <- struct{}{}
			if got := <-done; got != 200 {
				t.Errorf("%s: released: got %d, want 200", test.name, got)
			}
		}
		if s.RefreshAlive(token) {
			t.Errorf("%s: not spent at the end", test.name)
		}
	}
}

// A request that was held is answered by the time of its release.
func TestHeldRequestIsJudgedWhenReleased(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Lifetimes: oktatest.Lifetimes{Refresh: time.Hour}})
	token := firstRefresh(t, s, offline)
	arrived, release := make(chan struct{}), make(chan struct{})
	s.Fail("/token", oktatest.HoldRequest(arrived, release))
	done := async(s, refreshing(t, s, token, ""))
	<-arrived
	s.Clock().Advance(time.Hour)
	close(release)
	if got := <-done; got != 400 {
		t.Errorf("got %d, want 400", got)
	}
}

// A client that leaves while its request is held has asked for nothing.
func TestHeldRequestOfClientThatLeft(t *testing.T) {
	t.Parallel()
	s := start(t, rotating(0))
	token := firstRefresh(t, s, offline)
	arrived, left := make(chan struct{}), make(chan struct{})
	hold := oktatest.HoldRequest(arrived, nil)
	s.Fail("/token", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		defer close(left)
		hold(w, r, next)
	})
	ctx, leave := context.WithCancel(t.Context())
	done := async(s, refreshing(t, s, token, "").WithContext(ctx))
	<-arrived
	leave()
	if got := <-done; got != 0 {
		t.Errorf("got %d, want no answer", got)
	}
	<-left
	if !s.RefreshAlive(token) {
		t.Error("the token is spent")
	}
}

// The answer to a client that leaves while it is held is lost, and the request has had its effect.
func TestHeldAnswerOfClientThatLeft(t *testing.T) {
	t.Parallel()
	s := start(t, rotating(0))
	token := firstRefresh(t, s, offline)
	arrived := make(chan struct{})
	s.Fail("/token", oktatest.HoldAnswer(arrived, nil))
	ctx, leave := context.WithCancel(t.Context())
	done := async(s, refreshing(t, s, token, "").WithContext(ctx))
	<-arrived
	leave()
	if got := <-done; got != 0 {
		t.Errorf("got %d, want no answer", got)
	}
	if s.RefreshAlive(token) {
		t.Error("the answer did not come, and the token is not spent")
	}
}
