package store

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
)

// Memory keeps values in this process and forgets them with it. The zero Memory is empty and ready; it may be used by many
// goroutines at once.
type Memory struct {
	mu    sync.Mutex
	items map[string][]byte
}

// Get returns a copy of the value, or [ErrNotFound].
func (m *Memory) Get(_ context.Context, account string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.items[account]
	if !ok {
		return nil, ErrNotFound
	}
	return slices.Clone(value), nil
}

// Set keeps a copy of value. It refuses the names and values that a keychain would refuse.
func (m *Memory) Set(_ context.Context, account string, value []byte) error {
	if err := checkItem(account, value); err != nil {
		return &Error{Failed, "keep " + strconv.Quote(account) + " in memory", err}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.items == nil {
		m.items = make(map[string][]byte)
	}
	m.items[account] = slices.Clone(value)
	return nil
}

// Delete forgets the value.
func (m *Memory) Delete(_ context.Context, account string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.items, account)
	return nil
}

// Accounts returns the names that have a value, sorted.
func (m *Memory) Accounts() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.items))
}

// List returns the names that have a value, sorted.
func (m *Memory) List(context.Context) ([]string, error) { return m.Accounts(), nil }

// None keeps nothing and touches neither disk nor bus: every Get is [ErrNotFound], every Set an [*Error] of kind Absent.
type None struct{}

// Get returns [ErrNotFound].
func (None) Get(context.Context, string) ([]byte, error) { return nil, ErrNotFound }

// Set returns an [*Error].
func (None) Set(_ context.Context, account string, _ []byte) error {
	return &Error{Unavailable, "keep " + strconv.Quote(account), errors.New("storage is switched off")}
}

// Delete succeeds: there is nothing to delete.
func (None) Delete(context.Context, string) error { return nil }

// List returns no names.
func (None) List(context.Context) ([]string, error) { return nil, nil }
