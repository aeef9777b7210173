package diskcache

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	if err := (Cache{}).Save("a", []byte("data"), time.Now().Add(time.Hour)); err != nil {
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
	c := Cache{Dir: filepath.Join(inFile, "okauth")}
	wantError(t, c.Save("a", []byte("data"), time.Now().Add(time.Hour)), "failed", inFile)
	wantCached(t, c, "a", "")
}

func TestAT69_CacheDir(t *testing.T) {
	t.Parallel()
	base := t.TempDir() // absolute on the system of the test
	tests := []struct {
		goos string
		env  []string
		want string
	}{
		{"linux", []string{"XDG_CACHE_HOME=" + base, "HOME=/elsewhere"}, filepath.Join(base, "okauth")},
		{"darwin", []string{"XDG_CACHE_HOME=" + base}, filepath.Join(base, "okauth")},
		{"windows", []string{"XDG_CACHE_HOME=" + base}, filepath.Join(base, "okauth")},
		{"linux", []string{"HOME=" + base}, filepath.Join(base, ".cache", "okauth")},
		{"freebsd", []string{"HOME=" + base, "XDG_CACHE_HOME="}, filepath.Join(base, ".cache", "okauth")},
		{"linux", []string{"HOME=" + base, "XDG_CACHE_HOME=relative"}, filepath.Join(base, ".cache", "okauth")},
		{"darwin", []string{"HOME=" + base}, filepath.Join(base, "Library", "Caches", "okauth")},
		{"windows", []string{"LocalAppData=" + base, "HOME=/elsewhere"}, filepath.Join(base, "okauth")},
		{"windows", []string{"HOME=" + base}, ""},
		{"linux", []string{"HOME=relative"}, ""},
		{"linux", []string{"HOME=~"}, ""},
		{"linux", []string{"HOME="}, ""},
		{"darwin", nil, ""},
	}
	for _, tt := range tests {
		vars := make(map[string]string)
		for _, entry := range tt.env {
			name, value, _ := strings.Cut(entry, "=")
			vars[name] = value
		}
		got := cacheDir(tt.goos, func(name string) (string, bool) { v, ok := vars[name]; return v, ok })
		if got != tt.want {
			t.Errorf("%s with %q: got %q, want %q", tt.goos, tt.env, got, tt.want)
		}
	}
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
	spoiled := map[string][]byte{
		"garbage":        []byte("\x00\xff garbage \x1b[2J"),
		"four spaces":    []byte("    "),
		"five fields":    []byte("a b c d e\n"),
		"one byte more":  append(bytes.Clone(whole), 'x'),
		"another order":  append(header(cacheNow.Unix(), cacheNow.Add(time.Hour).Unix(), []byte("their data")), "the data"...),
		"version 2":      bytes.Replace(whole, []byte("okauth-cache 1"), []byte("okauth-cache 2"), 1),
		"a plus sign":    bytes.Replace(whole, []byte("okauth-cache 1 "), []byte("okauth-cache 1 +"), 1),
		"line ends":      bytes.ReplaceAll(whole, []byte("\n"), []byte("\r\n")),
		"no line end":    bytes.ReplaceAll(whole, []byte("\n"), nil),
		"two days":       append(header(cacheNow.Unix(), cacheNow.Add(48*time.Hour).Unix(), []byte("x")), 'x'),
		"from tomorrow":  append(header(cacheNow.Unix()+1, cacheNow.Unix()+60, []byte("x")), 'x'),
		"least time":     append(header(-1<<63, cacheNow.Unix()+60, []byte("x")), 'x')[:40],
		"too much of it": append(header(cacheNow.Unix(), cacheNow.Unix()+60, make([]byte, maxData+1)), make([]byte, maxData+1)...),
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
	wantError(t, c.Save("a", []byte(most+"m"), cacheNow.Add(time.Hour)), "too_big", c.path("a"), "2097153 bytes")
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
	written := time.Now() // by the clock of the file system, whatever the cache's says
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
	made("killed.cache.new", 8*day+time.Minute)
	made("week.cache", 7*day)
	made("busy.cache.new", time.Second)
	made("session.sealed", 1000*day)
	made("session.sealed.new", 1000*day)
	if err := os.Mkdir(filepath.Join(c.Dir, "directory.cache"), 0o700); err != nil {
		t.Fatal(err)
	}
	mustSave(t, c, "fresh", "data", cacheNow.Add(time.Hour))
	got := names(t, c.Dir)
	for _, name := range []string{"old.cache", "killed.cache.new"} {
		if slices.Contains(got, name) {
			t.Errorf("%s is still there", name)
		}
	}
	for _, name := range []string{"week.cache", "busy.cache.new", "session.sealed", "session.sealed.new", "directory.cache"} {
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
	c := Cache{Dir: privateTemp(t)}
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

// What is accepted is, byte by byte, what Save would have written.
func FuzzParseCached(f *testing.F) {
	now := cacheNow.Unix()
	f.Add(append(header(now, now+60, []byte("{}")), "{}"...))
	f.Add(header(now-1, now+1, nil))
	f.Add([]byte("okauth-cache 1 0 9223372036854775807 x\n"))
	f.Add([]byte("    \n"))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, text []byte) {
		data, ok := parse(text, now)
		if !ok {
			return
		}
		var written, until int64
		if _, err := fmt.Sscanf(string(text), "okauth-cache 1 %d %d", &written, &until); err != nil || !bytes.Equal(text, append(header(written, until, data), data...)) {
			t.Fatalf("took %q for %q: %v", text, data, err)
		}
		if written > now || until <= now || until > now+86400 {
			t.Fatalf("took %q, from %d until %d, at %d", text, written, until, now)
		}
	})
}

func BenchmarkCacheLoad(b *testing.B) {
	c := Cache{Dir: filepath.Join(b.TempDir(), "okauth")}
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
