package config

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// set changes one setting of the file at path.
func set(t testing.TB, path, profile, key, value string) {
	t.Helper()
	f, err := OpenFile(path, "")
	if err == nil {
		err = f.Set(profile, key, value)
	}
	if err == nil {
		err = f.Save()
	}
	if err != nil {
		t.Fatal(err)
	}
}

const hand = `# okauth, by hand

profile: dev   # the one I use

profiles:
    # the sandbox
    dev:
        client_id:   0oa1     # first
        domain: "dev-1.okta.com"

        # what the app needs
        scopes:
          - openid   # always
          - profile
        username: ~
    # end of dev

    prod: {domain: acme.okta.com, client_id: '0oa''2'}
    empty:
    tilde: ~
# last words
`

// handEdited is hand as the YAML library writes it: without blank lines between keys, and indented by two.
const handEdited = `# okauth, by hand

profile: dev # the one I use
profiles:
  # the sandbox
  dev:
    client_id: 0oa1 # first
    domain: "dev-1.okta.com"
    # what the app needs
    scopes:
      - openid # always
      - profile
    username: ~
  # end of dev

  prod: {domain: acme.okta.com, client_id: '0oa''2'}
  empty:
  tilde: ~
# last words
`

// Comments, the order of the keys and the style of other values stay.
func TestEditKeepsTheRest(t *testing.T) {
	t.Parallel()
	sub := func(old, new string) string {
		if !strings.Contains(handEdited, old) {
			t.Fatalf("%q is not in the file", old)
		}
		return strings.Replace(handEdited, old, new, 1)
	}
	tests := []struct {
		name, before string
		edit         func(*File) error
		want         string
	}{
		{"plain value with comment", hand, do("dev", KeyClientID, "0oa9"), sub("0oa1 #", "0oa9 #")},
		{"quoted value", hand, do("dev", KeyDomain, "x.okta.com"), sub(`"dev-1.okta.com"`, "x.okta.com")},
		{"null value", hand, do("dev", KeyUsername, "bob"), sub("username: ~", "username: bob")},
		{"value to be quoted", hand, do("dev", KeyUsername, "#bob: x"), sub("username: ~", "username: '#bob: x'")},
		{"block list", hand, do("dev", KeyScopes, "openid,email"),
			sub("scopes:\n      - openid # always\n      - profile\n", "scopes: [openid, email]\n")},
		{"flow list", "profiles:\n  dev:\n    scopes: [openid, 'a # b'] # x\n    server: a\n",
			do("dev", KeyScopes, "email"),
			"profiles:\n  dev:\n    scopes: [email] # x\n    server: a\n"},
		{"comment for a value", "profiles:\n  dev:\n    server: # x\n", do("dev", KeyServer, "a"),
			"profiles:\n  dev:\n    server: a # x\n"},
		{"new key", hand, do("dev", KeyServer, "aus1"), sub("username: ~\n", "username: ~\n    server: aus1\n")},
		{"new profile", hand, do("qa", KeyDomain, "qa.okta.com"),
			sub("tilde: ~\n", "tilde: ~\n  qa:\n    domain: qa.okta.com\n")},
		{"blank profile", hand, do("empty", KeyServer, "org"), sub("empty:\n", "empty:\n    server: org\n")},
		{"tilde profile", hand, do("tilde", KeyServer, "a"), sub("tilde: ~\n", "tilde:\n    server: a\n")},
		{"flow profile", hand, do("prod", KeyServer, "a"), sub("'0oa''2'}", "'0oa''2', server: a}")},
		{"remove", hand, undo("dev", KeyClientID), sub("    client_id: 0oa1 # first\n", "")},
		{"remove a list", hand, undo("dev", KeyScopes),
			sub("    # what the app needs\n    scopes:\n      - openid # always\n      - profile\n", "")},
		{"remove the last", "profiles:\n  dev:\n    server: a\n    username: bob\n    # end of dev\n\n  prod: {}\n",
			undo("dev", KeyUsername), "profiles:\n  dev:\n    server: a\n    # end of dev\n  prod: {}\n"},
		{"remove nothing", hand, undo("dev", KeyCAFile), hand},
		{"same value", hand, do("dev", KeyClientID, "0oa1"), hand},
		{"use", hand, func(f *File) error { return f.Use("prod") }, sub("profile: dev #", "profile: prod #")},
		{"use, not yet there", "# head\n\nprofiles:\n  a: {}\n", func(f *File) error { return f.Use("a") },
			"# head\n\nprofiles:\n  a: {}\nprofile: a\n"},
		{"no file", "", do("default", KeyScopes, "openid profile"),
			"profiles:\n  default:\n    scopes: [openid, profile]\n"},
		{"only comments", "# one\n\n# two", do("dev", KeyDomain, "a.okta.com"),
			"# one\n\n# two\nprofiles:\n  dev:\n    domain: a.okta.com\n"},
		{"only comments, CRLF", "# one\r\n", do("dev", KeyServer, "a"),
			"# one\r\nprofiles:\r\n  dev:\r\n    server: a\r\n"},
		{"no line break at the end", "profiles:\n  dev:\n    server: a", do("dev", KeyStorage, "none"),
			"profiles:\n  dev:\n    server: a\n    storage: none\n"},
		{"CRLF", "profiles:\r\n\r\n  dev:\r\n    server: a # x\r\n", do("dev", KeyServer, "b"),
			"profiles:\r\n  dev:\r\n    server: b # x\r\n"},
		{"inherited value", "profiles:\n  a: &a\n    server: x\n  b:\n    <<: *a\n", do("b", KeyServer, "y"),
			"profiles:\n  a: &a\n    server: x\n  b:\n    <<: *a\n    server: y\n"},
		{"alias value", "profiles:\n  a: {server: &s x}\n  b:\n    server: *s # why\n", do("b", KeyServer, "y"),
			"profiles:\n  a: {server: &s x}\n  b:\n    server: y # why\n"},
		{"flow", "profiles: {dev: {server: a}} # one\n", do("dev", KeyServer, "b"),
			"profiles: {dev: {server: b}} # one\n"},
		{"flow, remove", "profiles: {dev: {server: a, storage: none}}\n", undo("dev", KeyServer),
			"profiles: {dev: {storage: none}}\n"},
		{"empty flow", "{}\n", do("dev", KeyServer, "a"), "{profiles: {dev: {server: a}}}\n"},
		{"block text", "profiles:\n  dev:\n    # why\n    username: >-\n      bob\n    server: ~ # x\n",
			do("dev", KeyUsername, "al"), "profiles:\n  dev:\n    # why\n    username: al\n    server: ~ # x\n"},
		{"quoted key", "\"profiles\":\n  'dev':\n    \"server\": a\n", do("dev", KeyServer, "b"),
			"\"profiles\":\n  'dev':\n    \"server\": b\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := edited(t, tt.before, tt.edit); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func do(profile, key, value string) func(*File) error {
	return func(f *File) error { return f.Set(profile, key, value) }
}

func undo(profile, key string) func(*File) error {
	return func(f *File) error { return f.Unset(profile, key) }
}

// edited returns a file's text after one edit.
func edited(t *testing.T, before string, edit func(*File) error) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if before != "" {
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := OpenFile(path, "")
	if err == nil {
		err = edit(f)
	}
	if err == nil {
		err = f.Save()
	}
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestEditRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, before string
		edit         func(*File) error
		want         string
	}{
		{"unknown key", hand, do("dev", "domian", "x"), `did you mean "domain"?`},
		{"password", hand, do("dev", KeyPassword, "canary-pw"), "never kept"},
		{"storage key", hand, do("dev", KeyStorageKey, "canary-key"), "never kept"},
		{"profile name", hand, do("Dev/", KeyDomain, "a.okta.com"), "not a profile name"},
		{"wrong value", hand, do("dev", KeyDomain, "a-admin.okta.com"), `did you mean "a.okta.com"?`},
		{"empty value", hand, do("dev", KeyClientID, " "), "empty"},
		{"two answers", hand, func(f *File) error {
			return errors.Join(f.Set("dev", KeyServer, "aus1"), f.Set("dev", KeyDomain, "dev-1.okta.com/oauth2/aus2"))
		}, "other: server"},
		{"two secrets", hand, func(f *File) error {
			return errors.Join(f.Set("dev", keyClientSecretFile, "f"), f.Set("dev", KeyClientSecret, "canary-cs"))
		}, "other: client_secret_file"},
		{"two ways to the storage key", hand, func(f *File) error {
			return errors.Join(f.Set("dev", keyStorageKeyFile, "f"), f.Set("dev", keyStorageKeyCommand, "c"))
		}, "other: storage_key_file"},
		{"unset in no profile", hand, undo("pord", KeyDomain), `did you mean "prod"?`},
		{"unset of no key", hand, undo("dev", "x-y"), "unknown setting"},
		{"use of no profile", hand, func(f *File) error { return f.Use("qa") }, `no profile "qa"`},
		{"shared profile", "profiles:\n  a: &a {server: x}\n  b: *a\n", do("b", KeyServer, "y"), "anchors"},
		{"shared base", "profiles:\n  a: &a\n    server: x\n  b: {<<: *a}\n", do("a", KeyServer, "y"), "anchors"},
		{"inherited, removed", "profiles:\n  a: &a {server: x}\n  b: {<<: *a}\n", undo("b", KeyServer), "anchors"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(path, []byte(tt.before), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := OpenFile(path, "")
			if err != nil {
				t.Fatal(err)
			}
			wantError(t, tt.edit(f), tt.want)
		})
	}
}

// A file that cannot be read as a configuration is not touched.
func TestEditBrokenFile(t *testing.T) {
	t.Parallel()
	for _, before := range []string{"profiles: [", "profiles:\n\tdev:\n", "unknown: 1\n", "a: 1\n---\nb: 2\n"} {
		path := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := OpenFile(path, "")
		wantError(t, err, strconv.Quote(path))
	}
}

// Nothing that a flag or the environment said comes near the file.
func TestAT64_LayersNeverReachTheFile(t *testing.T) {
	t.Parallel()
	o := testOptions(t, sample, Options{Flags: map[string]string{KeyUsername: "canary-user"}},
		"OKAUTH_CLIENT_ID=canary-id", "OKAUTH_CLIENT_SECRET=canary-cs", "OKAUTH_PASSWORD=canary-pw",
		"OKAUTH_SCOPES=canary-scope", "OKAUTH_CA_FILE=/canary")
	s := load(t, o)
	f, profile, err := OpenProfile(o)
	if err != nil || f.Path() != s.ConfigPath() || profile != s.ProfileName() {
		t.Fatalf("OpenProfile: %v, %q, %v", f, profile, err)
	}
	path := f.Path()
	set(t, path, profile, KeyDomain, "b.okta.com")
	data, err := os.ReadFile(path)
	if want := strings.Replace(sample, "dev-1.okta.com", "b.okta.com", 1); err != nil || string(data) != want {
		t.Errorf("got %v:\n%s", err, data)
	}
}

// If another process changes the file meanwhile, Save repeats the edits on it.
func TestSaveAfterAnotherSave(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yaml")
	first, err := OpenFile(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Set("dev", KeyDomain, "a.okta.com"); err != nil {
		t.Fatal(err)
	}
	set(t, path, "dev", KeyClientID, "0oa1")
	if err := first.Save(); err != nil {
		t.Fatal(err)
	}
	f, err := OpenFile(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if f.Path() != path || f.Current() != "" || len(f.Profiles()) != 1 {
		t.Errorf("got %q, %q, %q", f.Path(), f.Current(), f.Profiles())
	}
	id, _ := f.Get("dev", KeyClientID)
	domain, _ := f.Get("dev", KeyDomain)
	if id != "0oa1" || domain != "a.okta.com" {
		t.Errorf("got %q and %q", id, domain)
	}
}

// However many write, every reader finds a whole file, and no scraps stay.
func TestSaveConcurrently(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	set(t, path, "dev", KeyDomain, "a.okta.com")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 5 {
				f, err := OpenFile(path, "")
				if err == nil {
					err = f.Set("dev", KeyServer, "aus"+string(rune('a'+i)))
				}
				if err == nil {
					err = f.Save()
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 { // the file and its lock
		t.Errorf("got %v, %v; want the file and its lock", entries, err)
	}
}

// Setting a value in any YAML either fails or changes that value alone.
func FuzzEdit(f *testing.F) {
	for _, seed := range []string{hand, sample, "", "# x", "profiles: {dev: {}}", "profiles:\n  dev: ~",
		"profile: |\n  dev\n", "profiles:\n  a: &a {server: x}\n  dev: {<<: *a}\n",
		"profiles:\n  dev:\n    username: 'a\n\n      b'\n", "---\nprofiles:\n...\n", "\ufeffprofiles:\n  dev:\n",
		"? profiles\n: dev:\n    server: x\n"} {
		f.Add([]byte(seed), "alice: #1")
		f.Add([]byte(seed), "'[x]")
	}
	f.Fuzz(func(t *testing.T, config []byte, value string) {
		before, _, err := parse(config)
		if err != nil {
			return
		}
		k, _ := FindKey(KeyUsername)
		if value = strings.TrimSpace(value); k.Check(value) != nil {
			return
		}
		out, doc, err := apply(config, edit{profile: "dev", key: KeyUsername, value: value})
		var e *Error
		if err != nil {
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Error", err)
			}
			return
		}
		after, _, err := parse(out)
		if err != nil || !after.equal(doc) {
			t.Fatalf("the result is not readable: %v\n%s", err, out)
		}
		if after.profiles["dev"][KeyUsername] != value {
			t.Fatalf("got %q, want %q", after.profiles["dev"][KeyUsername], value)
		}
		delete(after.profiles["dev"], KeyUsername)
		delete(before.profiles["dev"], KeyUsername)
		if before.profiles["dev"] == nil {
			delete(after.profiles, "dev")
		}
		if after.current != before.current ||
			!maps.EqualFunc(after.profiles, before.profiles, maps.Equal[map[string]string]) {
			t.Fatalf("something else has changed: %v, was %v", after, before)
		}
	})
}

// What a killed process left beside the file is removed by the next save.
func TestSaveRemovesLeftover(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(path+".new", []byte("canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	set(t, path, "default", KeyServer, "org")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("got %v, %v; want the file and its lock", entries, err)
	}
}

// Processes that save at once lose nothing: each File stands for one.
func TestSavesAtOnceTakeTurns(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "okauth", "config.yaml")
	settings := map[string]string{KeyServer: "org", KeyClientID: "0oaexample", KeyUsername: "alice", KeyStorage: "none",
		KeyTimeout: "7s", KeyMinTTL: "9s"}
	var all sync.WaitGroup
	for key, value := range settings {
		f, err := OpenFile(path, "") // all see the file as it was before any of them
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if err := f.Set("default", key, value); err != nil {
				t.Error(err)
			}
			if err := f.Save(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	f, err := OpenFile(path, "")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range settings {
		if got, _ := f.Get("default", key); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
}
