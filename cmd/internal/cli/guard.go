package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/store"
)

// The lock-out guard: ten wrong passwords lock the account, and a script is
// quick. A password that nobody has typed and that Okta has refused is not sent
// again for an hour, unless a person insists.

// signIn is a password grant, and what must be known of the password.
type signIn struct {
	grant.Password
	typed    bool                // by a person, just now
	refusals *store.LockoutGuard // nil: there is nowhere to remember them
	name     string              // of the identity, in refusals
	insist   bool                // send it although Okta has refused it before
	now      func() time.Time
	warn     func(string)
}

// Token signs in, unless the password is one that nobody has typed and Okta
// has refused within the last hour.
func (s *signIn) Token(ctx context.Context, c *okta.Client, i grant.Interaction) (*okta.TokenResponse, error) {
	if s.typed {
		return s.Password.Token(ctx, c, i)
	}
	if !s.insist && s.refusals != nil {
		since, refused, err := s.refusals.Refused(s.name, s.Password.Password)
		if err != nil {
			return nil, err
		}
		if refused {
			return nil, &ExitError{
				Err: fmt.Errorf("this password of %s was refused %s ago, and each further try counts for the lock-out: it was not sent again",
					okta.Sanitize(s.Username, 200), output.Span(s.now().Sub(since))),
				Code:   exitRefused,
				Advice: "check the password; okauth login sends it again, and an hour from the refusal okauth token does",
			}
		}
	}
	tokens, err := s.Password.Token(ctx, c, i)
	if e, ok := errors.AsType[*okta.Error](err); ok && e.IsRejection() && e.Code == "invalid_grant" {
		if s.refusals == nil || s.refusals.Remember(s.name, s.Password.Password) != nil {
			s.warn("there is no place to remember that Okta refused this password, so a loop would send it again: ten wrong ones lock the account")
		}
	}
	if err == nil && s.refusals != nil {
		_ = s.refusals.Forget(s.name)
	}
	return tokens, err
}
