package output_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"okauth/pkg/okta"
	"okauth/pkg/output"
)

func TestAT70_EveryShellHasItsQuotes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ shell, variable, kind, want string }{
		{"", "OKTA_ACCESS_TOKEN", "access", "export OKTA_ACCESS_TOKEN='canary.a_~+/=='\n"},
		{"sh", "OKTA_ID_TOKEN", "id", "export OKTA_ID_TOKEN='canary.a_~+/=='\n"},
		{"sh", "_t0K", "access", "export _t0K='canary.a_~+/=='\n"},
		{"fish", "OKTA_ACCESS_TOKEN", "access", "set -gx OKTA_ACCESS_TOKEN 'canary.a_~+/=='\n"},
		{"powershell", "OKTA_REFRESH_TOKEN", "refresh", "$env:OKTA_REFRESH_TOKEN = 'canary.a_~+/=='\n"},
		{"bash", "OKTA_ACCESS_TOKEN", "access", "export OKTA_ACCESS_TOKEN='canary.a_~+/=='\n"},
		{"zsh", "OKTA_ACCESS_TOKEN", "access", "export OKTA_ACCESS_TOKEN='canary.a_~+/=='\n"},
		{"dotenv", "OKTA_ACCESS_TOKEN", "access", "OKTA_ACCESS_TOKEN=canary.a_~+/==\n"},
		{"cmd", "OKTA_ACCESS_TOKEN", "access", "set \"OKTA_ACCESS_TOKEN=canary.a_~+/==\"\r\n"},
	} {
		var b bytes.Buffer
		o := output.TokenOptions{Format: "env", Shell: test.shell, Variable: test.variable}
		err := o.Write(&b, output.Token{Value: okta.NewSecret("canary.a_~+/=="), Type: test.kind})
		if err != nil || b.String() != test.want {
			t.Errorf("%s: got %q, %v, want %q", test.shell, b.String(), err, test.want)
		}
	}
	if got := output.Shells(); !slices.Equal(got, []string{"sh", "bash", "zsh", "fish", "powershell", "cmd", "dotenv"}) {
		t.Errorf("shells: got %q", got)
	}
}

func TestAT70_HostileNamesAndShells(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"A;id", "A B", "A=B", "A\nid", "A\r", "\nA", "$(id)", "`id`", "A'", `A"`, "A\\", "A-B", "A.B", "A%0a", "%A%", "A!", "A&id", "A|id", "A>b",
		"1A", "=", " ", "-n", "é", "Ａ", "A\x00", "A\xff", "A\u202e", "A[0]", "A+", "x:y", "env:A", "\x1b[2J",
	} {
		err := output.CheckVariable(name)
		if err == nil || !strings.Contains(err.Error(), "expected letters") || strings.ContainsAny(err.Error(), "\n\r\x1b\x00\u202e") {
			t.Errorf("name %q: got %v", name, err)
		}
		for _, shell := range output.Shells() {
			refuses(t, output.TokenOptions{Format: "env", Shell: shell, Variable: name}, "write access token as env: variable name ")
		}
	}
	if err := output.CheckVariable(""); err == nil {
		t.Error("an empty name is valid")
	}
	for _, name := range []string{"A", "_", "a9_Z", "OKTA_ACCESS_TOKEN"} {
		if err := output.CheckVariable(name); err != nil {
			t.Error(err)
		}
	}
	refuses(t, output.TokenOptions{Format: "env", Shell: "csh\x1b", Variable: "A"}, `write access token as env: unknown shell "csh�", expected one of sh, bash, zsh, fish, powershell, cmd, dotenv`)
}

// refuses requires an error that begins with want, and no output.
func refuses(t *testing.T, o output.TokenOptions, want string) {
	t.Helper()
	var b bytes.Buffer
	if err := o.Write(&b, token()); err == nil || !strings.HasPrefix(err.Error(), want) || b.Len() > 0 {
		t.Errorf("%+v: got %v and %q, want %s… and no output", o, err, b.String(), want)
	}
}

// TestEnv_CmdReadsShortLines holds the line that cmd gets to 8191 characters, without the line break; no other shell
// has a limit.
func TestEnv_CmdReadsShortLines(t *testing.T) {
	t.Parallel()
	longest := 8191 - len(`set "A="`)
	for length, fits := range map[int]bool{longest: true, longest + 1: false, 64 << 10: false} {
		for _, shell := range output.Shells() {
			var b bytes.Buffer
			err := output.TokenOptions{Format: "env", Shell: shell, Variable: "A"}.Write(&b, output.Token{Value: okta.NewSecret(strings.Repeat("c", length))})
			if want := fits || shell != "cmd"; (err == nil) != want || (b.Len() > length) != want {
				t.Errorf("%s, %d characters: got %v and %d bytes", shell, length, err, b.Len())
			}
		}
	}
}

