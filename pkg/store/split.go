package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// chunked is Items over Items that hold little. A value that fits is one item, as it is. A bigger one is
//
//	<account>                  the head: generation, number of chunks, length, SHA-256
//	<account>.<generation>.0…  the chunks
//
// The chunks are written under a new generation first and the head last, so that a reader finds the old value or the new one,
// whenever the writer stops. What a stopped writer leaves, or one that was thought to have stopped overwrites, is found again by
//
//	<account>.journal          every generation that there is or may be
//
// which is written before anything else and deleted last. A reader does not need it.
type chunked struct {
	items Backend
	limit func(account string) int // bytes in one item of that name
}

const (
	headPrefix    = "okauth-split:"
	headVersion   = 1
	journalPrefix = "okauth-journal:1:"
	maxChunks     = 64 // of Windows' 2560 bytes: 160 KiB
)

// manifest describes a value that is kept in chunks.
type manifest struct {
	generation string // 8 hex digits, random
	count      int    // of chunks
	length     int    // of the value, in bytes
	sum        string // SHA-256 of the value in hex
}

func (h manifest) String() string {
	return fmt.Sprintf("%s%d:%s:%d:%d:%s", headPrefix, headVersion, h.generation, h.count, h.length, h.sum)
}

func (h manifest) chunk(account string, i int) string {
	return account + "." + h.generation + "." + strconv.Itoa(i)
}

// parseHead reads a head item. isHead is false for a value that is none: a whole value. The error is a *formatError; the head
// of a damaged item has the generation, where that can still be read.
func parseHead(item []byte) (h manifest, isHead bool, err error) {
	text, isHead := strings.CutPrefix(string(item), headPrefix)
	if !isHead {
		return manifest{}, false, nil
	}
	version, rest, _ := strings.Cut(text, ":")
	if v, err := strconv.ParseUint(version, 10, 32); err == nil && v > headVersion {
		return manifest{}, true, &formatError{UnsupportedVersion, fmt.Sprintf("the stored value is split in format %d, and this okauth knows %d", v, headVersion)}
	}
	broken := corrupt("its first part is damaged")
	fields := strings.Split(rest, ":")
	if len(fields) != 4 {
		return manifest{generation: fields[0]}, true, broken
	}
	h.generation, h.sum = fields[0], fields[3]
	h.count, _ = strconv.Atoi(fields[1])
	h.length, _ = strconv.Atoi(fields[2])
	// What does not print as it was read was not printed by us.
	if h.String() != string(item) || !isHex(h.generation, 8) || !isHex(h.sum, 2*sha256.Size) ||
		h.count < 1 || h.count > maxChunks || h.length < h.count || h.length > maxValue {
		return manifest{generation: h.generation}, true, broken
	}
	return h, true, nil
}

func isHex(s string, length int) bool {
	return len(s) == length && strings.Trim(s, "0123456789abcdef") == ""
}

// errTorn says that head and chunks do not belong together.
var errTorn = corrupt("its parts do not belong together")

// Get returns the value, put together again and compared with its checksum.
func (s chunked) Get(ctx context.Context, account string) ([]byte, error) {
	var seen string
	for {
		item, err := s.items.Get(ctx, account)
		if err != nil {
			return nil, err
		}
		value, err := s.assemble(ctx, account, item)
		// Another process may have replaced the value between two of our reads. Then the head is a new one, and else it
		// stays torn. Heads do not change for ever: each costs the writer more than the reader.
		if errors.Is(err, errTorn) && seen != string(item) {
			seen = string(item)
			continue
		}
		var f *formatError
		if errors.As(err, &f) {
			err = itemError("read "+strconv.Quote(account)+" from the keychain", err)
		}
		return value, err
	}
}

func (s chunked) assemble(ctx context.Context, account string, item []byte) ([]byte, error) {
	h, isHead, err := parseHead(item)
	if err != nil {
		return nil, err
	}
	if !isHead {
		return item, nil
	}
	value := make([]byte, 0, h.length)
	for i := range h.count {
		part, err := s.items.Get(ctx, h.chunk(account, i))
		if errors.Is(err, ErrNotFound) {
			return nil, errTorn
		}
		if err != nil {
			return nil, err
		}
		value = append(value, part...)
	}
	if len(value) != h.length || checksum(value) != h.sum {
		return nil, errTorn
	}
	return value, nil
}

func checksum(value []byte) string {
	sum := sha256.Sum256(value)
	return hex.EncodeToString(sum[:])
}

