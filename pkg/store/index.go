package store

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// A keychain cannot be asked what is in it, so an item of its own says which sessions there are. An entry is made before its
// session and removed after it: an entry without a session does no harm, a session that is not listed would outlive
// `okauth logout --all`. Items that can list their accounts are asked instead, and have no index.
const (
	indexAccount = "sessions" // no session's account: those end in eight hex digits
	indexVersion = 1
)

// lister is Items that know their accounts.
type lister interface {
	List(ctx context.Context) ([]string, error)
}

type indexJSON struct {
	Version  int      `json:"okauth"`
	Sessions []string `json:"sessions"` // accounts, sorted
}

// List returns the accounts of all sessions, sorted. [Sessions.LoadAccount] may find nothing under some of them: a write or
// a delete was interrupted there. No session at all is no error.
//
// An [*Error] of kind Corrupt says that the index cannot be believed, so that there may be sessions that nobody knows of: the
// next Save of a new session, Enlist or DeleteAccount begins a new index.
func (s Sessions) List(ctx context.Context) ([]string, error) {
	if l, ok := s.Items.(lister); ok {
		accounts, err := l.List(ctx)
		return slices.DeleteFunc(accounts, isNoSessionAccount), err
	}
	value, err := s.Items.Get(ctx, indexAccount)
	return decodeIndex(value, err)
}

// AddToIndex makes List name the session of id, if it does not yet. Save does so for a new session. Whoever signs in again calls
// it for the session that there was, lest it stay unknown after the index was lost.
func (s Sessions) AddToIndex(ctx context.Context, id Identity) error {
	account := id.Account()
	return s.changeIndex(ctx, func(accounts []string) []string {
		if slices.Contains(accounts, account) {
			return accounts
		}
		return append(slices.Clone(accounts), account)
	})
}

// delist makes List name account no more.
func (s Sessions) delist(ctx context.Context, account string) error {
	return s.changeIndex(ctx, func(accounts []string) []string {
		return slices.DeleteFunc(slices.Clone(accounts), func(a string) bool { return a == account })
	})
}

// changeIndex replaces the index by what change makes of it, in turn with other processes. An index that cannot be believed
// is taken for an empty one, one of a later okauth is left alone.
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
	value, err := s.Items.Get(ctx, indexAccount)
	old, err := decodeIndex(value, err)
	if err != nil && !isKind(err, Corrupt) {
		return err
	}
	fresh := change(old)
	switch {
	case err == nil && slices.Equal(fresh, old):
		return nil
	case len(fresh) == 0:
		return s.Items.Delete(ctx, indexAccount)
	}
	slices.Sort(fresh)
	value, err = encodeEnvelope(indexJSON{indexVersion, fresh})
	if err != nil {
		return itemError("write the index of the sessions", err)
	}
	return s.Items.Set(ctx, indexAccount, value)
}

// decodeIndex takes what a Get returned. Its errors never quote the value.
func decodeIndex(value []byte, err error) ([]string, error) {
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var in indexJSON
	err = decodeEnvelope(value, &in, &in.Version, indexVersion)
	if err == nil && (len(in.Sessions) == 0 || !slices.IsSorted(in.Sessions) || slices.ContainsFunc(in.Sessions, isNoSessionAccount)) {
		err = corrupt("it names what is no session")
	}
	if err != nil {
		return nil, itemError("read the index of the sessions", err)
	}
	return in.Sessions, nil
}

// isSessionAccount tells the accounts of sessions from those of client secrets ("<profile>.secret-…"), chunks, journals and
// the index.
func isSessionAccount(account string) bool {
	i := strings.LastIndexByte(account, '-')
	return i > 0 && isHex(account[i+1:], 8) && !strings.Contains(account, ".") && isAccount(account)
}

func isNoSessionAccount(account string) bool { return !isSessionAccount(account) }
