package okauth_test

import (
	"sync"
	"testing"
	"time"

	"okauth/pkg/okauth"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
)

// Of many programs that keep a token of one session fresh, one refreshes it, whether they ask at once or one after the
// other; and no one gets the token that it has.
func TestNextIsOneRefresh(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.options.MinTTL = 2 * time.Hour // longer than any token lives
	first, err := o.open(t, o.options).Get(t.Context(), session.Access)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		o.clock.Advance(25 * time.Minute)
		o.ResetRequests()
		next := func(client *okauth.Client) session.CachedToken {
			token, err := client.Next(t.Context(), session.Access, first.Value)
			if err != nil || !token.ExpiresAt.After(first.ExpiresAt) || len(token.Notes) > 0 {
				t.Errorf("got a token until %v, %q, %v; want one after %v", token.ExpiresAt, token.Notes, err, first.ExpiresAt)
			}
			return token
		}
		var all sync.WaitGroup
		for range 8 {
			client := o.open(t, o.withoutPassword())
			all.Go(func() { next(client) })
		}
		all.Wait()
		o.clock.Advance(time.Minute)
		first = next(o.open(t, o.withoutPassword()))
		if n := o.count("/token", oktatest.GrantRefreshToken); n != 1 || len(o.Requests()) != 1 {
			t.Errorf("%d of %d requests were a refresh, want one", n, len(o.Requests()))
		}
	}
	// After a sleep, the token has ended.
	o.clock.Advance(10 * time.Hour)
	if token, err := o.open(t, o.withoutPassword()).Next(t.Context(), session.Access, first.Value); err != nil ||
		token.ExpiresAt.Sub(o.clock.Now()) < 59*time.Minute {
		t.Errorf("got a token until %v, %v", token.ExpiresAt, err)
	}
}
