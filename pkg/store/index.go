package store

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// A keychain cannot list its items, so an item of its own, the index, lists the sessions. A session is added before it
// is stored and removed after it is deleted: an entry without a session does no harm, but a session without an entry
// would survive a logout from all sessions. A Backend that can list its items has no index.
const (
	indexAccount = "sessions" // no session's account: those end in eight hex digits
	indexVersion = 1
)

type indexJSON struct {
	Version  int      `json:"okauth"`
	Sessions []string `json:"sessions"` // accounts, sorted
}

// List returns the accounts of all sessions, sorted. An interrupted write or delete may leave accounts without a
// session. No session at all is no error.
//
// An [*Error] of kind Corrupt says that the index is damaged, so that there may be sessions that it does not list: the
// next new session or delete begins a new one.
func (s Sessions) List(ctx context.Context) ([]string, error) {
	if l, ok := s.Items.(lister); ok {
		accounts, err := l.List(ctx)
		return slices.DeleteFunc(accounts, isNoSession), err
	}
	return s.readIndex(ctx)
}

// AddToIndex adds the session of id to the index. Save does so for a new session; a sign-in to an old one calls it in
// case the index was lost.
func (s Sessions) AddToIndex(ctx context.Context, id Identity) error {
	account := id.Account()
	return s.changeIndex(ctx, func(accounts []string) []string {
		if slices.Contains(accounts, account) {
			return accounts
		}
		return append(accounts, account)
	})
}

func (s Sessions) removeFromIndex(ctx context.Context, account string) error {
	return s.changeIndex(ctx, func(accounts []string) []string {
		return slices.DeleteFunc(accounts, func(a string) bool { return a == account })
	})
}

// changeIndex replaces the index by what change makes of it, one process at a time. A corrupt index counts as empty,
// one of a later okauth is left unchanged.
func (s Sessions) changeIndex(ctx context.Context, change func([]string) []string) error {
	if _, ok := s.Items.(lister); ok {
		return nil
	}
	if s.Locks != nil {
		lock, err := s.Locks.Acquire(ctx, indexAccount)
		if err != nil {
			return err
		}
		defer lock.Release()
	}
	old, err := s.readIndex(ctx)
	if err != nil && !IsKind(err, Corrupt) {
		return err
	}
	accounts := change(slices.Clone(old))
	slices.Sort(accounts)
	switch {
	case err == nil && slices.Equal(accounts, old):
		return nil
	case len(accounts) == 0:
		return s.Items.Delete(ctx, indexAccount)
	}
	value, err := encodeEnvelope(indexJSON{indexVersion, accounts})
	if err != nil {
		return WithOp("write the index of the sessions", err)
	}
	return s.Items.Set(ctx, indexAccount, value)
}

func (s Sessions) readIndex(ctx context.Context) ([]string, error) {
	value, err := s.Items.Get(ctx, indexAccount)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var in indexJSON
	err = decodeEnvelope(value, &in, &in.Version, indexVersion)
	sessions := len(in.Sessions) > 0 && slices.IsSorted(in.Sessions) && !slices.ContainsFunc(in.Sessions, isNoSession)
	if err == nil && !sessions {
		err = CorruptError("it lists other items than sessions")
	}
	if err != nil {
		return nil, WithOp("read the index of the sessions", err)
	}
	return in.Sessions, nil
}

// isNoSession reports whether an account is not that of a session but of a client's secret or key ("<profile>.key-…"),
// a chunk, a journal or the index.
func isNoSession(account string) bool {
	i := strings.LastIndexByte(account, '-')
	return i <= 0 || !IsHex(account[i+1:], 8) || strings.Contains(account, ".") || !IsAccount(account)
}

// IsHex reports whether s consists of so many lower-case hex digits.
func IsHex(s string, length int) bool {
	return len(s) == length && strings.Trim(s, "0123456789abcdef") == ""
}
