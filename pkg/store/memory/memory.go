// Package memory stores values in this process: for tests and demonstrations.
package memory

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"

	"okauth/pkg/store"
)

// Store is a [store.Backend] that ends with the process. The zero Store is empty and ready; goroutines may share it.
type Store struct {
	mu    sync.Mutex
	items map[string][]byte
}

// Get returns a copy of the value, or [store.ErrNotFound].
func (s *Store) Get(_ context.Context, account string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok := s.items[account]
	if !ok {
		return nil, store.ErrNotFound
	}
	return slices.Clone(value), nil
}

// Set stores a copy of value. It refuses the names and values that a keychain would refuse.
func (s *Store) Set(_ context.Context, account string, value []byte) error {
	if err := store.CheckItem(account, value); err != nil {
		return store.NewError(store.Failed, "store "+strconv.Quote(account)+" in memory", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.items == nil {
		s.items = make(map[string][]byte)
	}
	s.items[account] = slices.Clone(value)
	return nil
}

// Delete deletes the value.
func (s *Store) Delete(_ context.Context, account string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.items, account)
	return nil
}

// Accounts returns the names that have a value, sorted.
func (s *Store) Accounts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.items))
}

// List returns the names that have a value, sorted.
func (s *Store) List(context.Context) ([]string, error) { return s.Accounts(), nil }
