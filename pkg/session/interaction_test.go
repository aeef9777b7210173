package session_test

import (
	"context"
	"testing"
	"time"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
)

// asker answers a grant's questions, and looks whether the session is locked meanwhile.
type asker struct {
	grant.Interaction
	o *org
	t *testing.T
}

func (a asker) AskUsername(context.Context) (string, error) { return oktatest.DefaultUser, nil }

func (a asker) AskPassword(ctx context.Context, username string) (okta.Secret, error) {
	lock, err := a.o.manager.Store.Locks.Acquire(ctx, a.o.want.Identity.Account())
	if err != nil {
		a.t.Errorf("the session is locked while %s is asked: %v", username, err)
	}
	lock.Release()
	return okta.NewSecret(oktatest.DefaultPassword), nil
}

func TestInteraction(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	o.locks.Wait = time.Second
	c := session.Credentials{Grant: grant.Password{Scopes: o.want.Scopes}}
	options := o.options()
	options.Credentials = func(context.Context, *session.LoginRequiredError) (session.Credentials, error) { return c, nil }
	if _, err := o.manager.Renew(t.Context(), o.want, options); !is[*session.LoginRequiredError](err) {
		t.Fatalf("with no one to ask: got %v", err)
	}
	c.Interaction = asker{o: o, t: t}
	o.want.Username = ""
	if _, err := o.manager.Renew(t.Context(), o.want, options); err != nil {
		t.Fatal(err)
	}
	if s := o.session(t); s.Username != oktatest.DefaultUser || len(o.forms()) != 1 {
		t.Errorf("signed in as %q after %d posts", s.Username, len(o.forms()))
	}
	if _, err := o.manager.Login(t.Context(), o.client, c, o.want); err != nil || o.session(t).Revision != 2 {
		t.Errorf("login: got %v, revision %d", err, o.session(t).Revision)
	}
}
