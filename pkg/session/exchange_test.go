package session_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/session"
	"okauth/pkg/store"
	"okauth/pkg/store/filelock"
)

// exchanges counts the exchanges of a session, and names each result.
type exchanges struct {
	*fixture
	count  atomic.Int32
	sent   []string // subjects
	life   time.Duration
	during func()
}

// of returns an exchange of the session's access token. Its result has the scopes of the session itself.
func (e *exchanges) of(name string) session.Exchange {
	subject := e.want
	subject.Username = ""
	return session.Exchange{
		Name: name, Scopes: subject.Scopes, MinTTL: time.Minute, Subject: subject,
		Prepare: func(context.Context) (session.Exchanger, error) {
			return func(_ context.Context, s session.Subject) (*okta.TokenResponse, error) {
				tokens := tokensNamed(name + "-" + string('0'+e.count.Add(1)))
				tokens.IssuedTokenType, tokens.IDToken = okta.AccessTokenType, okta.NewSecret("fake-id")
				tokens.ExpiresIn, tokens.ObtainedAt = e.life, e.now
				e.sent = append(e.sent, s.Token.Reveal()+s.DeviceSecret.Reveal())
				if e.during != nil {
					e.during()
				}
				return &tokens, nil
			}, nil
		},
	}
}

// get makes an exchange, or gets the result of an earlier one.
func (e *exchanges) get(t *testing.T, x session.Exchange) string {
	t.Helper()
	noSignIn := func(context.Context, *session.LoginRequiredError) (session.Credentials, error) {
		return session.Credentials{}, nil
	}
	token, err := e.Exchange(t.Context(), x, session.Options{Credentials: noSignIn})
	if err != nil {
		return err.Error()
	}
	return token.Value.Reveal()
}

func newExchanges(t *testing.T) *exchanges {
	e := &exchanges{fixture: newFixture(t), life: 10 * time.Minute}
	e.login(t, tokensNamed("own"), "alice")
	return e
}

func (e *exchanges) wants(t *testing.T, got, want string, count int32) {
	t.Helper()
	if got != want || e.count.Load() != count {
		t.Errorf("got %s after %d exchanges, want %s after %d", got, e.count.Load(), want, count)
	}
}

func TestST37_AnExchangedTokenIsCachedByAllThatItDependsOn(t *testing.T) {
	t.Parallel()
	e := newExchanges(t)
	e.wants(t, e.get(t, e.of("a")), "fake-access-a-1", 1)
	e.wants(t, e.get(t, e.of("a")), "fake-access-a-1", 1)
	e.wants(t, e.get(t, e.of("b")), "fake-access-b-2", 2)
	other := e.of("a")
	other.Scopes = []string{"openid", "orders"}
	e.wants(t, e.get(t, other), "fake-access-a-3", 3)
	other.Scopes = []string{"orders", "openid"}
	e.wants(t, e.get(t, other), "fake-access-a-3", 3)
	e.wants(t, e.get(t, e.of("a")), "fake-access-a-1", 3)
	e.now = e.now.Add(9*time.Minute + time.Second) // valid for less than a minute
	e.wants(t, e.get(t, e.of("a")), "fake-access-a-4", 4)
	fresh := e.of("a")
	fresh.Fresh = true
	e.wants(t, e.get(t, fresh), "fake-access-a-5", 5)
	e.wants(t, e.get(t, e.of("a")), "fake-access-a-5", 5)
	for _, subject := range e.sent {
		if subject != "fake-access-own" {
			t.Errorf("%s was exchanged, want the session's own token", subject)
		}
	}
	if stored := e.stored(t).Sets[0]; !stored.IDToken.IsZero() || stored.IssuedTokenType != okta.AccessTokenType {
		t.Errorf("stored %+v", stored)
	}
}

