package cmd_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/store"
	"okauth/pkg/store/memory"
)

// TestStatusSaysWhatTokenDoes: for each grant, storage, source of a secret and state of the session, the next call of
// token does what status has just said.
func TestStatusSaysWhatTokenDoes(t *testing.T) {
	t.Parallel()
	for _, g := range grant.All() {
		for _, storage := range storages(t) {
			t.Run(g.Name+"/"+storage, func(t *testing.T) {
				t.Parallel()
				n := &nextCall{newUser(t, oktatest.Options{Keys: sharedKeys(), Limits: &oktatest.Limits{}}), g, storage}
				passwords := slices.Collect(maps.Keys(secretStates(config.KeyPassword, "")))
				if g.Secret == "" {
					passwords = []string{"unset"}
				}
				secrets := append(slices.Collect(maps.Keys(secretStates(config.KeyClientSecret, ""))), "in the keychain")
				for _, password := range passwords {
					for _, secret := range secrets {
						for _, state := range n.states(password, secret) {
							t.Run(strings.Join([]string{password, secret, state}, "/"), func(t *testing.T) {
								n.check(t, password, secret, state)
							})
						}
					}
				}
			})
		}
	}
}

// storages returns the values of the setting, also on a machine without a keychain, and with one that is locked.
func storages(t *testing.T) []string {
	for _, key := range config.Keys() {
		if key.Name == config.KeyStorage {
			return append(key.Choices, "auto without a keychain", "keychain without a keychain",
				"auto with a locked keychain", "keychain with a locked keychain")
		}
	}
	t.Fatal("there is no setting storage")
	return nil
}

// secretStates returns the variables for each way in which a secret may be there or not.
func secretStates(key, value string) map[string]map[string]string {
	name := "OKAUTH_" + strings.ToUpper(key)
	return map[string]map[string]string{
		"unset": {}, "value": {name: value}, "empty": {name: ""}, "short": {name: value[:min(len(value), 8)]},
		"missing file": {name + "_FILE": "/nowhere/secret"}, "command": {name + "_COMMAND": "echo " + value},
	}
}

// nextCall is a user with a grant and a storage.
type nextCall struct {
	*user
	grant   grant.Type
	storage string
}

