package diskcache

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"okauth/pkg/internal/privatefile"
)

// cacheNow is when these tests begin. The fraction of a second must not matter.
var cacheNow = time.Date(2031, 5, 4, 3, 2, 1, 999_999_999, time.UTC)

func cacheAt(dir string, now time.Time) Cache {
	return Cache{Dir: dir, Now: func() time.Time { return now }}
}

func mustSave(t testing.TB, c Cache, name, data string, until time.Time) {
	t.Helper()
	if err := c.Save(name, []byte(data), until); err != nil {
		t.Fatal(err)
	}
}

// wantCached checks what is kept under name; "" is nothing.
func wantCached(t testing.TB, c Cache, name, want string) {
	t.Helper()
	data, ok := c.Load(name)
	if ok != (want != "") || string(data) != want && ok {
		t.Errorf("Load(%.60q): got %.60q, %v; want %.60q", name, data, ok, want)
	}
}

func TestCacheKeeps(t *testing.T) {
	t.Parallel()
	c := cacheAt(privateTemp(t)+"/", cacheNow)
	names := []string{"", "jwks https://dev-1.okta.com/oauth2/default", "../../etc/passwd", "a\x00b\n", strings.Repeat("long", 9000), "\u00fc"}
	for i, name := range names {
		wantCached(t, c, name, "")
		mustSave(t, c, name, fmt.Sprint("first ", i), cacheNow.Add(time.Hour))
		mustSave(t, c, name, fmt.Sprint("data\n", i), cacheNow.Add(time.Hour))
	}
	for i, name := range names {
		wantCached(t, c, name, fmt.Sprint("data\n", i))
	}
	if err := c.Save("empty", nil, cacheNow.Add(time.Hour)); err != nil {
		t.Error(err)
	}
	if data, ok := c.Load("empty"); !ok || len(data) != 0 {
		t.Errorf("got %q, %v; want nothing, kept", data, ok)
	}
}

func TestCacheTimes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		until, read time.Duration // from the time of saving
		kept        bool
	}{
		{"at once", time.Hour, 0, true},
		{"a second before the end", time.Hour, time.Hour - time.Second, true},
		{"at the end", time.Hour, time.Hour, false},
		{"long after", time.Hour, 1000 * time.Hour, false},
		{"no time at all", 0, 0, false},
		{"over before it began", -time.Hour, 0, false},
		{"a clock that ran backwards", time.Hour, -time.Second, false},
		{"24 hours", 24 * time.Hour, 24*time.Hour - time.Second, true},
		{"more than 24 hours are 24", 9000 * time.Hour, 24*time.Hour - time.Second, true},
		{"more than 24 hours are not more", 9000 * time.Hour, 24 * time.Hour, false},
		{"before the epoch", time.Hour, -100 * 365 * 24 * time.Hour, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, want := privateTemp(t), ""
			if tt.kept {
				want = "data"
			}
			mustSave(t, cacheAt(dir, cacheNow), "a", "data", cacheNow.Add(tt.until))
			wantCached(t, cacheAt(dir, cacheNow.Add(tt.read)), "a", want)
		})
	}
}

