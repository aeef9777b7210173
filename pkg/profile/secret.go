package profile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	maxSecret     = 64 << 10         // bytes read from a file or a command
	secretTimeout = 30 * time.Second // for a command or a pipe
)

// Secret is the promise of a secret: where it is, not what it is. The zero
// Secret is none. It holds nothing that printing could show.
type Secret struct {
	Source Source
	Key    string // the setting it comes from
	read   func(context.Context) ([]byte, error)
}

// IsZero reports whether no setting promises the secret.
func (s Secret) IsZero() bool { return s.read == nil }

// Read fetches the secret: the variable, the value in the file, the content of
// a file without its last line break, or the first line of a command's output.
// An empty secret is an error. Errors are *Error, never hold what was read, and
// wrap ctx's error where that was the cause.
func (s Secret) Read(ctx context.Context) ([]byte, error) {
	if s.read == nil {
		return nil, &Error{Key: s.Key, Reason: "it is not set"}
	}
	value, err := s.read(ctx)
	if err == nil && len(value) == 0 {
		err = &Error{Reason: "the secret is empty"}
	}
	if err == nil {
		check := checkSecret
		if strings.HasPrefix(s.Key, KeyClientSecret) {
			check = checkClientSecret
		}
		err = check(string(value))
	}
	if err == nil {
		return value, nil
	}
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Reason: "read the secret", Err: err}
	}
	located := *e
	located.Key, located.Source = s.Key, s.Source
	return nil, &located
}

// findSecret picks the way to a secret. In the environment the order is value,
// file, command, then Okta's names; in the other layers two ways at once are an
// error, since one of them is a mistake.
func (s *Settings) findSecret(base string) (Secret, error) {
	keys := []string{base, base + "_file", base + "_command"}
	flags := s.o.Flags
	if secret, err := s.oneOf(keys, func(key string) (found, bool) {
		k, _ := FindKey(key)
		text, ok := flags[key]
		return found{text, Source{FromFlag, k.Flag}}, ok
	}); err != nil || !secret.IsZero() {
		return secret, err
	}
	for _, name := range secretEnv(base) {
		text, ok := s.o.env(name)
		if !ok {
			continue
		}
		key := base
		if way, own := strings.CutPrefix(name, "OKAUTH_"); own {
			key = strings.ToLower(way)
		}
		return s.promise(key, found{text, Source{FromEnv, name}}), nil
	}
	return s.oneOf(keys, func(key string) (found, bool) {
		return found{s.file[key], Source{FromFile, s.path}}, s.file[key] != ""
	})
}

// secretEnv lists the variables of a secret in the order they count.
func secretEnv(base string) []string {
	name := "OKAUTH_" + strings.ToUpper(base)
	vars := []string{name, name + "_FILE", name + "_COMMAND"}
	if base == KeyClientSecret {
		vars = append(vars, "OKTA_OAUTH2_CLIENT_SECRET", "OKTA_OAUTH2_CLIENTSECRET")
	}
	return vars
}

func (s *Settings) oneOf(keys []string, look func(key string) (found, bool)) (Secret, error) {
	var first Secret
	for _, key := range keys {
		f, ok := look(key)
		if !ok {
			continue
		}
		if !first.IsZero() {
			return Secret{}, &Error{Key: key, Source: f.from, Reason: fmt.Sprintf("%q is set as well", first.Key), Err: errTwice,
				Next: "remove one with `okauth config unset " + key + "`"}
		}
		first = s.promise(key, f)
	}
	return first, nil
}

// promise binds a way to a secret to the place it was found in.
func (s *Settings) promise(key string, f found) Secret {
	secret := Secret{Source: f.from, Key: key}
	switch {
	case strings.HasSuffix(key, "_file"):
		path := s.pathOf(f)
		secret.read = func(ctx context.Context) ([]byte, error) { return readSecretFile(ctx, path) }
	case strings.HasSuffix(key, "_command"):
		secret.read = func(ctx context.Context) ([]byte, error) { return s.o.runSecretCommand(ctx, f.text) }
	default:
		secret.read = func(context.Context) ([]byte, error) { return []byte(f.text), nil }
	}
	return secret
}

// readSecretFile reads a file or a pipe, such as a shell's <(…).
func readSecretFile(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, secretTimeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// O_NONBLOCK: opening a named pipe that nobody writes to would wait.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, &Error{Reason: "open " + shown(path), Err: cause(err)}
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, &Error{Reason: shown(path) + " is a directory, expected a file"}
	}
	stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch {
	case ctx.Err() != nil:
		return nil, &Error{Reason: "read " + shown(path), Err: ctx.Err()}
	case err != nil:
		return nil, &Error{Reason: "read " + shown(path), Err: cause(err)}
	case len(data) > maxSecret:
		return nil, &Error{Reason: fmt.Sprintf("%s is larger than %d bytes", shown(path), maxSecret)}
	}
	return DropNewline(data), nil
}

// DropNewline removes exactly one LF or CRLF from the end of a secret that was read.
func DropNewline(data []byte) []byte {
	data, cut := bytes.CutSuffix(data, []byte("\n"))
	if cut {
		data = bytes.TrimSuffix(data, []byte("\r"))
	}
	return data
}

// runSecretCommand runs a command line in the shell and returns its first line.
func (o Options) runSecretCommand(ctx context.Context, line string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, secretTimeout)
	defer cancel()
	cmd := shell(ctx, line)
	var out bounded
	cmd.Stdout, cmd.Stderr = &out, o.Stderr
	cmd.Env = withoutSecrets(o.Environ())
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, &Error{Reason: "the command did not finish", Err: ctx.Err(), Next: "run the command by hand: it must not wait for input"}
	case out.full:
		return nil, &Error{Reason: fmt.Sprintf("the command printed more than %d bytes", maxSecret)}
	case errors.As(err, &exit):
		return nil, &Error{Reason: fmt.Sprintf("the command ended with %s", exit.ProcessState), Next: "run the command by hand to see why"}
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return nil, &Error{Reason: "run the command", Err: cause(err)}
	}
	first, _, more := bytes.Cut(out.data, []byte("\n"))
	if more {
		first = bytes.TrimSuffix(first, []byte("\r"))
	}
	return first, nil
}

// bounded keeps at most maxSecret bytes and refuses more, which ends the
// command that writes them.
type bounded struct {
	data []byte
	full bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if len(b.data)+len(p) > maxSecret {
		b.full = true
		return 0, io.ErrShortWrite
	}
	b.data = append(b.data, p...)
	return len(p), nil
}

// withoutSecrets drops from an environment the variables that hold a secret:
// the command is asked for one, it needs none of the others.
func withoutSecrets(environ []string) []string {
	kept := make([]string, 0, len(environ))
	for _, entry := range environ {
		switch name, _, _ := strings.Cut(entry, "="); strings.ToUpper(name) {
		case "OKAUTH_PASSWORD", "OKAUTH_CLIENT_SECRET", "OKAUTH_STORAGE_KEY", "OKTA_PASSWORD",
			"OKTA_OAUTH2_CLIENT_SECRET", "OKTA_OAUTH2_CLIENTSECRET":
		default:
			kept = append(kept, entry)
		}
	}
	return kept
}