// check puts the user into a state, and compares what status says with what token does.
func (n *nextCall) check(t *testing.T, password, secret, state string) {
	dir := t.TempDir()
	n.keychain, n.config, n.ahead, n.noKeychain = new(memory.Store), filepath.Join(dir, "config.yaml"), 0, nil
	base := map[string]string{
		"OKAUTH_DOMAIN": n.server.URL(), "OKAUTH_GRANT": n.grant.Name, "OKAUTH_CONFIG": n.config,
		"OKAUTH_STORAGE": strings.Fields(n.storage)[0], "OKAUTH_STORAGE_DIR": dir + "/state",
	}
	base["OKAUTH_CLIENT_ID"], base["OKAUTH_SCOPES"] = "0oaServiceClient0001", "api:read"
	if n.grant.User {
		base["OKAUTH_CLIENT_ID"], base["OKAUTH_SCOPES"] = oktatest.DefaultClientID, "openid offline_access"
		base["OKAUTH_USERNAME"] = oktatest.DefaultUser
	}
	text := oktatest.DefaultPassword
	if state == "password refused" {
		text = "wrong-horse"
	}
	with := func(states ...map[string]string) {
		n.vars = make(map[string]string)
		for _, vars := range append(states, base) {
			for name, value := range vars {
				n.vars[name] = value
			}
		}
	}
	// What happened before, when all was there.
	passwords := secretStates(config.KeyPassword, text)
	secrets := secretStates(config.KeyClientSecret, oktatest.DefaultClientSecret)
	with(passwords["value"], secrets["value"])
	if state != "not signed in" {
		n.okauth(t.Context(), "token")
	}
	if state == "expired" {
		n.ahead = 2 * time.Hour
	}
	switch {
	case strings.HasSuffix(n.storage, "without a keychain"):
		n.noKeychain = store.NewError(store.Unavailable, "open the keychain", errors.New("there is none"))
	case strings.HasSuffix(n.storage, "locked keychain"):
		n.noKeychain = store.NewError(store.Locked, "open the keychain", errors.New("it is locked"))
	}

	with(passwords[password], secrets[secret])
	if secret == "in the keychain" {
		kept := store.ClientSecrets{Items: n.keychain}
		account := store.ClientSecretAccount(config.DefaultProfile, n.server.URL(), n.vars["OKAUTH_CLIENT_ID"])
		if err := kept.Save(t.Context(), account, okta.NewSecret(oktatest.DefaultClientSecret)); err != nil {
			t.Fatal(err)
		}
	}
	n.server.ResetRequests()
	files, items := listFiles(t, dir), n.keychain.Accounts()
	code, stdout, stderr := n.okauth(t.Context(), "status", "-o", "json")
	var said struct{ Next, Reason string }
	if err := json.Unmarshal([]byte(stdout), &said); err != nil {
		if again, _, _ := n.okauth(t.Context(), "token"); again != code || code == 0 {
			t.Fatalf("status fails with %d (%s), token with %d", code, stderr, again)
		}
		return
	}
	if len(n.server.Requests()) > 0 || listFiles(t, dir) != files || len(n.keychain.Accounts()) != len(items) {
		t.Errorf("status made %d requests, or left something: %s", len(n.server.Requests()), listFiles(t, dir))
	}
	tokenCode, _, tokenErr := n.okauth(t.Context(), "token")
	var sent []string
	for _, r := range n.server.Requests() {
		sent = append(sent, r.Form.Get("grant_type"))
	}
	did := map[string]bool{
		"cached":  tokenCode == 0 && len(sent) == 0,
		"refresh": len(sent) > 0 && sent[0] == "refresh_token",
		"sign_in": len(sent) > 0 && sent[0] == n.grant.GrantType,
		"ask":     tokenCode == 4 && len(sent) == 0,
		"fail":    tokenCode != 0 && tokenCode != 4 && len(sent) == 0,
	}
	if password == "command" && state == "password refused" {
		did["sign_in"] = tokenCode == 5 && len(sent) == 0 // status runs no command that prints a password
	}
	ready := said.Next == "cached" || said.Next == "refresh" || said.Next == "sign_in"
	if !did[said.Next] || (code == 0) != ready || code != 0 && code != 4 {
		t.Errorf("status says %q (%s) with exit code %d; token sent %q, exit code %d: %s",
			said.Next, said.Reason, code, sent, tokenCode, tokenErr)
	}
}

// states returns what may have happened before. A refused password costs slow hashes, so it is not combined with what
// makes no difference to it.
func (n *nextCall) states(password, secret string) []string {
	states := []string{"not signed in"}
	if n.storage != okauth.StorageNone && !strings.Contains(n.storage, " ") { // a session can be there
		states = append(states, "signed in", "expired")
	}
	if (password == "value" || password == "command") && secret == "value" {
		states = append(states, "password refused")
	}
	return states
}

func listFiles(t *testing.T, dir string) string {
	var all []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		all = append(all, path)
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

// A missing key is one problem, so status says what it is and what to do once, with however many sealed sessions.
func TestStatusSaysOnceThatTheKeyIsMissing(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.vars["OKAUTH_STORAGE"], u.vars["OKAUTH_STORAGE_DIR"] = "file", filepath.Join(filepath.Dir(u.config), "state")
	for _, profile := range []string{"default", "dev"} {
		if code, _, stderr := u.okauth(t.Context(), "-p", profile, "login"); code != 0 {
			t.Fatal(stderr)
		}
	}
	delete(u.vars, "OKAUTH_CLIENT_SECRET")
	for _, profile := range []string{"default", "other"} { // with a session, and without one
		code, stdout, _ := u.okauth(t.Context(), "-p", profile, "status")
		text := strings.Join(strings.Fields(stdout), " ")
		for _, once := range []string{"there is no storage key", "set OKAUTH_STORAGE_KEY to"} {
			if strings.Count(text, once) != 1 || code != 4 {
				t.Errorf("profile %s: got exit code %d, want %q once: %s", profile, code, once, stdout)
			}
		}
	}
}