// A token whose whole life is shorter than what is asked for is used for half of it, with a note.
func TestST37_AShortLivedExchangedToken(t *testing.T) {
	t.Parallel()
	e := newExchanges(t)
	x := e.of("a")
	x.MinTTL = time.Hour
	for i, test := range []struct {
		later time.Duration
		want  string
	}{{0, "a-1"}, {4 * time.Minute, "a-1"}, {2 * time.Minute, "a-2"}} {
		e.now = e.now.Add(test.later)
		token, err := e.Exchange(t.Context(), x, session.Options{})
		if err != nil || token.Value.Reveal() != "fake-access-"+test.want || len(token.Notes) != 1 {
			t.Errorf("%d: got %s, %q, %v", i, token.Value.Reveal(), token.Notes, err)
		}
	}
}

// What an exchange was granted says nothing about the session.
func TestST37_AnExchangeBringsNoRefreshToken(t *testing.T) {
	t.Parallel()
	e := newExchanges(t)
	x := e.of("a")
	prepare := x.Prepare
	x.Prepare = func(ctx context.Context) (session.Exchanger, error) {
		exchange, err := prepare(ctx)
		return func(ctx context.Context, s session.Subject) (*okta.TokenResponse, error) {
			tokens, err := exchange(ctx, s)
			tokens.Scope, tokens.RefreshToken = []string{"openid", "offline_access"}, okta.NewSecret("fake-refresh")
			return tokens, err
		}, err
	}
	e.get(t, x)
	r := e.want
	r.Type = session.Refresh
	_, err := e.Token(t.Context(), r)
	if missing, ok := errors.AsType[*session.MissingTokenError](err); !ok || missing.Granted != "" {
		t.Errorf("got %v", err)
	}
}

// Neither is taken for the other, although the scopes are the same.
func TestST37_ExchangedAndOrdinaryTokensNeverMix(t *testing.T) {
	t.Parallel()
	e := newExchanges(t)
	e.get(t, e.of("a"))
	if got := e.value(t); got != "fake-access-own" {
		t.Errorf("the session's token is %s", got)
	}
	e.now = e.now.Add(55 * time.Minute)
	e.get(t, e.of("a")) // it lives longer than the session's own
	e.now = e.now.Add(6 * time.Minute)
	if why := e.reason(t); !strings.Contains(why, "the access token expired") {
		t.Errorf("the session's token: %s", why)
	}
	e.wants(t, e.get(t, e.of("b")), "the access token expired at "+start.Add(time.Hour).Local().Format("2006-01-02 15:04:05"), 2)
	e.login(t, tokensNamed("own"), "bob")
	e.want.Exchange = "a" // as the exchanges of this package ask
	if why := e.reason(t); !strings.Contains(why, "not signed in for") {
		t.Errorf("an ordinary token is taken for an exchanged one: %s", why)
	}
}

// An exchanged token does not depend on the session any more: Okta ends it with its lifetime. So what renews the session
// keeps it, and another user, or a sign-out, does not.
func TestST37_WhatKeepsAnExchangedToken(t *testing.T) {
	t.Parallel()
	e := newExchanges(t)
	e.life = 3 * time.Hour
	e.wants(t, e.get(t, e.of("a")), "fake-access-a-1", 1)
	e.now = e.now.Add(30 * time.Minute)
	again := tokensNamed("again")
	again.ObtainedAt = e.now
	e.login(t, again, "alice")
	e.wants(t, e.get(t, e.of("a")), "fake-access-a-1", 1)
	e.login(t, again, "bob")
	e.wants(t, e.get(t, e.of("a")), "fake-access-a-2", 2)
	e.now = e.now.Add(30 * time.Minute)
	again.ObtainedAt = e.now.Add(3 * time.Hour)
	e.now = again.ObtainedAt
	e.login(t, again, "bob")
	for _, set := range e.stored(t).Sets {
		if set.Exchange != "" {
			t.Errorf("an expired token is kept: %+v", set)
		}
	}
	e.get(t, e.of("a"))
	noClient := func(context.Context, store.Identity) (*okta.Client, error) { return nil, nil }
	if _, found := e.Logout(t.Context(), e.want.Identity.Account(), noClient); !found {
		t.Error("no session")
	}
	e.wants(t, e.get(t, e.of("a")), "not signed in", 3)
}

