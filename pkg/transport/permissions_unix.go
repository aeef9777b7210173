//go:build !windows

package transport

import "io/fs"

// permissions returns the permission bits that the system enforces.
func permissions(info fs.FileInfo) fs.FileMode { return info.Mode().Perm() }
