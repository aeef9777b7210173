package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// maxConfig bounds the configuration file, in bytes.
const maxConfig = 1 << 20

// readConfig returns the bytes of a configuration file; a file that does not
// exist gives an error that is fs.ErrNotExist. Nothing but a regular file is
// opened, so that a FIFO cannot make okauth wait, and no more than maxConfig
// bytes are read.
func readConfig(path string) ([]byte, error) {
	wrong := func(reason string, err error) error {
		return &Error{Source: Source{FromFile, path}, Reason: reason, Err: err}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, wrong("open", cause(err))
	}
	if !info.Mode().IsRegular() {
		return nil, wrong("expected a regular file, got "+typeName(info.Mode()), nil)
	}
	// The file may have been replaced since: O_NONBLOCK keeps the promise.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, wrong("open", cause(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, wrong("read", cause(err))
	}
	if len(data) > maxConfig {
		return nil, wrong(fmt.Sprintf("the file is larger than %d bytes", maxConfig), nil)
	}
	return data, nil
}

func typeName(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}

// checkPrivate refuses a file that holds a client secret and that anybody but
// its owner can read or replace. Symbolic links are followed first: what counts
// is the file that holds the secret and the directory that holds that file.
func checkPrivate(path string) error {
	wrong := func(reason, next string) error {
		return &Error{Key: KeyClientSecret, Source: Source{FromFile, path}, Reason: reason, Next: next}
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return wrong("follow the path of the file: "+cause(err).Error(), "")
	}
	info, err := os.Stat(target)
	if err != nil {
		return wrong("look at the file: "+cause(err).Error(), "")
	}
	if !ownedByUs(info) {
		return wrong("the file belongs to another user, and it holds a secret", "run `sudo chown \"$USER\" "+shellQuote(target)+"`, or move the secret out of the file")
	}
	if mode := permissions(info); mode&0o077 != 0 {
		return wrong(fmt.Sprintf("the file holds a secret and its mode is %04o: others can read it", mode), "run `chmod 600 "+shellQuote(target)+"`, and have the secret replaced if somebody else may have seen it")
	}
	dir := filepath.Dir(target)
	info, err = os.Stat(dir)
	if err != nil {
		return wrong("look at the directory: "+cause(err).Error(), "")
	}
	if mode := permissions(info); mode&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
		return wrong("the file holds a secret and everybody can replace files in its directory", "run `chmod o-w "+shellQuote(dir)+"`")
	}
	return nil
}

// shellQuote makes a path safe to paste behind a command.
func shellQuote(path string) string {
	for _, r := range path {
		if r == '\'' || isControl(r) {
			return shown(path)
		}
	}
	return "'" + path + "'"
}

// isMissing reports whether err says that there is no such file.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
