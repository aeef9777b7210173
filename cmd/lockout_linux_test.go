package cmd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"okauth/pkg/config"
)

// Of many processes at once, whatever their profile and wherever they keep sessions, each wrong password is sent once,
// and later ones send none. The storages are those of the table of settings.
func TestLockoutGuardOfManyProcesses(t *testing.T) {
	t.Parallel()
	for storage, vars := range everyStorage(t) {
		t.Run(storage, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, storage, rotating())
			file := filepath.Join(m.home, "config.yaml")
			if err := os.WriteFile(file, []byte("profiles: {p0: {}, p1: {}, p2: {}, p3: {}, p4: {}}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			const n = 8
			all := make([]*process, n+2)
			for i := range all {
				if i == n { // the last two come when all is over
					for _, p := range all[:n] {
						p.fails(5)
					}
				}
				all[i] = m.start("token", append(vars, "OKAUTH_CONFIG="+file, fmt.Sprintf("OKAUTH_PROFILE=p%d", i%5),
					fmt.Sprintf("OKAUTH_PASSWORD=wrong-horse-%d", i%2))...)
			}
			all[n].fails(5, "not sent: Okta refused")
			all[n+1].fails(5, "not sent: Okta refused")
			if sent := m.posts(); sent != 2 {
				t.Errorf("%d passwords were sent, want 2", sent)
			}
		})
	}
}

// everyStorage returns the variables that choose each storage, and auto without a keychain.
func everyStorage(t *testing.T) map[string][]string {
	const nowhere = "auto, no keychain"
	all := map[string][]string{nowhere: {"OKAUTH_STORAGE=auto", "DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere"}}
	for _, key := range config.Keys() {
		if key.Name == config.KeyStorage {
			for _, choice := range key.Choices {
				all[choice] = []string{"OKAUTH_STORAGE=" + choice}
			}
		}
	}
	if len(all) < 5 {
		t.Fatalf("got the storages %v", all)
	}
	return all
}