// What works once, or is in part not the session's, is not kept.
func TestST37_AnExchangeWithoutANameIsNotStored(t *testing.T) {
	t.Parallel()
	e := newExchanges(t)
	e.wants(t, e.get(t, e.of("")), "fake-access--1", 1)
	e.wants(t, e.get(t, e.of("")), "fake-access--2", 2)
	if sets := e.stored(t).Sets; len(sets) != 1 || e.value(t) != "fake-access-own" {
		t.Errorf("stored %+v", sets)
	}
}

// The device secret of a sign-in stays until the next user's.
func TestST37_TheDeviceSecretIsKeptWithTheSession(t *testing.T) {
	t.Parallel()
	e := newExchanges(t)
	with := tokensNamed("own")
	with.DeviceSecret = okta.NewSecret("+device")
	e.login(t, with, "alice")
	e.login(t, tokensNamed("own"), "alice")
	e.get(t, e.of(""))
	e.login(t, tokensNamed("own"), "bob")
	e.get(t, e.of(""))
	if got := strings.Join(e.sent, " "); got != "fake-access-own+device fake-access-own" {
		t.Errorf("got %s", got)
	}
}

// A sign-out during the exchange wins.
func TestST37_ASignOutDuringAnExchangeWins(t *testing.T) {
	t.Parallel()
	e := newExchanges(t)
	e.during = func() { _ = e.Store.DeleteAccount(t.Context(), e.want.Identity.Account()) }
	e.wants(t, e.get(t, e.of("a")), "another process signed out meanwhile", 1)
	if _, err := e.Store.Load(t.Context(), e.want.Identity); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the session is back: %v", err)
	}
}

// A change that did not wait for the lock, on another machine, is not undone.
func TestST37_AnExchangeUndoesNoChange(t *testing.T) {
	t.Parallel()
	e := newExchanges(t)
	e.during = func() { e.login(t, tokensNamed("bobs"), "bob") }
	e.wants(t, e.get(t, e.of("a")), "fake-access-a-1", 1)
	if s := e.stored(t); s.Username != "bob" || len(s.Sets) != 1 {
		t.Errorf("stored %+v", s)
	}
}

// Where nothing is stored, each call signs in and exchanges.
func TestST37_AnExchangeWithoutAStore(t *testing.T) {
	t.Parallel()
	e := newExchanges(t)
	e.Store, e.Optional = store.Sessions{Items: store.None{}}, true
	o := session.Options{
		Client: func(context.Context) (*okta.Client, error) { return nil, nil },
		Credentials: func(context.Context, *session.LoginRequiredError) (session.Credentials, error) {
			return session.Credentials{Grant: canned{tokens: tokensNamed("unstored")}, Username: "alice"}, nil
		},
	}
	for range 2 {
		token, err := e.Exchange(t.Context(), e.of("a"), o)
		if err != nil || token.Username != "alice" {
			t.Errorf("got %+v, %v", token, err)
		}
	}
	if got := strings.Join(e.sent, " "); got != "fake-access-unstored fake-access-unstored" {
		t.Errorf("got %s", got)
	}
}

// A refusal changes nothing, and the error is the server's.
func TestST37_ARefusedExchangeChangesNothing(t *testing.T) {
	t.Parallel()
	e := newExchanges(t)
	x := e.of("a")
	refusal := &grant.InputError{Field: "resource", Problem: "is not known"}
	x.Prepare = func(context.Context) (session.Exchanger, error) {
		return func(context.Context, session.Subject) (*okta.TokenResponse, error) { return nil, refusal }, nil
	}
	before := e.stored(t).Revision
	e.wants(t, e.get(t, x), refusal.Error(), 0)
	if got := e.stored(t).Revision; got != before {
		t.Errorf("the session was written: revision %d, was %d", got, before)
	}
}

func TestST37_ManyAtOnceMakeOneExchange(t *testing.T) {
	t.Parallel()
	e := newExchanges(t)
	e.Store.Locks = &filelock.Locks{Dir: filepath.Join(t.TempDir(), "locks"), Wait: time.Minute}
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() { e.wants(t, e.get(t, e.of("a")), "fake-access-a-1", 1) })
	}
	group.Wait()
}
