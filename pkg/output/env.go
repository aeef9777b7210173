package output

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"okauth/pkg/internal/safetext"
)

// shell is a language that sets environment variables.
type shell struct {
	name string
	// assignment has a place for the variable's name and one for its value. The quotes take every character of a bearer
	// token as it is, so nothing needs an escape.
	assignment string
	maxLine    int // characters, 0 = no limit
}

// shells lists the shells, the default first.
func shells() []shell {
	// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02_02
	const posix = "export %s='%s'\n"
	return []shell{
		{"sh", posix, 0}, {"bash", posix, 0}, {"zsh", posix, 0},
		// https://fishshell.com/docs/current/language.html#quotes
		{"fish", "set -gx %s '%s'\n", 0},
		// https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_quoting_rules
		{"powershell", "$env:%s = '%s'\n", 0},
		// "The maximum length of the string that you can use at the command prompt is 8191 characters"
		// https://learn.microsoft.com/troubleshoot/windows-client/shell-experience/command-line-string-limitation
		{"cmd", "set \"%s=%s\"\r\n", 8191},
		// No quotes: docker run --env-file keeps them as part of the value. The other readers, systemd's EnvironmentFile
		// and the dotenv libraries, need none for the characters of a token.
		// https://docs.docker.com/reference/cli/docker/container/run/#env
		// https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#EnvironmentFile=
		{"dotenv", "%s=%s\n", 0},
	}
}

// Shells returns the values of [TokenOptions].Shell, the default first. sh is every shell that reads its language, such
// as dash, ksh and ash; dotenv is no shell, but a file of variables.
func Shells() []string {
	var names []string
	for _, s := range shells() {
		names = append(names, s.name)
	}
	return names
}

// encodeEnv returns one assignment, for eval and its like.
func encodeEnv(t Token, o TokenOptions) ([]byte, error) {
	if err := CheckVariable(o.Variable); err != nil {
		return nil, err
	}
	all, name := shells(), cmp.Or(o.Shell, "sh")
	i := slices.IndexFunc(all, func(s shell) bool { return s.name == name })
	if i < 0 {
		name = safetext.Sanitize(name, 40)
		return nil, fmt.Errorf("unknown shell %q, expected one of %s", name, strings.Join(Shells(), ", "))
	}
	line := fmt.Appendf(nil, all[i].assignment, o.Variable, t.Value.Reveal())
	if length, limit := len(line)-len("\r\n"), all[i].maxLine; limit > 0 && length > limit {
		return nil, fmt.Errorf("the line has %d characters, and %s reads no more than %d", length, name, limit)
	}
	return line, nil
}

// CheckVariable returns an error unless name can be an environment variable in every shell: ASCII letters, digits and
// "_", with no digit in front. Anything else could end the assignment and begin a command.
// https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html#tag_08_01
func CheckVariable(name string) error {
	if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(name) {
		name = safetext.Sanitize(name, 40)
		return fmt.Errorf(`variable name %q, expected letters, digits and "_", and no digit in front`, name)
	}
	return nil
}

// WriteGitHubOutput sets the output called name of a step of GitHub Actions to t. log is the step's standard output,
// unbuffered; file is the step's output file, opened to append.
//
// The mask goes first, because the log hides a value only from then on. If log does not take the mask, nothing is
// written to file. A bad name or value writes nothing at all. Neither line needs an escape, because a bearer token has
// no %, CR or LF. GitHub passes no masked value to another job: the token is for later steps of this job.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#masking-a-value-in-a-log
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-output-parameter
func WriteGitHubOutput(log, file io.Writer, name string, t Token) error {
	if err := CheckGitHubOutput(name); err != nil {
		return err
	}
	if err := checkValue(t); err != nil {
		return err
	}
	if err := write(log, []byte("::add-mask::"+t.Value.Reveal()+"\n")); err != nil {
		return fmt.Errorf("mask the token in the log: %w", err)
	}
	if err := write(file, []byte(name+"="+t.Value.Reveal()+"\n")); err != nil {
		return fmt.Errorf("set the output %q: %w", name, err)
	}
	return nil
}

// CheckGitHubOutput returns an error unless a step of GitHub Actions can have an output called name.
func CheckGitHubOutput(name string) error {
	if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`).MatchString(name) {
		const expected = `expected letters, digits, "_" and "-", and a letter or "_" in front`
		return fmt.Errorf("output name %q, %s", safetext.Sanitize(name, 40), expected)
	}
	return nil
}
