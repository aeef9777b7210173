package cmd_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"okauth/cmd"
)

// startLimited is start for a process that may have no more than limit open files.
func (m *machine) startLimited(limit int, line string) *process {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	c := m.command(ctx, line)
	c.Args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$0" "$@"`, limit), link(m.t, c.Path)}, c.Args[1:]...)
	c.Path = "/bin/sh"
	return m.run(c, cancel)
}

// Where a process may open few files, okauth says so. Go's runtime would end it with a dump, and an exit code that means
// a mistake in the settings.
func TestAT86_FewDescriptors(t *testing.T) {
	t.Parallel()
	dump := regexp.MustCompile(`(?m)^(runtime:|fatal error:|goroutine |panic:)`)
	const enough = 8 // with standard input, output and error
	check := func(m *machine, limit int, line string) {
		t := m.t
		p := m.startLimited(limit, line)
		code, said := p.ends(), p.stderr.String()
		switch {
		case dump.MatchString(said):
			t.Errorf("%s with %d open files: got exit code %d: %s", line, limit, code, said)
		case limit < enough && code != 0 && (code != 1 || p.stdout.Len() > 0 ||
			!strings.HasPrefix(said, "okauth: error: open 5 files: too many open files\nokauth: hint: raise")):
			t.Errorf("%s with %d open files: got exit code %d: %s", line, limit, code, said)
		}
	}
	eachStore(t, func(t *testing.T, storage string) {
		m := newExpired(t, storage, rotating())
		before := m.stored()
		m.posts()
		for limit := 4; limit < enough; limit++ {
			check(m, limit, "token")
		}
		if n := m.posts(); n != 0 {
			t.Errorf("%d requests, want none", n)
		}
		m.unchanged(before)
		for limit := enough; limit <= 12; limit++ {
			for _, line := range []string{"token --refresh", "login", "exec -- true", "logout"} {
				check(m, limit, line)
			}
		}
		m.start("login").does()
		m.start("token").token()
	})
	t.Run("commands", func(t *testing.T) {
		t.Parallel()
		m := newExpired(t, "file", persistent())
		for _, c := range cmd.Commands().Commands() {
			switch line := c.Name(); line {
			case "sandbox": // it does not end
			case "exec", "decode", "completion", "config":
				line += map[string]string{"exec": " -- true", "decode": " e30.e30.", "completion": " bash", "config": " list"}[line]
				fallthrough
			default:
				check(m, enough-1, line)
				check(m, enough, line)
			}
		}
	})
}
