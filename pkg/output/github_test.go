package output_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"okauth/pkg/okta"
	"okauth/pkg/output"
)

// writerFunc is a writer that looks around when it is written to.
type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestAT75_GitHubOutputMasksFirst(t *testing.T) {
	t.Parallel()
	var log, file oneWrite
	watched := writerFunc(func(p []byte) (int, error) {
		if file.Len() > 0 {
			t.Errorf("the file has %q before the mask is in the log", file.String())
		}
		return log.Write(p)
	})
	if err := output.WriteGitHubOutput(watched, &file, "api-token", token()); err != nil {
		t.Fatal(err)
	}
	if got, want := log.String(), "::add-mask::canary.access-token_~+/==\n"; got != want || log.calls != 1 {
		t.Errorf("log: got %q in %d writes, want %q", got, log.calls, want)
	}
	if got, want := file.String(), "api-token=canary.access-token_~+/==\n"; got != want || file.calls != 1 {
		t.Errorf("file: got %q in %d writes, want %q", got, file.calls, want)
	}
}

func TestWriteGitHubOutput_Errors(t *testing.T) {
	t.Parallel()
	full := failing{errors.New("no space left on device")}
	var log, file bytes.Buffer
	err := output.WriteGitHubOutput(full, &file, "token", token())
	if !errors.Is(err, full.err) || file.Len() > 0 || strings.Contains(err.Error(), "canary") {
		t.Errorf("no mask: got %v and %q in the file, want %v and nothing", err, file.String(), full.err)
	}
	err = output.WriteGitHubOutput(&log, full, "token", token())
	if !errors.Is(err, full.err) || log.Len() == 0 || strings.Contains(err.Error(), "canary") {
		t.Errorf("no file: got %v and %q in the log, want %v and the mask", err, log.String(), full.err)
	}
}

func TestAT70_GitHubOutputRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, value, want string }{
		{"", "canary", "output name"}, {"a=b", "canary", "output name"}, {"a<<EOF", "canary", "output name"}, {"a\nb", "canary", "output name"},
		{"1a", "canary", "output name"}, {"-a", "canary", "output name"}, {"a b", "canary", "output name"}, {"a.b", "canary", "output name"},
		{"é", "canary", "output name"}, {"\x1b[2J", "canary", "output name"},
		{"a", "canary\nb=c", "no token has"}, {"a", "canary%0A::set-env::", "no token has"}, {"a", "canary\r", "no token has"}, {"a", "", "is empty"},
	} {
		bad := token()
		bad.Value = okta.NewSecret(test.value)
		var log, file bytes.Buffer
		err := output.WriteGitHubOutput(&log, &file, test.name, bad)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.ContainsAny(err.Error(), "\n\r\x1b") || log.Len()+file.Len() > 0 {
			t.Errorf("%q: got %v, log %q, file %q, want an error with %q and no output", test.name, err, log.String(), file.String(), test.want)
		}
	}
}
