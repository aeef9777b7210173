package oktatest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"okauth/pkg/oktatest"
)

// Every refusal in the code is in refusals.txt, once, and the other way round.
func TestRefusalTable(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("refusals.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for line := range strings.Lines(string(table)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		cells := strings.Split(line, " | ")
		if len(cells) != 4 || !regexp.MustCompile(`^[45][0-9][0-9]$`).MatchString(cells[1]) {
			t.Errorf("got the row %q, want a name, a status, a code and a text", line)
		}
		rows[cells[0]]++
	}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatalf("got the files %q, %v", files, err)
	}
	code := ""
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "_test.go") {
			code += string(text)
		}
	}
	for name, count := range rows {
		if count != 1 || !strings.Contains(code, `"`+name+`"`) {
			t.Errorf("%s: in the table %d times, in the code: %v", name, count, strings.Contains(code, `"`+name+`"`))
		}
	}
	for _, m := range regexp.MustCompile(`(?:refuse|refusing|tooMany)\("([a-z_0-9]+)"|refuseIf\(.*?, "([a-z_0-9]+)"`).FindAllStringSubmatch(code, -1) {
		if name := m[1] + m[2]; rows[name] == 0 {
			t.Errorf("%s: in the code, not in the table", name)
		}
	}
}

// Every row of scenarios.txt is complete, and has a description of its own.
func TestScenarioTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range oktatest.Scenarios() {
		if s.Description == "" || seen[s.Description] || s.Status == 0 || (s.Status == 200) != (s.Error == "" && s.Text == "") {
			t.Errorf("got the scenario %+v", s)
		}
		seen[s.Description] = true
	}
	if len(seen) < 50 {
		t.Errorf("got %d scenarios", len(seen))
	}
}

// The documentation lists the users with a second factor, and no others.
func TestDocumentedUsers(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| second factor |")
	table, _, _ = strings.Cut(table, "\n\n")
	var documented, required []string
	for line := range strings.Lines(table) {
		cell, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		for _, m := range regexp.MustCompile("`([a-z]+)`").FindAllStringSubmatch(cell, -1) {
			documented = append(documented, m[1]+"@example.com")
		}
	}
	var org struct{ Users []oktatest.User }
	if text, err = os.ReadFile("testorg.json"); err == nil {
		err = json.Unmarshal(text, &org)
	}
	for _, user := range org.Users {
		if user.MFA || user.TwoFactors {
			required = append(required, user.Login)
		}
	}
	slices.Sort(documented)
	if slices.Sort(required); err != nil || !slices.Equal(documented, required) || len(required) < 10 {
		t.Errorf("documented: %q, in testorg.json: %q, %v", documented, required, err)
	}
}
