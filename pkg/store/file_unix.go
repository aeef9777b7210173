//go:build !windows

package store

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// mayWrite asks for the right to add an entry to a directory. It also knows read-only file systems.
func mayWrite(dir string) error { return unix.Access(dir, unix.W_OK|unix.X_OK) }

// syncDir makes a rename or removal outlive a power failure.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err == nil {
		err = d.Sync()
		if cerr := d.Close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		return &Error{Failed, "flush " + strconv.Quote(dir), bare(err)}
	}
	return nil
}
