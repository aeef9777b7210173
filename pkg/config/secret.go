package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	maxSecret     = 64 << 10         // bytes read from a file or a command
	secretTimeout = 30 * time.Second // for a command or a pipe
)

// SecretRef is the promise of a secret: where it is, not what it is. The zero
// SecretRef is none. It holds nothing that printing could show.
type SecretRef struct {
	Source Source
	Key    string // the setting it comes from
	read   func(context.Context) ([]byte, error)
	check  func(string) error
}

// IsZero reports whether no setting promises the secret.
func (s SecretRef) IsZero() bool { return s.read == nil }

// Command reports whether a command prints the secret.
func (s SecretRef) Command() bool { return strings.HasSuffix(s.Key, "_command") }

// Read fetches the secret: the variable, the value in the file, the content of
// a file without its last line break, or the first line of a command's output.
// An empty secret is an error, and so is a file that everybody may write to.
// Errors are *Error, never hold what was read, and wrap ctx's error where that
// was the cause.
func (s SecretRef) Read(ctx context.Context) ([]byte, error) {
	if s.read == nil {
		return nil, &Error{Key: s.Key, Reason: "it is not set"}
	}
	value, err := s.read(ctx)
	if err == nil && len(value) == 0 {
		err = &Error{Reason: "the secret is empty"}
	}
	if err == nil {
		err = s.check(string(value))
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
func (s *Settings) findSecret(base Key) (SecretRef, error) {
	if secret, err := s.oneOf(base, func(key string) (found, bool) {
		text, ok := s.o.Flags[key]
		return found{text, Source{FromFlag, strings.ReplaceAll(key, "_", "-")}}, ok
	}); err != nil || !secret.IsZero() {
		return secret, err
	}
	for _, name := range secretEnv(base) {
		text, ok := s.o.env(name)
		if !ok {
			continue
		}
		key := base.Name
		if way, own := strings.CutPrefix(name, "OKAUTH_"); own {
			key = strings.ToLower(way)
		}
		return s.promise(key, found{text, Source{FromEnv, name}}, base.check), nil
	}
	return s.oneOf(base, func(key string) (found, bool) {
		return found{s.file[key], Source{FromFile, s.path}}, s.file[key] != ""
	})
}

// ways lists the settings that a secret may come from.
func (k Key) ways() []string {
	return []string{k.Name, k.Name + "_file", k.Name + "_command"}
}

// secretEnv lists the variables of a secret in the order they count.
func secretEnv(base Key) []string {
	own := base.Env[0]
	return append([]string{own, own + "_FILE", own + "_COMMAND"}, base.Env[1:]...)
}

func (s *Settings) oneOf(base Key, look func(key string) (found, bool)) (SecretRef, error) {
	var first SecretRef
	for _, key := range base.ways() {
		f, ok := look(key)
		if !ok {
			continue
		}
		if !first.IsZero() {
			return SecretRef{}, &Error{Key: key, Source: f.from, Reason: fmt.Sprintf("%q is set as well", first.Key), Err: errTwice,
				Next: "remove one with `okauth config unset " + key + "`"}
		}
		first = s.promise(key, f, base.check)
	}
	return first, nil
}

// promise binds a way to a secret to the place it was found in.
func (s *Settings) promise(key string, f found, check func(string) error) SecretRef {
	secret := SecretRef{Source: f.from, Key: key, check: check}
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

// readSecretFile reads a file or a pipe, such as a shell's <(…). Others may be
// able to read it, and it may be root's: secrets that Docker and Kubernetes mount
// are. A file that everybody may write to is refused, though: it would let
// anybody choose the password that is sent or the key that seals.
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
	switch info, err := f.Stat(); {
	case err != nil:
		return nil, &Error{Reason: "look at " + shown(path), Err: cause(err)}
	case info.IsDir():
		return nil, &Error{Reason: shown(path) + " is a directory, expected a file"}
	case info.Mode().IsRegular() && permissions(info)&0o002 != 0:
		return nil, &Error{Reason: fmt.Sprintf("the mode of %s is %04o: everybody may write to it", shown(path), permissions(info)),
			Next: "run `chmod o-w " + shellQuote(path) + "`, and look whether the secret in it is still yours"}
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

// SecretVariables returns the names of the environment variables that hold a
// secret itself, in upper case. A process that okauth starts is handed none.
func SecretVariables() []string {
	var names []string
	for _, k := range table() {
		if k.Secret {
			names = append(names, k.Env...)
		}
	}
	return names
}

// withoutSecrets drops from an environment the variables that hold a secret:
// the command is asked for one, it needs none of the others. OKTA_PASSWORD is
// not read by okauth, but by its neighbours.
func withoutSecrets(environ []string) []string {
	secret := append(SecretVariables(), "OKTA_PASSWORD")
	kept := make([]string, 0, len(environ))
	for _, entry := range environ {
		if name, _, _ := strings.Cut(entry, "="); !slices.Contains(secret, strings.ToUpper(name)) {
			kept = append(kept, entry)
		}
	}
	return kept
}