// Set stores value whole or in chunks. Size and contents are checked before anything is written.
func (s chunked) Set(ctx context.Context, account string, value []byte) error {
	op := "write " + strconv.Quote(account) + " to the keychain"
	if err := checkItem(account, value); err != nil {
		return &Error{Failed, op, err}
	}
	if strings.HasPrefix(string(value), headPrefix) {
		return &Error{Failed, op, fmt.Errorf("a value must not begin with %q", headPrefix)}
	}
	if len(value) > maxValue {
		return &Error{TooBig, op, fmt.Errorf("the value has %d bytes, expected at most %d", len(value), maxValue)}
	}
	// Where everything fits, nothing is ever split and there is nothing to sweep: one write and no read.
	if s.limit(account) >= maxValue {
		return s.items.Set(ctx, account, value)
	}
	h, parts, err := s.cut(account, value)
	if err != nil {
		return &Error{TooBig, op, err}
	}
	old, stale, err := s.generations(ctx, account)
	if err != nil {
		return err
	}
	// What earlier writes left goes first: a keychain that was full has room again, and the journal does not grow.
	if s.sweepChunks(ctx, account, stale) != nil {
		old = append(old, stale...)
	}
	if err := s.writeJournal(ctx, account, append(old, h...)); err != nil {
		return err
	}
	for i, part := range parts {
		if err := s.items.Set(ctx, h[0].chunk(account, i), part); err != nil {
			return err
		}
	}
	top := value
	if len(h) > 0 {
		top = []byte(h[0].String())
	}
	if err := s.items.Set(ctx, account, top); err != nil {
		return err
	}
	// The value is stored. What cannot be swept now stays in the journal for the next write.
	_ = s.sweep(ctx, account, old, h)
	return nil
}

// cut returns no head for a value that fits in one item, and else one head and its chunks.
func (s chunked) cut(account string, value []byte) ([]manifest, [][]byte, error) {
	if len(value) <= s.limit(account) {
		return nil, nil, nil
	}
	var id [4]byte
	_, _ = rand.Read(id[:]) // never fails: crypto/rand
	h := manifest{generation: hex.EncodeToString(id[:]), length: len(value), sum: checksum(value)}
	size := s.limit(h.chunk(account, maxChunks))
	if size < 1 || len(value) > size*maxChunks {
		return nil, nil, fmt.Errorf("the value has %d bytes, expected at most %d", len(value), max(size, 0)*maxChunks)
	}
	var parts [][]byte
	for rest := value; len(rest) > 0; {
		n := min(size, len(rest))
		parts = append(parts, rest[:n])
		rest = rest[n:]
	}
	h.count = len(parts)
	return []manifest{h}, parts, nil
}

// Delete removes the head first, so that a reader finds nothing rather than half. A damaged head goes with the chunks of the
// generation that can be read in it; what a later okauth split is left untouched.
func (s chunked) Delete(ctx context.Context, account string) error {
	if s.limit(account) >= maxValue {
		return s.items.Delete(ctx, account)
	}
	old, stale, err := s.generations(ctx, account)
	if err != nil {
		return err
	}
	old = append(old, stale...)
	if err := s.writeJournal(ctx, account, old); err != nil {
		return err
	}
	if err := s.items.Delete(ctx, account); err != nil {
		return err
	}
	return s.sweep(ctx, account, old, nil)
}

// generations returns what is stored in chunks under account: what the head names is current, what a damaged head or the
// journal names besides is stale.
func (s chunked) generations(ctx context.Context, account string) (current, stale []manifest, err error) {
	item, err := s.items.Get(ctx, account)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, nil, err
	}
	h, isHead, err := parseHead(item)
	var f *formatError
	switch {
	case errors.As(err, &f) && f.kind == UnsupportedVersion:
		return nil, nil, itemError("replace "+strconv.Quote(account)+" in the keychain", err)
	case isHead && err == nil:
		current = append(current, h)
	case isHead && isHex(h.generation, 8):
		stale = append(stale, manifest{generation: h.generation, count: maxChunks})
	}
	item, err = s.items.Get(ctx, account+".journal")
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, nil, err
	}
	for _, named := range parseJournal(item) {
		if named.generation != h.generation {
			stale = append(stale, named)
		}
	}
	return current, stale, nil
}

func (s chunked) writeJournal(ctx context.Context, account string, heads []manifest) error {
	if len(heads) == 0 {
		return nil
	}
	var names []string
	for _, h := range heads {
		names = append(names, fmt.Sprintf("%s/%d", h.generation, h.count))
	}
	return s.items.Set(ctx, account+".journal", []byte(journalPrefix+strings.Join(names, ",")))
}

// parseJournal returns generations and counts. It skips what it cannot read: then something is left over, but nothing is lost.
func parseJournal(item []byte) []manifest {
	text, ok := strings.CutPrefix(string(item), journalPrefix)
	if !ok {
		return nil
	}
	var heads []manifest
	for name := range strings.SplitSeq(text, ",") {
		generation, count, _ := strings.Cut(name, "/")
		n, err := strconv.Atoi(count)
		if err == nil && isHex(generation, 8) && 0 < n && n <= maxChunks {
			heads = append(heads, manifest{generation: generation, count: n})
		}
	}
	return heads
}

// sweep deletes the chunks of old generations, and leaves those in the journal that stay.
func (s chunked) sweep(ctx context.Context, account string, old, stay []manifest) error {
	if err := s.sweepChunks(ctx, account, old); err != nil {
		return err
	}
	if len(stay) > 0 {
		return s.writeJournal(ctx, account, stay)
	}
	return s.items.Delete(ctx, account+".journal")
}

// sweepChunks goes on after an error and returns the first.
func (s chunked) sweepChunks(ctx context.Context, account string, old []manifest) error {
	var first error
	for _, h := range old {
		for i := range h.count {
			if err := s.items.Delete(ctx, h.chunk(account, i)); err != nil && first == nil {
				first = err
			}
		}
	}
	return first
}
