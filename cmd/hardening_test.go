package cmd

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// hardeningRows are the rows of the catalog of attacks and failures: rules of the keychain (KR), of the standards (ST),
// and bad input and attacks (AT).
var hardeningRows = []struct {
	prefix      string
	first, last int
}{
	{"KR", 1, 13}, {"ST", 1, 37},
	{"AT", 1, 15}, {"AT", 20, 29}, {"AT", 40, 53}, {"AT", 60, 76}, {"AT", 80, 96},
}

// notApplicable are the rows that no test shows, each with the reason.
var notApplicable = map[string]string{
	"AT74": "Go's runtime opens /dev/null in place of a closed standard output before a program can see it",
	"AT95": "needs Windows; the parts that do not, CRLF and UTF-16 input, are in the tests of AT60",
}

// Each row is named by a test or by a script, or it is known why not.
func TestEveryHardeningRowHasATest(t *testing.T) {
	t.Parallel()
	named := map[string]bool{}
	id := regexp.MustCompile(`(?:KR|ST|AT)\d\d`)
	test := regexp.MustCompile(`(?m)^func Test((?:(?:KR|ST|AT)\d\d_)+)`)
	add := func(names string) {
		for _, name := range id.FindAllString(names, -1) {
			named[name] = true
		}
	}
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(path, ".txtar"):
			add(strings.ToUpper(filepath.Base(path)))
		case strings.HasSuffix(path, "_test.go"):
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, match := range test.FindAllStringSubmatch(string(text), -1) {
				add(match[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range hardeningRows {
		for n := rows.first; n <= rows.last; n++ {
			row := fmt.Sprintf("%s%02d", rows.prefix, n)
			if reason := notApplicable[row]; named[row] == (reason != "") {
				t.Errorf("%s: named by a test: %t; why none could be: %q", row, named[row], reason)
			}
			delete(named, row)
		}
	}
	for row := range named {
		t.Errorf("%s is named by a test, and is no row", row)
	}
}
