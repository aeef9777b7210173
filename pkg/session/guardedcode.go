package session

import (
	"context"
	"errors"

	"okauth/pkg/okta"
)

// GuardedCode gives a grant one-time codes that no person types, as far as the [LockoutGuard] lets them be sent: a loop
// with an old code, or with the wrong source of codes, could lock the account as one with a wrong password does. It
// serves one sign-in.
type GuardedCode struct {
	Next func(context.Context) (okta.Secret, error) // reads a code

	watch func(okta.Secret) *watchedPassword
	sent  *watchedPassword // the last code that was read; nil: none
}

// guard begins the sign-in of a user at an issuer. A nil c has no codes.
func (c *GuardedCode) guard(g LockoutGuard, issuer, username string) {
	if c != nil {
		c.watch = func(code okta.Secret) *watchedPassword { return g.watch("one-time code", issuer, username, code) }
	}
}

// Read returns the next code, which the caller sends at once. No other process of the user sends one until the sign-in
// has ended. The error is Next's, a *PasswordBlockedError or a *store.Error; then the caller sends nothing.
func (c *GuardedCode) Read(ctx context.Context) (okta.Secret, error) {
	code, err := c.Next(ctx)
	if err != nil {
		return okta.Secret{}, err
	}
	watched := c.watch(code)
	err = errNewSalt
	for errors.Is(err, errNewSalt) {
		if err = watched.check(ctx, true); err == nil {
			err = watched.lock(ctx, func() bool { return false })
		}
		if err != nil {
			watched.unlock(ctx, false, nil)
		}
	}
	if err != nil {
		return okta.Secret{}, err
	}
	c.sent = watched
	return code, nil
}

// settle records what Okta answered to the code that was read: accepted, or err.
func (c *GuardedCode) settle(ctx context.Context, accepted bool, err error) {
	if c == nil || c.sent == nil {
		return
	}
	c.sent.unlock(ctx, accepted, err)
	c.sent = nil
}
