package okauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// PasswordBlockedError says that Okta refused this password within the last hour and that it was not sent again: each
// further try counts for the lock-out of the account. Login sends it.
type PasswordBlockedError struct {
	Username  string
	RefusedAt time.Time
}

func (e *PasswordBlockedError) Error() string {
	return fmt.Sprintf("Okta refused this password of %s at %s, and it was not sent again: each further try counts for the lock-out",
		okta.Sanitize(e.Username, 200), e.RefusedAt.Local().Format("15:04:05"))
}

// guardedGrant sends a password that no person has typed, unless Okta refused it within the last hour. Ten wrong
// passwords lock the account, and a script is quick.
type guardedGrant struct {
	grant.Grant
	params  grant.Params
	guard   *store.LockoutGuard // nil: there is nowhere to remember a refusal
	account string
	insist  bool // send it even so
	warn    func(string)
}

// Token implements [grant.Grant].
func (g *guardedGrant) Token(ctx context.Context, c *okta.Client, i grant.Interaction) (*okta.TokenResponse, error) {
	if !g.insist && g.guard != nil {
		at, refused, err := g.guard.Refused(g.account, g.params.Secret)
		if err != nil {
			return nil, err
		}
		if refused {
			return nil, &PasswordBlockedError{Username: g.params.Username, RefusedAt: at}
		}
	}
	tokens, err := g.Grant.Token(ctx, c, i)
	if e, ok := errors.AsType[*okta.Error](err); ok && e.IsRejection() && e.Code == "invalid_grant" {
		if g.guard == nil || g.guard.Remember(g.account, g.params.Secret) != nil {
			g.warn("there is no place to remember that Okta refused this password, so a loop would send it again: " +
				"ten wrong ones lock the account")
		}
	}
	if err == nil && g.guard != nil {
		_ = g.guard.Forget(g.account)
	}
	return tokens, err
}

// passwordBlocked reports whether the password of the settings would not be sent. One that a command prints is not
// looked at: the command may ask a person.
func (c *Client) passwordBlocked(ctx context.Context, account string) bool {
	ref := c.settings.Secret(c.grant.Secret)
	if !c.grant.LimitsFailures || ref.IsZero() || ref.Command() {
		return false
	}
	dir, err := c.lockDir()
	if err != nil {
		return false
	}
	password, err := readSecret(ctx, ref)
	if err != nil {
		return false
	}
	_, refused, err := store.LockoutGuard{Dir: dir, Now: c.o.Now}.Refused(account, password)
	return err == nil && refused
}
