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

	"okauth/pkg/internal/privatefile"
)

const (
	maxSecret     = 64 << 10         // bytes of a file or of a command's output
	secretTimeout = 30 * time.Second // for a command or a pipe
)

// SecretRef says where a secret is. It does not hold the secret, so printing it shows none. The zero value means that
// no setting has the secret.
type SecretRef struct {
	Source Source
	Key    string // the setting: that of the secret, of its file or of its command
	read   func(context.Context) ([]byte, error)
	check  func(string) error
}

// IsZero reports whether no setting has the secret.
func (s SecretRef) IsZero() bool { return s.read == nil }

// FromFile reports whether the secret is the content of a file of its own.
func (s SecretRef) FromFile() bool { return strings.HasSuffix(s.Key, FileKey("")) }

// FromCommand reports whether a command prints the secret.
func (s SecretRef) FromCommand() bool { return strings.HasSuffix(s.Key, CommandKey("")) }

// Read returns the secret: the value itself, the content of the file without its last line break, or the first line
// that the command prints. An empty secret is an error, and so is a file that others can write to. The error is an
// *Error that does not hold what was read; it wraps ctx's error if that was the cause.
func (s SecretRef) Read(ctx context.Context) ([]byte, error) {
	if s.read == nil {
		return nil, &Error{Kind: Missing, Key: s.Key, Reason: "it is not set"}
	}
	secret, err := s.read(ctx)
	if err == nil && len(secret) == 0 {
		err = &Error{Kind: Empty, Reason: "the secret is empty"}
	}
	if err == nil {
		err = s.check(string(secret))
	}
	if err == nil {
		return secret, nil
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Kind: ReadFailed, Reason: "read the secret", Err: err}
	}
	located := *e
	located.Key, located.Source = s.Key, s.Source
	return nil, &located
}

// findSecret finds the place of a secret. In the environment the order is value, file, command, then Okta's
// variables. Two places in the flags or in the file are an error, because one of them is a mistake.
func (s *Settings) findSecret(k Key) (SecretRef, error) {
	var found []SecretRef // the strongest first
	add := func(key, text string, kind SourceKind, name string) {
		if text != "" {
			found = append(found, s.secretRef(k, key, value{text, Source{kind, name}}))
		}
	}
	keys := SecretKeys(k.Name)
	for _, key := range keys {
		add(key, s.options.Flags[key], FromFlag, s.options.FlagName(key))
	}
	for _, key := range keys {
		name := lookup(key).Env[0]
		add(key, s.options.env(name), FromEnv, name)
	}
	for _, name := range k.Env[1:] {
		add(k.Name, s.options.env(name), FromEnv, name)
	}
	for _, key := range keys {
		add(key, s.file[key], FromFile, s.path)
	}
	if len(found) == 0 {
		return SecretRef{}, nil
	}
	first := found[0]
	if len(found) > 1 && found[1].Source.Kind == first.Source.Kind && first.Source.Kind != FromEnv {
		return SecretRef{}, conflict(found[1].Key, first.Key, found[1].Source)
	}
	return first, nil
}

func conflict(key, other string, source Source) error {
	return &Error{Kind: Conflict, Key: key, Other: other, Source: source,
		Reason: fmt.Sprintf("%q is set as well, expected one of them", other)}
}

// secretRef returns the reference to a secret that the setting key, with value v, leads to.
func (s *Settings) secretRef(k Key, key string, v value) SecretRef {
	ref := SecretRef{Source: v.source, Key: key, check: k.checkText}
	switch {
	case ref.FromFile():
		ref.read = func(ctx context.Context) ([]byte, error) {
			path, err := s.File(key)
			if err != nil {
				return nil, err
			}
			return readSecretFile(ctx, path)
		}
	case ref.FromCommand():
		ref.read = func(ctx context.Context) ([]byte, error) { return s.options.runSecretCommand(ctx, v.text) }
	default:
		ref.read = func(context.Context) ([]byte, error) {
			if v.source.Kind == FromFile {
				if err := checkPrivate(v.source.Name); err != nil {
					return nil, err
				}
			}
			return []byte(v.text), nil
		}
	}
	return ref
}

// readSecretFile reads a file or a pipe, such as a shell's <(…). Others may read it, as they do the secrets that Docker
// and Kubernetes mount.
func readSecretFile(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, secretTimeout)
	defer cancel()
	fail := func(op string, err error) error {
		return &Error{Kind: ReadFailed, Reason: op + " " + quote(path), Err: privatefile.Cause(err)}
	}
	// O_NONBLOCK: the open of a named pipe without a writer would wait.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fail("open", err)
	}
	defer f.Close()
	switch info, err := f.Stat(); {
	case err != nil:
		return nil, fail("check", err)
	case info.IsDir():
		return nil, invalid("%s is a directory, expected a file", quote(path))
	}
	stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch {
	case ctx.Err() != nil:
		return nil, fail("read", ctx.Err())
	case err != nil:
		return nil, fail("read", err)
	case len(data) > maxSecret:
		return nil, invalid("%s is larger than %d bytes", quote(path), maxSecret)
	}
	return DropNewline(data), nil
}

// DropNewline removes one LF or CRLF from the end of a secret.
func DropNewline(data []byte) []byte {
	data, cut := bytes.CutSuffix(data, []byte("\n"))
	if cut {
		data = bytes.TrimSuffix(data, []byte("\r"))
	}
	return data
}

// runSecretCommand runs a command line in the shell and returns its first line of output.
func (o Options) runSecretCommand(ctx context.Context, line string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, secretTimeout)
	defer cancel()
	cmd := shell(ctx, line)
	var out bounded
	cmd.Stdout, cmd.Stderr = &out, o.Stderr
	cmd.Env = withoutSecrets(os.Environ())
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	exit, failed := errors.AsType[*exec.ExitError](err)
	switch {
	case ctx.Err() != nil:
		return nil, &Error{Kind: CommandFailed, Reason: "the command did not finish", Err: ctx.Err()}
	case out.full:
		return nil, &Error{Kind: CommandFailed,
			Reason: fmt.Sprintf("the command printed more than %d bytes", maxSecret)}
	case failed:
		return nil, &Error{Kind: CommandFailed, Reason: fmt.Sprintf("the command ended with %s", exit.ProcessState)}
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return nil, &Error{Kind: CommandFailed, Reason: "run the command", Err: privatefile.Cause(err)}
	}
	first, _, more := bytes.Cut(out.data, []byte("\n"))
	if more {
		first = bytes.TrimSuffix(first, []byte("\r"))
	}
	return first, nil
}

// bounded keeps at most maxSecret bytes. More is a write error, which ends the command.
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

// withoutSecrets removes from an environment the variables that hold a secret: a command needs none. OKTA_PASSWORD is a
// variable of other tools.
func withoutSecrets(environ []string) []string {
	secret := append(SecretVariables(), "OKTA_PASSWORD")
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(secret, strings.ToUpper(name))
	})
}
