package session_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

func TestAT82_LostAnswer(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true, Leeway: oktatest.DefaultLeeway})
	o.login(t)
	o.clock.Advance(time.Hour)
	o.server.Fail("/token", oktatest.HangUp())
	o.mustRenew(t)
	posts := o.posts(t)
	if len(posts) != 2 || posts[0].Get("refresh_token") != posts[1].Get("refresh_token") {
		t.Fatalf("%d posts, want the same one twice", len(posts))
	}
	if !o.server.RefreshAlive(o.session(t).Refresh.Value.Reveal()) {
		t.Error("the stored refresh token is dead")
	}

	o.clock.Advance(time.Hour)
	before, writes := o.session(t), o.items.writes
	o.server.Fail("/token", oktatest.HangUp(), oktatest.HangUp())
	if _, err := o.renew(t); !okta.MayHaveBeenProcessed(err) {
		t.Fatalf("lost twice: %v", err)
	}
	if after := o.session(t); o.items.writes != writes || !after.Refresh.Value.Equal(before.Refresh.Value) {
		t.Error("the store was changed")
	}
	o.mustRenew(t) // within the leeway

	// After the leeway Okta refuses the token. It is forgotten then, and not sent again.
	o.clock.Advance(time.Hour)
	o.server.Fail("/token", oktatest.HangUp(), oktatest.HangUp())
	if _, err := o.renew(t); !okta.MayHaveBeenProcessed(err) {
		t.Fatalf("lost twice: %v", err)
	}
	o.clock.Advance(2 * oktatest.DefaultLeeway)
	o.server.ResetRequests()
	_, err := o.renew(t)
	o.wantRequired(t, err, "no longer accepts")
	if !o.session(t).Refresh.Value.IsZero() {
		t.Error("the spent token is still kept")
	}
	_, err = o.renew(t)
	o.wantRequired(t, err, "expired")
	if forms := o.forms(); len(forms) != 1 || o.server.Reuses() != 1 {
		t.Errorf("%d requests and %d reuses, want one of each", len(forms), o.server.Reuses())
	}
}

// AT-82: whatever became of the refresh token, the credentials at hand bring a new session. The server's
// introspection is no help: it answers 404.
func TestAT82_LostAnswerThenSignIn(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.login(t)
	o.clock.Advance(time.Hour)
	o.server.FailAlways("/introspect", oktatest.HTML(404))
	lose := oktatest.HangUp()
	o.server.Fail("/token", lose, refusal(503, ""))
	if _, err := o.renew(t); err == nil {
		t.Fatal("the answer was not lost")
	}
	options := o.options()
	options.Credentials = func(context.Context, *session.LoginRequiredError) (session.Credentials, error) {
		return o.credentials(), nil
	}
	if _, err := o.manager.Renew(t.Context(), o.want, options); err != nil {
		t.Fatal(err)
	}
	if !o.server.RefreshAlive(o.session(t).Refresh.Value.Reveal()) {
		t.Error("the stored refresh token is dead")
	}
}

// A server that did not handle the request has not spent the token either.
func TestAT82_LostRequest(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.login(t)
	o.clock.Advance(time.Hour)
	lose := oktatest.Raw("")
	o.server.Fail("/token", lose, lose)
	if _, err := o.renew(t); !okta.MayHaveBeenProcessed(err) {
		t.Fatalf("lost twice: %v", err)
	}
	o.clock.Advance(time.Hour)
	o.mustRenew(t)
	o.posts(t)
}

// refusal is an answer of Okta's.
func refusal(status int, body string) oktatest.Fault {
	return oktatest.Respond(status, http.Header{"Content-Type": {"application/json"}}, body)
}

func TestAT83_WhatDoesNotClear(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]oktatest.Fault{
		"503":       oktatest.HTML(503),
		"500":       refusal(500, `{"errorCode":"E0000009","errorSummary":"Internal Server Error"}`),
		"429":       refusal(429, `{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit due to too many requests."}`),
		"429 grant": refusal(429, `{"error":"invalid_grant","error_description":"API call exceeded rate limit due to too many requests."}`),
		"redirect":  oktatest.Redirect(307, "https://elsewhere.example.com/"),
		"hang-up":   oktatest.HangUp(),
		"portal":    oktatest.HTML(200),
		"client":    refusal(401, `{"error":"invalid_client","error_description":"The client secret supplied for a confidential client is invalid."}`),
		"policy":    refusal(400, `{"error":"access_denied","error_description":"Policy evaluation failed for this request, please check the policy configurations."}`),
		"truncated": oktatest.Truncated(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t, oktatest.Rotation{Rotate: true, Leeway: oktatest.DefaultLeeway})
			o.login(t)
			o.clock.Advance(time.Hour)
			before := o.session(t)
			o.server.FailAlways("/token", fault)
			if _, err := o.renew(t); err == nil {
				t.Fatal("no error")
			}
			if after := o.session(t); after.Revision != before.Revision || !after.Refresh.Value.Equal(before.Refresh.Value) {
				t.Error("the session has changed")
			}
			o.server.ClearFaults()
			o.mustRenew(t)
			o.posts(t)
		})
	}
}

