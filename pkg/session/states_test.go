package session_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"okauth/pkg/oktatest"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

// stuck is a state in which the stored session brings no token, and a sign-in does.
type stuck struct {
	rotation oktatest.Rotation
	prepare  func(t *testing.T, o *org)
	// temporary: the refresh may work later, so without a sign-in at hand its own error is returned. Otherwise that is a
	// LoginRequiredError.
	temporary bool
	noted     bool // a token that a sign-in brings comes with a note
}

// onRefresh makes a fault for refreshes only, however many there are.
func onRefresh(fault oktatest.Fault) func(*testing.T, *org) {
	return func(_ *testing.T, o *org) {
		o.server.FailAlways("/token", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.FormValue("grant_type") != "refresh_token" {
				next.ServeHTTP(w, r)
				return
			}
			fault(w, r, next)
		})
	}
}

// spent lets the server handle a refresh and answers with fault, until the refresh token is spent.
func spent(fault oktatest.Fault) func(*testing.T, *org) {
	return func(t *testing.T, o *org) {
		handled := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			next.ServeHTTP(httptest.NewRecorder(), r)
			fault(w, r, nil)
		}
		o.server.Fail("/token", handled, refusal(503, ""))
		if _, err := o.renew(t); err == nil {
			t.Fatal("the refresh worked")
		}
	}
}