// TestAT70_ReadByShell has every shell that is installed read assignments of random names and values, and hand them to
// a process.
func TestAT70_ReadByShell(t *testing.T) {
	t.Parallel()
	const eval = `eval "$(cat)"; exec env`
	for name, test := range map[string]struct{ program, shell, script string }{
		"sh": {"sh", "sh", eval}, "bash": {"bash", "bash", eval}, "dash": {"dash", "sh", eval}, "zsh": {"zsh", "zsh", eval},
		"fish": {"fish", "fish", "source; exec env"},
		// What reads files of variables: "env -S", and by the rules of others a line of awk.
		"dotenv, env -S":  {"sh", "dotenv", `exec env -S "$(cat | grep -v ^OKTA_ACCESS_TOKEN=) env"`},
		"dotenv, docker":  {"sh", "dotenv", verbatimReader},
		"dotenv, systemd": {"sh", "dotenv", systemdReader},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var text strings.Builder
			want := randomVariables()
			if name == "dotenv, env -S" {
				delete(want, "OKTA_ACCESS_TOKEN") // too long for an argument beside the others
			}
			for name, value := range want {
				o := output.TokenOptions{Format: "env", Shell: test.shell, Variable: name}
				if err := o.Write(&text, output.Token{Value: okta.NewSecret(value)}); err != nil {
					t.Fatal(err)
				}
			}
			c := exec.CommandContext(t.Context(), installed(t, test.program), "-c", test.script)
			c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
			c.Stdin = strings.NewReader(text.String())
			var stderr strings.Builder
			c.Stderr = &stderr
			stdout, err := c.Output()
			if err != nil || stderr.Len() > 0 {
				t.Fatalf("%v: %s", err, stderr.String())
			}
			for line := range strings.Lines(string(stdout)) {
				name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
				if want[name] == value {
					delete(want, name)
				}
			}
			for name, value := range want {
				t.Errorf("%s is not %.100q", name, value)
			}
		})
	}
}

const (
	// docker run --env-file takes a line up to the first "=" for the name, and the rest as it is:
	// https://github.com/docker/cli/blob/master/opts/file.go
	verbatimReader = `exec awk '{ at = index($0, "="); print substr($0, 1, at - 1) "=" substr($0, at + 1) }'`
	// systemd takes a value without white space, quotes, backslashes, and "#" or ";" at the beginning of a line, as it is:
	// https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#EnvironmentFile=
	systemdReader = `exec awk '/^[#;]|[\\"'"'"'[:space:]]/ { exit 1 } { print }'`
)

// TestDotenvReadByNode has Node.js, where it is installed, read a file of variables.
func TestDotenvReadByNode(t *testing.T) {
	t.Parallel()
	node, file := installed(t, "node"), filepath.Join(t.TempDir(), "token.env")
	var b bytes.Buffer
	const value = "canary.a_~+/=="
	err := output.TokenOptions{Format: "env", Shell: "dotenv", Variable: "A"}.Write(&b, output.Token{Value: okta.NewSecret(value)})
	if err := cmp.Or(err, os.WriteFile(file, b.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	got, err := exec.CommandContext(t.Context(), node, "--env-file="+file, "-p", "process.env.A").CombinedOutput()
	if err != nil || string(got) != value+"\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

// randomVariables gives names and tokens of every length and character, the same ones each time.
func randomVariables() map[string]string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	random := rand.New(rand.NewPCG(1, 2))
	text := func(alphabet string, length int) string {
		b := make([]byte, length)
		for i := range b {
			b[i] = alphabet[random.IntN(len(alphabet))]
		}
		return string(b)
	}
	variables := map[string]string{
		"OKTA_ACCESS_TOKEN": text(letters, 64<<10), // the longest token there is
		"t0":                letters + "0123456789-._~+/==", "_leading": "-n", "tilde": "~root", "option": "--", "slash": "/",
	}
	for i := range 200 {
		name := fmt.Sprintf("%s_%d", text(letters+"_", 1+random.IntN(8)), i) // the number keeps it clear of the shell's own
		variables[name] = text(letters+"0123456789-._~+/", 1+random.IntN(60)) + strings.Repeat("=", random.IntN(3))
	}
	return variables
}

// installed returns the path of program, or skips the test.
func installed(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("not tested with the real %s: %v", program, err)
	}
	return path
}
