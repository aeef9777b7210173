package cmd_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"okauth/cmd"
	"okauth/pkg/oktatest"
	"okauth/pkg/store/fakesecretservice"
)

// commandPaths returns the commands that can run, without "okauth" in front.
func commandPaths() (all []string) {
	for c := range everyCommand(cmd.Commands()) {
		if c.Runnable() && !c.HasSubCommands() {
			all = append(all, strings.TrimPrefix(c.CommandPath(), "okauth "))
		}
	}
	return all
}

// What people read breaks between words at the width of their terminal, whether a command succeeds or fails. What
// programs read (tokens, scripts, JSON) stays as it is, and texts of help have 80 columns.
func TestScreensFitTheTerminal(t *testing.T) {
	t.Parallel()
	forPrograms := []string{
		"completion bash", "completion zsh", "completion fish", "completion powershell", "help", "token", "exec", "demo",
		"sandbox", "config path", "config get", "version",
	}
	arguments := map[string]string{
		"config set": "scopes openid", "config unset": "audience", "config use": "dev", "config init": "--no-input",
	}
	for name, prepare := range map[string]func(*desk){
		"nothing is set": func(*desk) {},
		"signed in": func(d *desk) {
			d.setUp()
			d.signIn()
			d.okauth("token", "--scope", "openid profile email")
		},
		"the password is wrong": func(d *desk) {
			d.setUp()
			d.vars["OKAUTH_PASSWORD"] = "wrong-horse"
		},
		"no keychain": func(d *desk) {
			d.setUp()
			d.vars["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/no/such/bus"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, columns := range []uint16{40, 80, 120} {
				d := newDesk(t, fakesecretservice.Behavior{})
				prepare(d)
				commands := append([]string{"", "token --no-input --refresh --env X"}, commandPaths()...)
				slices.Reverse(commands) // sign out near the end
				for _, command := range commands {
					if slices.Contains(forPrograms, command) {
						continue
					}
					_, shown := d.run(columns, nil, strings.Fields(command+" "+arguments[command])...)
					checkColumns(t, "okauth "+command, shown, int(columns))
				}
			}
		})
	}
}

// checkColumns wants no line of text wider than the terminal, unless its last word, a path or an address, is too long
// to stand beside a name.
func checkColumns(t *testing.T, command, shown string, columns int) {
	t.Helper()
	if strings.Contains(shown, oktatest.DefaultClientSecret) {
		t.Errorf("%s shows the client secret", command)
	}
	if bad := regexp.MustCompile(`\[".*"\]`).FindString(shown) + longDuration.FindString(shown); bad != "" {
		t.Errorf("%s shows %q", command, bad)
	}
	for line := range strings.Lines(regexp.MustCompile(`\x1b\[[0-9;]*[mK]|\r`).ReplaceAllString(shown, "")) {
		line = strings.TrimRight(line, "\n")
		last := line[strings.LastIndexByte(line, ' ')+1:]
		if utf8.RuneCountInString(line) > columns && len(last) < columns-22 {
			t.Errorf("%s: wider than %d columns: %q", command, columns, line)
		}
	}
}