// item replaces the stored session.
func item(value string) func(*testing.T, *org) {
	return func(t *testing.T, o *org) {
		if err := o.items.Set(t.Context(), o.want.Identity.Account(), []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
}

func hangUp(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

func states() map[string]stuck {
	rotates, stays := oktatest.Rotation{Rotate: true}, oktatest.Rotation{}
	refuses := func(status int, code string) func(*testing.T, *org) {
		return onRefresh(refusal(status, `{"error":"`+code+`","error_description":"not for you"}`))
	}
	return map[string]stuck{
		"answer lost":               {rotates, spent(hangUp), false, false},
		"answer lost, again":        {stays, onRefresh(hangUp), true, true},
		"answer garbled":            {rotates, spent(refusal(200, "{")), false, false},
		"answer garbled, again":     {stays, onRefresh(refusal(200, "{")), true, true},
		"answer cut, again":         {stays, onRefresh(oktatest.Truncated()), true, true},
		"no access token, again":    {stays, onRefresh(oktatest.Override("access_token", "")), true, true},
		"bad ID token, again":       {stays, onRefresh(oktatest.Override("id_token", `"e30.e30.e30"`)), true, true},
		"500 after it was handled":  {rotates, spent(refusal(500, `{"errorCode":"E0000009"}`)), false, false},
		"503 page after that":       {rotates, spent(oktatest.HTML(503)), false, false},
		"500, again":                {stays, onRefresh(refusal(500, `{"errorCode":"E0000009"}`)), true, true},
		"502 page, again":           {stays, onRefresh(oktatest.HTML(502)), true, true},
		"refresh token expired":     {stays, func(_ *testing.T, o *org) { o.clock.Advance(365 * 24 * time.Hour) }, false, false},
		"refresh token revoked":     {stays, func(t *testing.T, o *org) { revoked(t, o) }, false, false},
		"invalid_grant":             {stays, refuses(400, "invalid_grant"), false, false},
		"grant type disabled":       {stays, refuses(400, "unauthorized_client"), false, true},
		"policy changed":            {stays, refuses(400, "access_denied"), false, true},
		"scope removed":             {stays, refuses(400, "invalid_scope"), false, true},
		"unknown refusal":           {stays, refuses(403, "no_such_code"), false, true},
		"item cut":                  {stays, cut, false, true},
		"item of another program":   {stays, item("canary"), false, true},
		"item without a session":    {stays, item("{}"), false, true},
		"item from before versions": {stays, item(`{"okauth":1,"session":{}}`), false, true},
		"item deleted": {stays, func(t *testing.T, o *org) {
			if err := o.items.Delete(t.Context(), o.want.Identity.Account()); err != nil {
				t.Fatal(err)
			}
		}, false, false},
		"another user's": {stays, anothers, false, false},
		"another user's, expired": {stays, func(t *testing.T, o *org) {
			anothers(t, o)
			o.clock.Advance(2 * time.Hour)
		}, false, false},
		"no refresh token": {stays, func(t *testing.T, o *org) {
			s := o.session(t)
			s.Refresh, s.Revision = store.RefreshToken{}, s.Revision+1
			save(t, o, s)
		}, false, false},
		"stored in the future": {stays, func(t *testing.T, o *org) {
			s := o.session(t)
			s.Sets[0].ObtainedAt, s.Refresh = o.clock.Now().Add(24*time.Hour), store.RefreshToken{}
			save(t, o, s)
		}, false, false},
	}
}

func revoked(t *testing.T, o *org) {
	if err := o.client.Revoke(t.Context(), o.session(t).Refresh.Value, "refresh_token"); err != nil {
		t.Fatal(err)
	}
}

func cut(t *testing.T, o *org) {
	value, err := o.items.Get(t.Context(), o.want.Identity.Account())
	if err != nil {
		t.Fatal(err)
	}
	item(string(bytes.Clone(value[:len(value)/2])))(t, o)
}

// anothers makes the session another user's: who signed in is known from the sign-in alone where no user name is set.
func anothers(t *testing.T, o *org) {
	s := o.session(t)
	s.Username, s.Revision = "bob@example.com", s.Revision+1
	save(t, o, s)
}

func save(t *testing.T, o *org, s *store.Session) {
	t.Helper()
	if err := o.manager.Store.Save(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

// AT-82, AT-83: every state that a sign-in ends is ended by the sign-in that is at hand, in one call, and the next call
// finds its token. Where there is none, the error says that one is required, unless the refresh may work later.
func TestAT82_AT83_ASignInEndsEveryState(t *testing.T) {
	t.Parallel()
	for name, state := range states() {
		for _, atHand := range []bool{true, false} {
			t.Run(name+map[bool]string{true: ", sign-in at hand"}[atHand], func(t *testing.T) {
				t.Parallel()
				o := newOrg(t, state.rotation)
				o.login(t)
				o.clock.Advance(2 * time.Hour)
				state.prepare(t, o)
				options := o.options()
				asked := 0
				options.Credentials = func(_ context.Context, why *session.LoginRequiredError) (session.Credentials, error) {
					asked++
					if why.Unsure != state.temporary {
						t.Errorf("asked for credentials, because %v, unsure: %v", why, why.Unsure)
					}
					if atHand {
						return o.credentials(), nil
					}
					return session.Credentials{}, nil
				}
				token, err := o.manager.Renew(t.Context(), o.want, options)
				if asked != 1 {
					t.Errorf("asked %d times for credentials, want once", asked)
				}
				if !atHand {
					if _, required := err.(*session.LoginRequiredError); required == state.temporary || err == nil {
						t.Errorf("got %v, want that a sign-in is required: %v", err, !state.temporary)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if s := o.session(t); token.Username != oktatest.DefaultUser || s.Username != oktatest.DefaultUser ||
					!o.server.RefreshAlive(s.Refresh.Value.Reveal()) {
					t.Errorf("the token is %q's, the session %q's; or its refresh token is dead", token.Username, s.Username)
				}
				if noted := len(token.Notes) > 0; noted != state.noted {
					t.Errorf("got the notes %q, want one: %v", token.Notes, state.noted)
				}
				cached, err := o.manager.Token(t.Context(), o.want)
				if err != nil || !cached.Value.Equal(token.Value) {
					t.Errorf("the next call: %v", err)
				}
			})
		}
	}
}

// A session that looks corrupt while another process writes it is read again when that has ended, and refreshed.
func TestKR10_HalvesOfAWrite(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.login(t)
	o.clock.Advance(2 * time.Hour)
	writing, err := o.locks.Acquire(t.Context(), o.want.Identity.Account())
	if err != nil {
		t.Fatal(err)
	}
	var halves atomic.Bool
	halves.Store(true)
	o.locks.Waiting = func() func() { halves.Store(false); writing.Release(); return func() {} }
	o.items.onGet = func(string) error {
		if halves.Load() {
			return store.CorruptError("it has been torn")
		}
		return nil
	}
	o.mustRenew(t)
	if posts := o.posts(t); len(posts) != 1 || posts[0].Get("grant_type") != "refresh_token" {
		t.Errorf("got %d requests, want one refresh", len(posts))
	}
}

// KR-10: the session of a later okauth is left untouched. A sign-in that is at hand brings a token that is not stored.
func TestKR10_ALaterSessionIsLeftAlone(t *testing.T) {
	t.Parallel()
	const later = `{"okauth":99,"session":{}}`
	for _, atHand := range []bool{true, false} {
		o := newOrg(t, oktatest.Rotation{})
		o.login(t)
		item(later)(t, o)
		options := o.options()
		options.Credentials = func(_ context.Context, why *session.LoginRequiredError) (session.Credentials, error) {
			if atHand && why.Unsure {
				return o.credentials(), nil
			}
			return session.Credentials{}, nil
		}
		token, err := o.manager.Renew(t.Context(), o.want, options)
		switch {
		case atHand && (err != nil || len(token.Notes) != 1 || !strings.Contains(token.Notes[0], "okauth has signed in again")):
			t.Errorf("with a sign-in at hand: got %v, notes %q", err, token.Notes)
		case !atHand && !store.IsKind(err, store.UnsupportedVersion):
			t.Errorf("without: got %v", err)
		}
		if value, err := o.items.Get(t.Context(), o.want.Identity.Account()); err != nil || string(value) != later {
			t.Errorf("sign-in at hand %v: the session has changed, %v", atHand, err)
		}
	}
}

// What a sign-in would not end is an error of its own, whether one is at hand or not, and no password is sent.
func TestAT83_WhatASignInWouldNotEnd(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]oktatest.Fault{
		"429":      refusal(429, `{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit due to too many requests."}`),
		"client":   refusal(401, `{"error":"invalid_client","error_description":"no"}`),
		"portal":   oktatest.HTML(200),
		"redirect": oktatest.Redirect(307, "https://elsewhere.example.com/"),
		"404":      oktatest.HTML(404),
		"511":      oktatest.HTML(511),
		"silence":  oktatest.Silence(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t, oktatest.Rotation{})
			o.login(t)
			o.clock.Advance(2 * time.Hour)
			before := o.session(t)
			o.server.FailAlways("/token", fault)
			client := *o.client.HTTP
			client.Timeout = 300 * time.Millisecond
			if name == "silence" {
				o.client.HTTP = &client
			}
			options := o.options()
			options.Credentials = func(context.Context, *session.LoginRequiredError) (session.Credentials, error) {
				t.Error("asked for credentials")
				return o.credentials(), nil
			}
			_, err := o.manager.Renew(t.Context(), o.want, options)
			if _, required := err.(*session.LoginRequiredError); required || err == nil {
				t.Errorf("got %v", err)
			}
			if after := o.session(t); after.Revision != before.Revision || !after.Refresh.Value.Equal(before.Refresh.Value) {
				t.Error("the session has changed")
			}
			for _, form := range o.forms() {
				if form.Has("password") {
					t.Error("a password was sent")
				}
			}
		})
	}
}
