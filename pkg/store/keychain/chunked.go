package keychain

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"okauth/pkg/store"
)

// chunked stores values of any size in a backend with small items. A value that fits is one item, as it is. A larger
// one is
//
//	<account>                    the manifest: generation, number of chunks, length, SHA-256
//	<account>.<generation>.0 …   the chunks
//
// A writer stores the chunks under a new generation first and the manifest last, so that a reader finds the old value
// or the new one, wherever the writer stops. What a stopped writer leaves behind is found again by
//
//	<account>.journal            every generation that exists or may exist
//
// which is written before anything else and deleted last. Readers do not need it.
type chunked struct {
	items store.Backend
	limit func(account string) int // bytes in an item of that name
}

const (
	manifestPrefix  = "okauth-split:"
	manifestVersion = 1
	journalPrefix   = "okauth-journal:1:"
	maxChunks       = 64 // of Windows' 2560 bytes: 160 KiB
)

// manifest describes a value that is stored in chunks.
type manifest struct {
	generation string // 8 hex digits, random
	count      int    // of chunks
	length     int    // of the value, in bytes
	sum        string // SHA-256 of the value in hex
}

func (m manifest) String() string {
	return fmt.Sprintf("%s%d:%s:%d:%d:%s", manifestPrefix, manifestVersion, m.generation, m.count, m.length, m.sum)
}

func (m manifest) chunk(account string, i int) string {
	return account + "." + m.generation + "." + strconv.Itoa(i)
}

// parseManifest parses an item. ok is false for an item that is a whole value. The manifest of a damaged item has the
// generation, if that can still be read.
func parseManifest(item []byte) (m manifest, ok bool, err error) {
	text, ok := strings.CutPrefix(string(item), manifestPrefix)
	if !ok {
		return manifest{}, false, nil
	}
	version, rest, _ := strings.Cut(text, ":")
	if v, err := strconv.ParseUint(version, 10, 32); err == nil && v > manifestVersion {
		return manifest{}, true, store.NewerError(v, manifestVersion)
	}
	damaged := store.CorruptError("its first part is damaged")
	fields := strings.Split(rest, ":")
	if len(fields) != 4 {
		return manifest{generation: fields[0]}, true, damaged
	}
	m.generation, m.sum = fields[0], fields[3]
	m.count, _ = strconv.Atoi(fields[1])
	m.length, _ = strconv.Atoi(fields[2])
	// Only what prints as it was read was printed by String.
	if m.String() != string(item) || !store.IsHex(m.generation, 8) || !store.IsHex(m.sum, 2*sha256.Size) ||
		m.count < 1 || m.count > maxChunks || m.length < m.count || m.length > store.MaxValue {
		return manifest{generation: m.generation}, true, damaged
	}
	return m, true, nil
}

// errTorn says that manifest and chunks do not belong together.
var errTorn = store.CorruptError("its parts do not belong together")

// Get returns the value, assembled and compared with its checksum.
func (c chunked) Get(ctx context.Context, account string) ([]byte, error) {
	var torn string
	for {
		item, err := c.items.Get(ctx, account)
		if err != nil {
			return nil, err
		}
		value, err := c.assemble(ctx, account, item)
		// Another process may have replaced the value between two reads. Then there is a new manifest to read; a writer
		// cannot keep replacing it, because a write takes longer than a read.
		if errors.Is(err, errTorn) && torn != string(item) {
			torn = string(item)
			continue
		}
		return value, store.WithOp("read "+strconv.Quote(account)+" from the keychain", err)
	}
}

func (c chunked) assemble(ctx context.Context, account string, item []byte) ([]byte, error) {
	m, ok, err := parseManifest(item)
	if err != nil {
		return nil, err
	}
	if !ok {
		return item, nil
	}
	value := make([]byte, 0, m.length)
	for i := range m.count {
		chunk, err := c.items.Get(ctx, m.chunk(account, i))
		if errors.Is(err, store.ErrNotFound) {
			return nil, errTorn
		}
		if err != nil {
			return nil, err
		}
		value = append(value, chunk...)
	}
	if len(value) != m.length || checksum(value) != m.sum {
		return nil, errTorn
	}
	return value, nil
}

func checksum(value []byte) string {
	sum := sha256.Sum256(value)
	return hex.EncodeToString(sum[:])
}

