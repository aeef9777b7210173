package output

import (
	"cmp"
	"fmt"
	"strings"

	"okauth/pkg/okta"
)

// shell is a language in which an environment variable can be set.
type shell struct {
	name string
	// assignment has a place for the variable's name and one for its value. Each of these quotings takes every character of a
	// b64token as it is, so there is nothing to escape and nothing to get wrong.
	assignment string
	longest    int // characters of a line, 0 if no token is too long
}

// shells lists what an assignment can be quoted for, the default first.
func shells() []shell {
	return []shell{
		// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02_02
		{"sh", "export %s='%s'\n", 0},
		// https://fishshell.com/docs/current/language.html#quotes
		{"fish", "set -gx %s '%s'\n", 0},
		// https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_quoting_rules
		{"powershell", "$env:%s = '%s'\n", 0},
		// "The maximum length of the string that you can use at the command prompt is 8191 characters": what is longer is cut off or
		// dropped. https://learn.microsoft.com/troubleshoot/windows-client/shell-experience/command-line-string-limitation
		{"cmd", "set \"%s=%s\"\r\n", 8191},
	}
}

// Shells returns what [TokenOptions].Shell may be, the default first. sh stands for every shell that reads its language: bash, zsh,
// dash, ksh, ash.
func Shells() []string {
	var names []string
	for _, s := range shells() {
		names = append(names, s.name)
	}
	return names
}

// Variable names the environment variable for a token of the type "access", "id" or "refresh", where nobody has said otherwise.
func Variable(kind string) string {
	switch kind {
	case "id":
		return "OKTA_ID_TOKEN"
	case "refresh":
		return "OKTA_REFRESH_TOKEN"
	}
	return "OKTA_ACCESS_TOKEN"
}

// ValidVariable returns an error unless name can be an environment variable in every shell: ASCII letters, digits and "_", with no
// digit in front. All else could end the assignment that it stands in, and begin a command.
// https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html#tag_08_01
func ValidVariable(name string) error {
	if !isName(name, "") {
		return fmt.Errorf(`variable name %q, expected letters, digits and "_", and no digit in front`, okta.Sanitize(name, 40))
	}
	return nil
}

// isName reports whether name is made of ASCII letters, digits and the characters of marks, and begins with a letter or "_".
func isName(name, marks string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
		case i > 0 && ('0' <= c && c <= '9' || strings.IndexByte(marks, c) >= 0):
		default:
			return false
		}
	}
	return name != ""
}

// encodeEnv gives one assignment for eval "$(okauth token -o env)" and what other shells have in its place.
func encodeEnv(t Token, o TokenOptions) ([]byte, error) {
	variable, name := cmp.Or(o.Variable, Variable(t.Type)), cmp.Or(o.Shell, "sh")
	if err := ValidVariable(variable); err != nil {
		return nil, err
	}
	for _, s := range shells() {
		if s.name != name {
			continue
		}
		line := fmt.Appendf(nil, s.assignment, variable, t.Value.Reveal())
		if length := len(line) - len("\r\n"); s.longest > 0 && length > s.longest {
			return nil, fmt.Errorf("the line has %d characters, and %s reads no more than %d", length, s.name, s.longest)
		}
		return line, nil
	}
	return nil, fmt.Errorf("unknown shell %q, expected one of %s", okta.Sanitize(name, 40), strings.Join(Shells(), ", "))
}
