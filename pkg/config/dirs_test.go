package config

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestStateDir(t *testing.T) {
	t.Parallel()
	home, other := t.TempDir(), t.TempDir()
	tests := []struct {
		name, goos string
		env        map[string]string
		want       string // empty: an error with fault in it
		fault      string
	}{
		{"Linux", "linux", map[string]string{"HOME": home, "LocalAppData": other},
			filepath.Join(home, ".local", "state", "okauth"), ""},
		{"BSD", "freebsd", map[string]string{"HOME": home}, filepath.Join(home, ".local", "state", "okauth"), ""},
		{"macOS", "darwin", map[string]string{"HOME": home},
			filepath.Join(home, "Library", "Application Support", "okauth"), ""},
		{"Windows", "windows", map[string]string{"HOME": other, "LocalAppData": home}, filepath.Join(home, "okauth"),
			""},
		{"XDG", "linux", map[string]string{"HOME": home, "XDG_STATE_HOME": other}, filepath.Join(other, "okauth"), ""},
		{"XDG on macOS", "darwin", map[string]string{"HOME": home, "XDG_STATE_HOME": other},
			filepath.Join(other, "okauth"), ""},
		{"XDG without a home", "linux", map[string]string{"XDG_STATE_HOME": other}, filepath.Join(other, "okauth"), ""},
		{"relative XDG", "linux", map[string]string{"HOME": home, "XDG_STATE_HOME": "state"}, "",
			"XDG_STATE_HOME is not an absolute path"},
		{"no home", "linux", nil, "", "HOME is not set"},
		{"relative home", "darwin", map[string]string{"HOME": "home"}, "", "HOME is not an absolute path"},
		{"no LocalAppData", "windows", map[string]string{"HOME": home}, "", "LocalAppData is not set"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := stateDir(tt.goos, func(name string) string { return tt.env[name] })
			if tt.want == "" {
				wantError(t, err, `setting "storage_dir": it is not set`, tt.fault)
			} else if err != nil || got != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
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
		got := cacheDir(tt.goos, func(name string) string { return vars[name] })
		if got != tt.want {
			t.Errorf("%s with %q: got %q, want %q", tt.goos, tt.env, got, tt.want)
		}
	}
}

// A directory named ~ must not come to be.
func TestStorageDirWithoutHome(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("USERPROFILE", "")
	_, err := load(t, testOptions(t, "", Options{}, "OKAUTH_STORAGE_DIR=~/sealed")).StorageDir()
	wantError(t, err, `setting "storage_dir" from OKAUTH_STORAGE_DIR: "~/sealed": the home directory is unknown`)
}

// The setting wins over the usual place, and its layer says what a relative path
// is relative to.
func TestStorageDir(t *testing.T) {
	t.Parallel()
	const config = "profiles: {default: {storage: file, storage_dir: sealed}}"
	home, elsewhere := t.TempDir(), t.TempDir()
	s := load(t, testOptions(t, config, Options{}, "HOME="+home))
	if got, err := s.StorageDir(); err != nil || got != filepath.Join(filepath.Dir(s.ConfigPath()), "sealed") ||
		s.Storage() != "file" {
		t.Errorf("in the file: got %q, %v, storage %q", got, err, s.Storage())
	}
	for name, tt := range map[string]struct {
		o    Options
		env  []string
		want string
	}{
		"environment over file": {Options{}, []string{"OKAUTH_STORAGE_DIR=" + elsewhere}, elsewhere},
		"flag over environment": {Options{Flags: map[string]string{KeyStorageDir: "~/f"}},
			[]string{"OKAUTH_STORAGE_DIR=" + elsewhere}, filepath.Join(home, "f")},
	} {
		s := load(t, testOptions(t, config, tt.o, append(tt.env, "HOME="+home)...))
		if got, err := s.StorageDir(); err != nil || got != tt.want {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, tt.want)
		}
	}
	s = load(t, testOptions(t, "", Options{}, "HOME="+home, "LocalAppData="+home))
	want, _ := stateDir(runtime.GOOS, func(name string) string {
		return map[string]string{"HOME": home, "LocalAppData": home}[name]
	})
	if got, err := s.StorageDir(); err != nil || got != want {
		t.Errorf("not set: got %q, %v; want %q", got, err, want)
	}
	_, err := load(t, testOptions(t, "", Options{})).StorageDir()
	wantError(t, err, "storage_dir")
}