// Set stores the value whole or in chunks. It checks size and content before it writes anything.
func (c chunked) Set(ctx context.Context, account string, value []byte) error {
	op := "write " + strconv.Quote(account) + " to the keychain"
	if err := store.CheckItem(account, value); err != nil {
		return store.NewError(store.Failed, op, err)
	}
	if strings.HasPrefix(string(value), manifestPrefix) {
		return store.NewError(store.Failed, op, fmt.Errorf("a value must not begin with %q", manifestPrefix))
	}
	if len(value) > store.MaxValue {
		return store.WithOp(op, store.SizeError(len(value), store.MaxValue))
	}
	// Where everything fits in one item there are no chunks to look for: one write and no read.
	if c.limit(account) >= store.MaxValue {
		return c.items.Set(ctx, account, value)
	}
	next, chunks, err := c.split(account, value)
	if err != nil {
		return store.WithOp(op, err)
	}
	current, stale, err := c.generations(ctx, account)
	if err != nil {
		return err
	}
	// What earlier writes left goes first: that makes room in a full keychain and keeps the journal short.
	if c.deleteChunks(ctx, account, stale) != nil {
		current = append(current, stale...)
	}
	if err := c.writeJournal(ctx, account, append(current, next...)); err != nil {
		return err
	}
	item := value
	if len(next) > 0 {
		for i, chunk := range chunks {
			if err := c.items.Set(ctx, next[0].chunk(account, i), chunk); err != nil {
				return err
			}
		}
		item = []byte(next[0].String())
	}
	if err := c.items.Set(ctx, account, item); err != nil {
		return err
	}
	// The value is stored. What cannot be deleted now stays in the journal for the next write.
	_ = c.cleanUp(ctx, account, current, next)
	return nil
}

// split returns the manifest and the chunks of a value; none for a value that fits in one item.
func (c chunked) split(account string, value []byte) ([]manifest, [][]byte, error) {
	if len(value) <= c.limit(account) {
		return nil, nil, nil
	}
	var id [4]byte
	_, _ = rand.Read(id[:]) // never fails
	m := manifest{generation: hex.EncodeToString(id[:]), length: len(value), sum: checksum(value)}
	size := c.limit(m.chunk(account, maxChunks))
	if size < 1 || len(value) > size*maxChunks {
		return nil, nil, store.SizeError(len(value), max(size, 0)*maxChunks)
	}
	chunks := slices.Collect(slices.Chunk(value, size))
	m.count = len(chunks)
	return []manifest{m}, chunks, nil
}

// Delete deletes the manifest first, so that a reader finds nothing rather than a part. With a damaged manifest go the
// chunks of its generation, if that can be read; what a later okauth wrote is left unchanged.
func (c chunked) Delete(ctx context.Context, account string) error {
	if c.limit(account) >= store.MaxValue {
		return c.items.Delete(ctx, account)
	}
	current, stale, err := c.generations(ctx, account)
	if err != nil {
		return err
	}
	old := append(current, stale...)
	if err := c.writeJournal(ctx, account, old); err != nil {
		return err
	}
	if err := c.items.Delete(ctx, account); err != nil {
		return err
	}
	return c.cleanUp(ctx, account, old, nil)
}

// generations returns what is stored in chunks: current is what the manifest names, stale what a damaged manifest or
// the journal names besides.
func (c chunked) generations(ctx context.Context, account string) (current, stale []manifest, err error) {
	item, err := c.items.Get(ctx, account)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, nil, err
	}
	m, ok, err := parseManifest(item)
	switch {
	case store.IsKind(err, store.UnsupportedVersion):
		return nil, nil, store.WithOp("replace "+strconv.Quote(account)+" in the keychain", err)
	case ok && err == nil:
		current = append(current, m)
	case ok && store.IsHex(m.generation, 8):
		stale = append(stale, manifest{generation: m.generation, count: maxChunks})
	}
	item, err = c.items.Get(ctx, account+".journal")
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, nil, err
	}
	for _, named := range parseJournal(item) {
		if named.generation != m.generation {
			stale = append(stale, named)
		}
	}
	return current, stale, nil
}

func (c chunked) writeJournal(ctx context.Context, account string, manifests []manifest) error {
	if len(manifests) == 0 {
		return nil
	}
	var names []string
	for _, m := range manifests {
		names = append(names, fmt.Sprintf("%s/%d", m.generation, m.count))
	}
	return c.items.Set(ctx, account+".journal", []byte(journalPrefix+strings.Join(names, ",")))
}

// parseJournal returns generations and counts. It skips what it cannot read: some chunks may stay then, but no value is
// lost.
func parseJournal(item []byte) []manifest {
	text, ok := strings.CutPrefix(string(item), journalPrefix)
	if !ok {
		return nil
	}
	var manifests []manifest
	for name := range strings.SplitSeq(text, ",") {
		generation, count, _ := strings.Cut(name, "/")
		n, err := strconv.Atoi(count)
		if err == nil && store.IsHex(generation, 8) && 0 < n && n <= maxChunks {
			manifests = append(manifests, manifest{generation: generation, count: n})
		}
	}
	return manifests
}

// cleanUp deletes the chunks of old generations and leaves in the journal the generations that stay.
func (c chunked) cleanUp(ctx context.Context, account string, old, staying []manifest) error {
	if err := c.deleteChunks(ctx, account, old); err != nil {
		return err
	}
	if len(staying) > 0 {
		return c.writeJournal(ctx, account, staying)
	}
	return c.items.Delete(ctx, account+".journal")
}

// deleteChunks continues after an error and returns the first.
func (c chunked) deleteChunks(ctx context.Context, account string, manifests []manifest) error {
	var first error
	for _, m := range manifests {
		for i := range m.count {
			first = cmp.Or(first, c.items.Delete(ctx, m.chunk(account, i)))
		}
	}
	return first
}
