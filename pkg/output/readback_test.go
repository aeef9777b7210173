package output_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"okauth/pkg/okta"
	"okauth/pkg/output"
)

var (
	validName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	shWord    = regexp.MustCompile(`^export ([^=']+)='([^']*)'\n$`)
	fishWord  = regexp.MustCompile(`^set -gx ([^ ']+) '([^'\\]*)'\n$`)
	psWord    = regexp.MustCompile(`^\$env:([^ ']+) = '([^'‘’‚‛]*)'\n$`) // PowerShell takes all of these for single quotes
	cmdWord   = regexp.MustCompile(`^set "([^=]+)=([^%!"^\r\n]*)"\r\n$`) // % and ! expand even between quotes
	// What every reader takes as it is, without quotes.
	dotenvLine = regexp.MustCompile(`^([^=]+)=([A-Za-z0-9._~+/=-]*)\n$`)
	curlLine   = regexp.MustCompile(`^header = "Authorization: Bearer ([^"\\\r\n]*)"\n$`)
)

// readBack gets the token, and for env the variable's name, out of text as a reader of that format and shell does.
func readBack(t testing.TB, o output.TokenOptions, text string) (name, value string) {
	t.Helper()
	var doc struct {
		Token  string `json:"access_token"`
		Status struct{ Token string }
	}
	match := func(pattern *regexp.Regexp) []string {
		found := pattern.FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("%s %s: got %q, want it to match %s", o.Format, o.Shell, text, pattern)
		}
		return found[1:]
	}
	switch o.Format {
	case "raw":
		return "", strings.TrimSuffix(text, "\n")
	case "header":
		return "", strings.TrimPrefix(strings.TrimSuffix(text, "\n"), "Authorization: Bearer ")
	case "curl":
		return "", match(curlLine)[0]
	case "env":
		words := map[string]*regexp.Regexp{"sh": shWord, "": shWord, "bash": shWord, "zsh": shWord, "dotenv": dotenvLine, "fish": fishWord, "powershell": psWord, "cmd": cmdWord}
		found := match(words[o.Shell])
		return found[0], found[1]
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%s: %v in %q", o.Format, err, text)
	}
	return "", doc.Token + doc.Status.Token
}

// FuzzToken holds for every value, issuer, name and format: either an error and no output, or output that is one
// printable line from which its reader gets the value; an error for each value that is no token and each name that is
// no variable's, and for no other.
func FuzzToken(f *testing.F) {
	f.Add("canary.a.b", "https://a", "dev", "TOKEN")
	f.Add("canary\n", "\x1b\u202e\xff", "\U000e0001\"", "A;id")
	f.Add("canary+/~==", "", "", "")
	f.Add("canary'", "", "", "_\n")
	f.Add(strings.Repeat("canary", 1500), "", "", "a9")
	f.Fuzz(func(t *testing.T, value, issuer, profile, variable string) {
		for _, format := range output.Formats() {
			shells := []string{""}
			if format == "env" {
				shells = append(shells, output.Shells()...)
			}
			for _, shell := range shells {
				o := output.TokenOptions{Format: format, Shell: shell, Variable: variable, Now: now}
				var b bytes.Buffer
				err := o.Write(&b, output.Token{Value: okta.NewSecret(value), Type: "access", Issuer: issuer, Profile: profile})
				wanted := okta.CheckToken(value) == nil
				if format == "env" {
					wanted = wanted && validName.MatchString(variable) && (shell != "cmd" || len(`set "`+variable+`=`+value+`"`) <= 8191)
				}
				if (err == nil) != wanted || (b.Len() > 0) != wanted {
					t.Fatalf("%s %s: error %v and output %q", format, shell, err, b.String())
				}
				if err != nil {
					continue
				}
				wantPrintable(t, strings.TrimRight(b.String(), "\r\n"))
				name, got := readBack(t, o, b.String())
				if got != value {
					t.Errorf("%s %s: got %q back, want %q", format, shell, got, value)
				}
				if format == "env" && name != variable {
					t.Errorf("%s: got the name %q back, want %q", shell, name, variable)
				}
			}
		}
	})
}
