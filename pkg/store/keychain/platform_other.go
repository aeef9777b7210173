//go:build !unix && !windows

package keychain

import "okauth/pkg/store"

func classify(err error) (store.ErrorKind, error) { return store.Failed, err }
