package session

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"

	"okauth/pkg/okta"
)

// Check returns the error of sending a password now.
func (g LockoutGuard) Check(issuer, username string, password okta.Secret) error {
	return g.watch("password", issuer, username, password).check(context.Background(), true)
}

// WithFastHash returns a guard whose records are worth nothing against an attacker, and quick to test. It calls
// deriving, if that is not nil, before each hash.
func (g LockoutGuard) WithFastHash(deriving func()) LockoutGuard {
	g.derive = func(password string, salt []byte) ([]byte, error) {
		if deriving != nil {
			deriving()
		}
		return pbkdf2.Key(sha256.New, password, salt, 1000, sha256.Size)
	}
	return g
}
