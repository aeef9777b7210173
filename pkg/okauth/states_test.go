package okauth_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"okauth/pkg/oktatest"
	"okauth/pkg/session"
)

// A refresh that fails and may work later asks no person: who waits a moment has the session back. One that Okta
// refused does ask, and a program with a password signs in either way.
func TestAT83_WhenAPersonIsAsked(t *testing.T) {
	t.Parallel()
	json := http.Header{"Content-Type": {"application/json"}}
	for name, test := range map[string]struct {
		fault oktatest.Fault
		asked int
	}{
		"Okta is down":  {oktatest.HTML(503), 0},
		"garbled":       {oktatest.Truncated(), 0},
		"not permitted": {oktatest.Respond(400, json, `{"error":"unauthorized_client","error_description":"no"}`), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			who := &person{password: oktatest.DefaultPassword}
			attended := o.withoutPassword()
			attended.Interaction = who
			client := o.open(t, attended)
			if _, err := client.Login(t.Context()); err != nil {
				t.Fatal(err)
			}
			o.clock.Advance(2 * time.Hour)
			who.asked = 0
			o.FailAlways("/token", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if r.FormValue("grant_type") == "refresh_token" {
					test.fault(w, r, next)
					return
				}
				next.ServeHTTP(w, r)
			})
			_, err := client.Get(t.Context(), session.Access)
			if _, required := errors.AsType[*session.LoginRequiredError](err); who.asked != test.asked ||
				required || (err == nil) != (test.asked > 0) {
				t.Errorf("a person: got %v after %d questions, want %d", err, who.asked, test.asked)
			}
			o.clock.Advance(2 * time.Hour)
			if token, err := o.open(t, o.options).Get(t.Context(), session.Access); err != nil || len(token.Notes) != 1 {
				t.Errorf("a program: got %v, notes %q", err, token.Notes)
			}
		})
	}
}
