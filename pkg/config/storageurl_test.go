package config

import (
	"strings"
	"testing"
)

func TestCheckStorageURL(t *testing.T) {
	t.Parallel()
	k := lookup(KeyStorageURL)
	for text, want := range map[string]string{
		"redis://localhost":                                "",
		"redis://user@localhost:6379/0":                    "",
		"rediss://[::1]:6380/15?addr=b:6379&addr=c:6379":   "",
		"valkeys://s1:26379?master_set=main&addr=s2:26379": "",
		"redis://h?addr=canary:canary@h2:6379":             "nothing but host:port in addr",
		"redis://h?addr=canary%3Acanary%40h2:6379":         "nothing but host:port in addr",
		"redis://user%3Acanary@h":                          "only a user name",
		"unix:///run/redis/redis.sock?db=3":                "",
		"unix://user@/run/redis/redis.sock":                "",
		"redis://user:canary@localhost":                    "has a password",
		"redis://:canary@localhost":                        "has a password",
		"redis://:can#ary@localhost":                       "%-escapes",
		"redis://:can%ary@localhost":                       "%-escapes",
		"'redis://:canary@localhost'":                      "in quotes",
		"http://user@localhost":                            "schemes",
		"localhost:6379":                                   "not a URL",
		"redis://":                                         "names no host",
		"redis:///0":                                       "names no host",
		"unix:run/redis.sock":                              "not a URL",
		"unix://run/redis.sock":                            "names no socket",
		"redis://localhost/main":                           "not a number",
		"redis://localhost/0/1":                            "not a number",
		"redis://localhost?db=-1":                          "not a number",
		"rediss://localhost?skip_verify=true":              `parameter "skip_verify"`,
		"redis://localhost?%zz":                            "cannot be read",
	} {
		err := k.Check(text)
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, want %q", text, err, want)
		case err != nil && strings.Contains(err.Error()+err.(*Error).Suggestion, "canary"):
			t.Errorf("%s: shown in %v", text, err)
		}
	}
}

// The variable may have the password in the URL, as REDIS_URL of hosting services has; no other layer may.
func TestStoragePasswordInURL(t *testing.T) {
	t.Parallel()
	const url = "OKAUTH_STORAGE_URL=rediss://user:wrong%20horse@localhost:6380/2"
	s := load(t, testOptions(t, "profiles: {default: {storage_password_file: /nowhere}}", Options{}, url))
	if got := s.StorageURL(); got != "rediss://user@localhost:6380/2" {
		t.Errorf("got %s", got)
	}
	password := s.Secret(KeyStoragePassword)
	if got, err := password.Read(t.Context()); string(got) != "wrong horse" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for _, key := range []string{KeyStorageURL, KeyStoragePassword} {
		if got := s.Source(key).String(); got != "OKAUTH_STORAGE_URL" {
			t.Errorf("%s is from %s", key, got)
		}
	}
	s = load(t, testOptions(t, "", Options{}, url, "OKAUTH_STORAGE_PASSWORD=canary"))
	if got, err := s.Secret(KeyStoragePassword).Read(t.Context()); string(got) != "canary" || err != nil {
		t.Errorf("its own variable is stronger: got %q, %v", got, err)
	}
	for _, layer := range []string{"flag", "file"} {
		_, err := Load(settingIn(t, layer, lookup(KeyStorageURL), "redis://:canary@localhost"))
		if e := wantError(t, err, "has a password"); e.Kind != NotInFile || strings.Contains(e.Error(), "canary") {
			t.Errorf("%s: got %v", layer, e)
		}
	}
	s = load(t, testOptions(t, "", Options{}, WithheldVariable+"=OKAUTH_STORAGE_URL"))
	if err := s.Require(KeyStorageURL); wantError(t, err, "withheld").Kind != Withheld {
		t.Errorf("got %v", err)
	}
}