func TestAT83_InvalidGrantClears(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.login(t)
	o.clock.Advance(8 * 24 * time.Hour) // longer than a refresh token may lie idle
	_, err := o.renew(t)
	required := o.wantRequired(t, err, "no longer accepts")
	if !strings.Contains(required.Error(), "The refresh token is invalid or expired.") || required.Refreshable {
		t.Errorf("got %q, refreshable %v", required, required.Refreshable)
	}
	if s := o.session(t); !s.Refresh.Value.IsZero() || len(s.Sets) == 0 {
		t.Errorf("refresh token forgotten %v, %d sets", s.Refresh.Value.IsZero(), len(s.Sets))
	}
	if _, err := o.renew(t); err == nil || len(o.posts(t)) != 1 {
		t.Errorf("afterwards: %v, %d posts", err, len(o.posts(t)))
	}
}

// Another machine, or a process that could not wait for the lock, has refreshed.
func TestAT83_InvalidGrantReadsAgain(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.login(t)
	o.clock.Advance(time.Hour)
	elsewhere := *o.session(t)
	tokens, err := grant.Refresh{RefreshToken: elsewhere.Refresh.Value}.Token(t.Context(), o.client, nil)
	if err != nil {
		t.Fatal(err)
	}
	o.server.Fail("/token", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		elsewhere.Revision++
		elsewhere.Refresh.Value = tokens.RefreshToken
		if err := o.manager.Store.Save(t.Context(), &elsewhere); err != nil {
			t.Error(err)
		}
		refusal(400, `{"error":"invalid_grant","error_description":"The refresh token is invalid or expired."}`)(w, r, next)
	})
	o.mustRenew(t)
	if s := o.session(t); !o.server.RefreshAlive(s.Refresh.Value.Reveal()) {
		t.Error("the stored refresh token is dead")
	}
	o.posts(t)
}

func TestAT84_WhatCannotBeStoredIsHandedOut(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.login(t)
	o.clock.Advance(time.Hour)
	full := &store.Error{Kind: store.Failed, Op: "write", Err: errors.New("no space left on device")}
	o.items.onSet = func(string) error { return full }
	token, err := o.renew(t)
	if unkept, ok := errors.AsType[*session.SaveError](err); !ok || !errors.Is(unkept, full) || token.Value.IsZero() {
		t.Fatalf("got error %v, token there: %v", err, !token.Value.IsZero())
	}
	o.items.onSet = nil
	_, err = o.renew(t)
	o.wantRequired(t, err, "no longer accepts")
	_, err = o.renew(t)
	o.wantRequired(t, err, "expired")
	if forms := o.forms(); len(forms) != 2 || o.server.Reuses() != 1 {
		t.Errorf("%d requests and %d reuses, want the stored token presented once more", len(forms), o.server.Reuses())
	}
	o.login(t)
	o.clock.Advance(time.Hour)
	o.mustRenew(t)
}

// A session that becomes unreadable while its client is made is deleted, and the logout says what it could not revoke.
func TestLogoutOfASessionThatBecomesUnreadable(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	o.login(t)
	account := o.want.Identity.Account()
	f, found := o.manager.Logout(t.Context(), account, func(ctx context.Context, _ store.Identity) (*okta.Client, error) {
		return o.client, o.items.Set(ctx, account, []byte("{}"))
	})
	if !found || f.DeleteErr != nil || !store.IsKind(f.RevokeErr, store.Corrupt) || len(o.items.Accounts()) != 0 {
		t.Errorf("got %+v, %t, and %q is left", f, found, o.items.Accounts())
	}
}

func TestAT85_LogoutWins(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.locks.Wait = 50 * time.Millisecond // what a logout waits before it goes on without the lock
	o.login(t)
	o.clock.Advance(time.Hour)
	arrived, release := make(chan struct{}), make(chan struct{})
	o.server.Fail("/token", oktatest.HoldAnswer(arrived, release))
	late := make(chan error, 1)
	go func() {
		_, err := o.renew(t)
		late <- err
	}()
	<-arrived
	f, found := o.logout(t)
	if !found || f.DeleteErr != nil || f.RevokeErr != nil {
		t.Fatalf("%+v", f)
	}
	close(release)
	o.wantRequired(t, <-late, "signed out")
	if accounts := o.items.Accounts(); len(accounts) != 0 {
		t.Errorf("the session is back: %q", accounts)
	}
	revoked := 0
	for _, r := range o.server.Requests() {
		if strings.HasSuffix(r.Path, "/revoke") {
			revoked++
			if o.server.RefreshAlive(r.Form.Get("token")) {
				t.Error("a refresh token is still good at the server")
			}
		}
	}
	if revoked != 2 {
		t.Errorf("%d revocations, want one of the old refresh token and one of what the late refresh brought", revoked)
	}
}

// AT-85: a sign-out and a sign-in that did not wait for the lock win over a late refresh, although revisions count from
// 1 again.
func TestAT85_LateRefreshAfterANewSignIn(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.login(t)
	o.clock.Advance(time.Hour)
	arrived, release := make(chan struct{}), make(chan struct{})
	o.server.Fail("/token", oktatest.HoldAnswer(arrived, release))
	late := make(chan error, 1)
	go func() { _, err := o.renew(t); late <- err }()
	<-arrived
	locks := o.manager.Store.Locks
	o.manager.Store.Locks = nil // as on another machine
	o.logout(t)
	o.login(t)
	o.manager.Store.Locks = locks
	want := o.session(t)
	close(release)
	if err := <-late; err != nil {
		t.Error(err)
	}
	if got := o.session(t); got.Revision != want.Revision || !got.Refresh.Value.Equal(want.Refresh.Value) {
		t.Errorf("the late refresh replaced the new session: revision %d after %d", got.Revision, want.Revision)
	}
}
