package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"

	"okauth/pkg/jwt"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/session"
	"okauth/pkg/store"
	"okauth/pkg/transport"
)

// An error of a stream of tokens has the members of every error in JSON.
func TestWriteErrorJSON(t *testing.T) {
	t.Parallel()
	_, opaque := jwt.Parse("canary-refresh-token")
	notAToken := &ExitError{Err: errors.New("line is > 1 \x1b"), Code: ExitInvalidToken}
	for want, err := range map[string]error{
		`{"error":{"code":"invalid_token","exit":7,"message":"line 2: token is opaque: it has one part, expected three",` +
			`"hint":"a refresh token or authorization code has nothing inside to show; okauth introspect asks Okta what it stands for","reason":"opaque"}}`: fmt.Errorf("line 2: %w", opaque),
		`{"error":{"code":"invalid_token","exit":7,"message":"line is > 1 \u001b"}}`: notAToken,
	} {
		var b bytes.Buffer
		if err := WriteErrorJSON(&b, err); err != nil || b.String() != want+"\n" {
			t.Errorf("got  %s%v\nwant %s", b.String(), err, want)
		}
	}
}

// 141 is for a reader of our own output that has gone. A broken pipe of another kind is an error with its own code.
func TestBrokenPipes(t *testing.T) {
	t.Parallel()
	pipe := os.NewSyscallError("write", syscall.EPIPE)
	socket := &net.OpError{Op: "write", Net: "tcp", Err: pipe}
	bus := &fs.PathError{Op: "write", Path: "session bus", Err: syscall.EPIPE}
	output := &fs.PathError{Op: "write", Path: os.Stdout.Name(), Err: syscall.EPIPE}
	for name, tt := range map[string]struct {
		err  error
		want int
	}{
		"standard output":        {fmt.Errorf("write the token: %w", output), 141},
		"standard error":         {&fs.PathError{Op: "write", Path: os.Stderr.Name(), Err: syscall.EPIPE}, 141},
		"output of a stream":     {Exit(ExitInvalidToken, output, ""), 141},
		"Okta's connection":      {&okta.NetworkError{Err: &url.Error{Op: "Post", URL: "https://x", Err: socket}}, exitNetwork},
		"a proxy's connection":   {&okta.NetworkError{Err: &transport.ProxyError{Err: socket}}, exitNetwork},
		"the keychain's bus":     {store.NewError(store.Failed, "read", bus), ExitStorage},
		"a bus that refuses us":  {store.NewError(store.Unavailable, "read", fmt.Errorf("refused: %w", bus)), ExitStorage},
		"a session that is lost": {&session.SaveError{Err: store.NewError(store.Failed, "write", bus)}, ExitStorage},
		"another file":           {&fs.PathError{Op: "write", Path: "/some/fifo", Err: syscall.EPIPE}, ExitFailure},
		"a bare errno":           {pipe, ExitFailure},
	} {
		if got := ExitCode(tt.err); got != tt.want {
			t.Errorf("%s: got exit code %d, want %d", name, got, tt.want)
		}
		var stderr bytes.Buffer
		Report(&Env{Stderr: &stderr, LookupEnv: os.LookupEnv}, tt.err, &GlobalFlags{}, false)
		if (stderr.Len() == 0) != (tt.want == 141) {
			t.Errorf("%s: said %q", name, &stderr)
		}
	}
}

func TestClaimAdvice(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]*output.ClaimError{
		"okauth decode -o json shows the whole token, with control characters escaped": {Problem: "the list is empty"},
		"there are: sub, \ufffd[2J":                     {Names: []string{"sub", "\x1b[2J"}},
		"did you mean \"sub\ufffd\"? there are: sub, a": {Names: []string{"sub", "a"}, Suggestion: "sub\x1b"},
	} {
		if got := Hint(fmt.Errorf("decode: %w", err)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
