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
	secret string // the secret's own setting
	empty  bool   // Key is set but empty, and Read says so
	read   func(context.Context) ([]byte, error)
}

// IsZero reports whether no setting has the secret.
func (s SecretRef) IsZero() bool { return s.read == nil }

// FromFile reports whether the secret is the content of a file of its own.
func (s SecretRef) FromFile() bool { return !s.empty && strings.HasSuffix(s.Key, FileKey("")) }

// FromCommand reports whether a command prints the secret.
func (s SecretRef) FromCommand() bool { return !s.empty && strings.HasSuffix(s.Key, CommandKey("")) }

// fromURL reports whether the secret is the password in the variable of storage_url.
func (s SecretRef) fromURL() bool {
	return s.secret == KeyStoragePassword && s.Source.Name == lookup(KeyStorageURL).Env[0]
}

// Read returns the secret: the value itself, the content of the file, or the first line that the command prints (all,
// where the secret has several lines), each without one line break at its end. An empty secret is an error, and so are
// a file that others can write to and text that no secret has, such as a byte order mark. The error is an *Error that
// does not hold what was read; it wraps ctx's error if that was the cause.
func (s SecretRef) Read(ctx context.Context) ([]byte, error) {
	if s.read == nil {
		return nil, &Error{Kind: Missing, Key: s.Key, Reason: "it is not set"}
	}
	secret, err := s.read(ctx)
	if err == nil {
		return CleanSecret(s.secret, secret, s.Key, s.Source)
	}
	return nil, locate(err, s.Key, s.Source)
}

// CleanSecret returns what was read as a secret, without one line break at its end. Text that the secret cannot be is
// an *Error without it; key and source say where it comes from.
func CleanSecret(secret string, text []byte, key string, source Source) ([]byte, error) {
	text = DropNewline(text)
	err := lookup(secret).checkText(string(text))
	if len(text) == 0 {
		err = &Error{Kind: Empty, Reason: "the secret is empty"}
	}
	if err != nil {
		return nil, locate(err, key, source)
	}
	return text, nil
}

// locate returns err as an *Error with the setting and its source.
func locate(err error, key string, source Source) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Kind: ReadFailed, Reason: "read the secret", Err: err}
	}
	located := *e
	located.Key, located.Source = key, source
	return &located
}

// findSecret finds the place of a secret. In the environment the order is value, file, command, then Okta's
// variables. Two places in the flags or in the file are an error, because one of them is a mistake.
func (s *Settings) findSecret(k Key) (SecretRef, error) {
	type place struct {
		key string
		value
	}
	var found []place // the strongest first
	add := func(key, text string, ok bool, source Source) {
		if ok {
			found = append(found, place{key, value{text, source}})
		}
	}
	keys := SecretKeys(k.Name)
	for _, key := range keys {
		text, ok := s.options.Flags[key]
		add(key, text, ok, Source{FromFlag, s.options.FlagName(key)})
	}
	for _, key := range keys {
		name := lookup(key).Env[0]
		text, ok := s.options.LookupEnv(name)
		add(key, text, ok, Source{FromEnv, name})
	}
	for _, name := range k.Env[1:] {
		text, ok := s.options.LookupEnv(name)
		add(k.Name, text, ok, Source{FromEnv, name})
	}
	if k.Name == KeyStoragePassword && s.inURL != nil {
		add(k.Name, s.inURL().text, true, s.inURL().source)
	}
	for _, key := range keys {
		text, ok := s.file[key]
		add(key, text, ok, Source{FromFile, s.path})
	}
	if len(found) == 0 || found[0].source.Kind < FromEnv {
		if name := s.options.withheld(k); name != "" {
			return withheldRef(k, name), nil
		}
	}
	if len(found) == 0 {
		return SecretRef{}, nil
	}
	first := found[0]
	if len(found) > 1 && found[1].source.Kind == first.source.Kind && first.source.Kind != FromEnv &&
		DropNewline(first.text) != "" && DropNewline(found[1].text) != "" {
		return SecretRef{}, conflict(found[1].key, first.key, found[1].source)
	}
	return s.secretRef(k, first.key, first.value), nil
}

// withheld returns the variable of a secret that this process did not get, "" if there is none.
func (o Options) withheld(k Key) string {
	names := strings.Fields(o.env(WithheldVariable))
	i := slices.IndexFunc(k.Env, func(name string) bool { return slices.Contains(names, name) })
	if i < 0 {
		return ""
	}
	return k.Env[i]
}

// withheldRef returns the reference to a secret in a variable that this process did not get.
func withheldRef(k Key, variable string) SecretRef {
	return SecretRef{Source: Source{FromEnv, variable}, Key: k.Name, secret: k.Name,
		read: func(context.Context) ([]byte, error) {
			return nil, &Error{Kind: Withheld, Reason: "it is withheld from this process"}
		},
	}
}

func conflict(key, other string, source Source) error {
	return &Error{Kind: Conflict, Key: key, Other: other, Source: source,
		Reason: fmt.Sprintf("%q is set as well, expected one of them", other)}
}

// secretRef returns the reference to a secret that the setting key, with value v, leads to.
func (s *Settings) secretRef(k Key, key string, v value) SecretRef {
	ref := SecretRef{Source: v.source, Key: key, secret: k.Name, empty: DropNewline(v.text) == ""}
	switch {
	case ref.empty:
		ref.read = func(context.Context) ([]byte, error) {
			return nil, &Error{Kind: Empty, Reason: "it is set but empty"}
		}
	case ref.FromFile():
		ref.read = func(ctx context.Context) ([]byte, error) {
			path, err := s.File(key)
			if err != nil {
				return nil, err
			}
			return readSecretFile(ctx, path)
		}
	case ref.FromCommand():
		ref.read = func(ctx context.Context) ([]byte, error) {
			text, err := s.options.runSecretCommand(ctx, DropNewline(v.text))
			if end := bytes.IndexByte(text, '\n') + 1; end > 0 && !k.lines {
				text = text[:end]
			}
			return text, err
		}
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

// ReadableByOthers returns the file that a secret is in, if other users may read it. What is mounted read-only, as the
// secrets of Docker and Kubernetes are, does not count.
func (s *Settings) ReadableByOthers(secret SecretRef) (path string, yes bool) {
	if !secret.FromFile() {
		return "", false
	}
	path, err := s.resolvePath(secret.Key)
	return path, err == nil && privatefile.OthersCanRead(path)
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
	if err := writersError(privatefile.CheckOpen(f)); err != nil {
		return nil, err
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
	return data, nil
}

// DropNewline removes one LF or CRLF from the end of a value: editors, echo and here documents add it.
func DropNewline[T string | []byte](text T) T {
	n := len(text)
	if n == 0 || text[n-1] != '\n' {
		return text
	}
	if n > 1 && text[n-2] == '\r' {
		n--
	}
	return text[:n-1]
}

// runSecretCommand runs a command line in the shell and returns its output.
func (o Options) runSecretCommand(ctx context.Context, line string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, secretTimeout)
	defer cancel()
	cmd := shell(ctx, line)
	var out bounded
	cmd.Stdout, cmd.Stderr = &out, o.Stderr
	cmd.Env = append(withoutSecrets(os.Environ()), WithheldVariable+"="+WithheldNames(o.LookupEnv)) // it may be an okauth
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
	return out.data, nil
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
