package cmd_test

// Commands of the scripts that look into tokens.

import (
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"okauth/pkg/oktatest"
)

// "requests N PART" fails unless N requests were for a path that has PART in it,
// since the start or the last "requests" or "posts".
func cmdRequests(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	for _, r := range of(ts).server.Requests() {
		if strings.Contains(r.Path, args[1]) {
			got++
		}
	}
	if got != want {
		ts.Fatalf("the server got %d requests for %s, want %d", got, args[1], want)
	}
	of(ts).server.ResetRequests()
}

// "rotatekeys" makes the next signing key the active one.
func cmdRotateKeys(ts *testscript.TestScript, _ bool, _ []string) {
	of(ts).server.RotateKeys()
}

// "invalidtokens NAME …" writes the tokens of these names to invalidtokens.txt, one per line.
func cmdInvalidTokens(ts *testscript.TestScript, _ bool, args []string) {
	byName := make(map[string]string)
	for _, f := range of(ts).server.InvalidTokens() {
		byName[f.Name] = f.Token
	}
	var text strings.Builder
	for _, name := range args {
		if byName[name] == "" {
			ts.Fatalf("invalidtokens: no token %q", name)
		}
		text.WriteString(byName[name] + "\n")
	}
	ts.Check(os.WriteFile(ts.MkAbs("invalidtokens.txt"), []byte(text.String()), 0o600))
}

// "getkeys FILE" writes the published keys of the default server to a file.
func cmdGetKeys(ts *testscript.TestScript, _ bool, args []string) {
	server := of(ts).server
	answer, err := server.Client().Get(server.URL() + "/oauth2/" + oktatest.DefaultServerID + "/v1/keys")
	ts.Check(err)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		ts.Fatalf("getkeys: %s", answer.Status)
	}
	text, err := io.ReadAll(answer.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o600))
}

// "unsent FIELD" fails if any request had the form field.
func cmdUnsent(ts *testscript.TestScript, _ bool, args []string) {
	for _, r := range of(ts).server.Requests() {
		if r.Form.Has(args[0]) {
			ts.Fatalf("%s %s had the form field %s", r.Method, r.Path, args[0])
		}
	}
}

// "testkey FILE" writes the private key of the clients that have one to a file.
func cmdTestKey(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), oktatest.TestKey(), 0o600))
}