// TestAT69_NoPlaceForACache: nothing is kept, and nothing fails.
func TestAT69_NoPlaceForACache(t *testing.T) {
	t.Parallel()
	if err := (Cache{Now: time.Now}).Save("a", []byte("data"), time.Now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
	wantCached(t, Cache{}, "a", "")
	if _, err := os.Lstat(Cache{}.path("a")); err == nil {
		t.Error("a file was made in the working directory")
	}
	inFile := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(inFile, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := Cache{Dir: filepath.Join(inFile, "okauth"), Now: time.Now}
	wantError(t, c.Save("a", []byte("data"), time.Now().Add(time.Hour)), "failed", inFile)
	wantCached(t, c, "a", "")
}

// TestAT84_CacheFileThatCannotBeBelieved: whatever a crash, a full disk or an editor makes of a file, it is no data.
func TestAT84_CacheFileThatCannotBeBelieved(t *testing.T) {
	t.Parallel()
	c := cacheAt(privateTemp(t), cacheNow)
	mustSave(t, c, "a", "the data", cacheNow.Add(time.Hour))
	path := c.path("a")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	record := func(written, until time.Duration, data string) []byte {
		return encode(t, entry{cacheNow.Add(written), cacheNow.Add(until), []byte(data)})
	}
	digest, body, _ := bytes.Cut(whole, []byte("\n"))
	other, _, _ := bytes.Cut(record(0, time.Hour, "their data"), []byte("\n"))
	spoiled := map[string][]byte{
		"garbage":        []byte("\x00\xff garbage \x1b[2J"),
		"no digest":      body,
		"another digest": slices.Concat(other, []byte("\n"), body),
		"not JSON":       []byte(sum([]byte("x")) + "\nx"),
		"no members":     []byte(sum([]byte("{}")) + "\n{}"),
		"capitals":       slices.Concat(bytes.ToUpper(digest), []byte("\n"), body),
		"one byte more":  append(bytes.Clone(whole), 'x'),
		"twice":          append(bytes.Clone(whole), whole...),
		"line ends":      bytes.ReplaceAll(whole, []byte("\n"), []byte("\r\n")),
		"no line end":    bytes.ReplaceAll(whole, []byte("\n"), nil),
		"two days":       record(0, 48*time.Hour, "x"),
		"from tomorrow":  record(time.Second, time.Minute, "x"),
		"too much of it": record(0, time.Minute, strings.Repeat("x", maxFile)),
	}
	for n := range whole {
		spoiled[fmt.Sprintf("cut after %d bytes", n)] = whole[:n]
		flipped := bytes.Clone(whole)
		flipped[n] ^= 0x20
		spoiled[fmt.Sprintf("byte %d changed", n)] = flipped
	}
	for what, text := range spoiled {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if data, ok := c.Load("a"); ok {
			t.Errorf("%s: got %.60q, want nothing", what, data)
		}
	}
	mustSave(t, c, "a", "the data", cacheNow.Add(time.Hour))
	wantCached(t, c, "a", "the data")
}

func TestAT09_CacheIsBounded(t *testing.T) {
	t.Parallel()
	c := cacheAt(privateTemp(t), cacheNow)
	most := strings.Repeat("m", maxData)
	mustSave(t, c, "a", most, cacheNow.Add(time.Hour))
	wantCached(t, c, "a", most)
	wantError(t, c.Save("a", []byte(most+"m"), cacheNow.Add(time.Hour)), "too_big", strconv.Quote(c.path("a")), "2097153 bytes")
	wantCached(t, c, "a", most)
	f, err := os.OpenFile(c.path("a"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(1 << 40); err != nil { // reading all of it would never end
		t.Fatal(err)
	}
	wantCached(t, c, "a", "")
}

func TestCacheSweeps(t *testing.T) {
	t.Parallel()
	c := cacheAt(privateTemp(t), cacheNow)
	const day = 24 * time.Hour
	written := time.Now()
	made := func(name string, age time.Duration) {
		path := filepath.Join(c.Dir, name)
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, written.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	mustSave(t, c, "old", "data", cacheNow.Add(time.Hour))
	made("old.cache", 8*day+time.Minute)
	made("killed.new.cache", 8*day+time.Minute)
	made("week.cache", 7*day)
	made("busy.new.cache", time.Second)
	made("session.sealed", 1000*day)
	made("session.sealed.new", 1000*day)
	if err := os.Mkdir(filepath.Join(c.Dir, "directory.cache"), 0o700); err != nil {
		t.Fatal(err)
	}
	mustSave(t, c, "fresh", "data", cacheNow.Add(time.Hour))
	got := names(t, c.Dir)
	for _, name := range []string{"old.cache", "killed.new.cache"} {
		if slices.Contains(got, name) {
			t.Errorf("%s is still there", name)
		}
	}
	for _, name := range []string{"week.cache", "busy.new.cache", "session.sealed", "session.sealed.new", "directory.cache"} {
		if !slices.Contains(got, name) {
			t.Errorf("%s is gone", name)
		}
	}
	wantCached(t, c, "old", "data")
	wantCached(t, c, "fresh", "data")
}

// TestAT92_CacheUnderManyHands: readers beside writers find data that was saved, whole, and always some.
func TestAT92_CacheUnderManyHands(t *testing.T) {
	t.Parallel()
	c := Cache{Dir: privateTemp(t), Now: time.Now}
	text := func(writer, round int) string {
		return strings.Repeat(fmt.Sprintf("%d:%d;", writer, round), 1+(writer*977+round*331)%9000)
	}
	mustSave(t, c, "a", text(0, 0), time.Now().Add(time.Hour))
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for reads := 0; ; reads++ {
				select {
				case <-done:
					return
				default:
				}
				data, ok := c.Load("a")
				var writer, round int
				if _, err := fmt.Sscanf(string(data[:min(len(data), 20)]), "%d:%d;", &writer, &round); !ok || err != nil || string(data) != text(writer, round) {
					t.Errorf("read %d: got %.40q (%d bytes), %v", reads, data, len(data), ok)
					return
				}
			}
		})
	}
	for writer := range 8 {
		writers.Go(func() {
			for round := range 40 {
				if err := c.Save("a", []byte(text(writer, round)), time.Now().Add(time.Hour)); err != nil {
					t.Errorf("writer %d: %v", writer, err)
					return
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	if left := names(t, c.Dir); len(left) != 1 {
		t.Errorf("left behind: %q", left)
	}
}

// What is accepted is undamaged and of this time.
func FuzzDecode(f *testing.F) {
	f.Add(encode(f, entry{cacheNow, cacheNow.Add(time.Minute), []byte("{}")}))
	f.Add(encode(f, entry{cacheNow.Add(-1), cacheNow.Add(1), nil}))
	f.Add([]byte(sum([]byte("{}")) + "\n{}"))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, text []byte) {
		data, ok := decode(text, cacheNow)
		if !ok {
			return
		}
		digest, body, _ := bytes.Cut(text, []byte("\n"))
		var e entry
		if err := json.Unmarshal(body, &e); err != nil || string(digest) != sum(body) || !bytes.Equal(data, e.Data) {
			t.Fatalf("took %q for %q: %v", text, data, err)
		}
		if e.Written.After(cacheNow) || !e.Until.After(cacheNow) || e.Until.Sub(cacheNow) > 24*time.Hour {
			t.Fatalf("took %q, from %v until %v, at %v", text, e.Written, e.Until, cacheNow)
		}
	})
}

func encode(t testing.TB, e entry) []byte {
	t.Helper()
	text, err := e.encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func BenchmarkCacheLoad(b *testing.B) {
	c := Cache{Dir: filepath.Join(b.TempDir(), "okauth"), Now: time.Now}
	data := strings.Repeat("k", 4096)
	mustSave(b, c, "jwks", data, time.Now().Add(time.Hour))
	for b.Loop() {
		wantCached(b, c, "jwks", data)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, entry := range entries {
		list = append(list, entry.Name())
	}
	return list
}

func privateTemp(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "okauth")
}

// wantError checks what is wrong: "unsafe", "failed" or "too_big".
func wantError(t *testing.T, err error, kind string, pieces ...string) {
	t.Helper()
	got := "ok"
	var file *privatefile.Error
	switch {
	case errors.As(err, &file) && file.Unsafe:
		got = "unsafe"
	case file != nil:
		got = "failed"
	case err != nil:
		got = "too_big"
	}
	if got != kind {
		t.Fatalf("got %s: %v; want %s", got, err, kind)
	}
	for _, piece := range pieces {
		if !strings.Contains(err.Error(), piece) {
			t.Errorf("got %q; want %q in it", err, piece)
		}
	}
}
