package cmd_test

import (
	"errors"
	"strings"
	"testing"

	"okauth/pkg/store"
)

// Where a password is at hand and no user name, the hint asks for the name alone; where there is a name, for the
// password alone.
func TestHintNamesOnlyWhatIsMissing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare    func(u *user)
		has, lacks string
		flags      []string
	}{
		"no name": {prepare: func(u *user) { delete(u.vars, "OKAUTH_USERNAME") },
			has: "OKAUTH_USERNAME", lacks: "OKAUTH_PASSWORD"},
		"no name, password file": {prepare: func(u *user) {
			delete(u.vars, "OKAUTH_USERNAME")
			delete(u.vars, "OKAUTH_PASSWORD")
			u.vars["OKAUTH_PASSWORD_FILE"] = "/nowhere"
		}, has: "OKAUTH_USERNAME", lacks: "OKAUTH_PASSWORD"},
		"no name, standard input": {prepare: func(u *user) {
			delete(u.vars, "OKAUTH_USERNAME")
			delete(u.vars, "OKAUTH_PASSWORD")
			u.stdin = "wrong-horse\n"
		}, has: "OKAUTH_USERNAME", lacks: "OKAUTH_PASSWORD", flags: []string{"--password-stdin"}},
		"no password": {prepare: func(u *user) { delete(u.vars, "OKAUTH_PASSWORD") },
			has: "OKAUTH_PASSWORD", lacks: "OKAUTH_USERNAME"},
	} {
		for _, storage := range []string{"auto", "none", "auto, no keychain"} {
			for _, command := range []string{"token", "login"} {
				u := newUser(t)
				test.prepare(u)
				u.vars["OKAUTH_STORAGE"], _, _ = strings.Cut(storage, ",")
				if storage == "auto, no keychain" {
					u.noKeychain = store.NewError(store.Unavailable, "open", errors.New("there is none"))
				}
				if command == "login" && storage != "auto" || name == "no password" && storage == "auto" {
					continue // the hint is about the storage, or to sign in
				}
				code, _, stderr := u.okauth(t.Context(), append([]string{command}, test.flags...)...)
				_, hint, _ := strings.Cut(stderr, "hint: ")
				if code != 4 || !strings.Contains(hint, test.has) || strings.Contains(hint, test.lacks) {
					t.Errorf("%s, storage %s, %s: got exit code %d, %s", name, storage, command, code, stderr)
				}
			}
		}
	}
}
