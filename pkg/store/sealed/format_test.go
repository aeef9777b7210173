package sealed

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// Fake keys of every kind.
const (
	rawKey      = "wrong-horse-battery-staple-32-by" // 32 bytes
	otherRawKey = "other-horse-battery-staple-32-by"
	longSecret  = "canary-client-secret-of-thirty-2" // 32 characters
)

// goldenLine is what okauth wrote in format 1, with rawKey, for the account "dev-0123abcd" and the value {"canary":1}.
const goldenLine = "okauth-sealed 1 storage-key M4R8y6IudoF7znKNub9NJg EwesSMe4GVE GAFB5kbJJoC4eFhqHnI8n1GV0gEmLH6exxQDT0c-vV_YISKMQ_WYRA\n"

func storageKey(t testing.TB, raw string) Key {
	t.Helper()
	key, err := ChooseKey(okta.NewSecret(base64.StdEncoding.EncodeToString([]byte(raw))), okta.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func clientSecretKey(t testing.TB, secret string) Key {
	t.Helper()
	key, err := ChooseKey(okta.Secret{}, okta.NewSecret(secret))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func unseal(line []byte, key Key, account string) ([]byte, error) {
	s, err := parse(line)
	if err != nil {
		return nil, err
	}
	return s.open(key, account)
}

func mustSeal(t testing.TB, key Key, account, value string) []byte {
	t.Helper()
	line, err := seal(key, account, []byte(value))
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func TestSealGolden(t *testing.T) {
	t.Parallel()
	value, err := unseal([]byte(goldenLine), storageKey(t, rawKey), "dev-0123abcd")
	if err != nil || string(value) != `{"canary":1}` {
		t.Errorf("got %q, %v: files that are out there can no longer be read", value, err)
	}
}

func TestSealHidesTheValue(t *testing.T) {
	t.Parallel()
	for _, key := range []Key{storageKey(t, rawKey), clientSecretKey(t, longSecret)} {
		line := mustSeal(t, key, "dev-0123abcd", "canary-value")
		again := mustSeal(t, key, "dev-0123abcd", "canary-value")
		if store.CheckItem("-", line[:len(line)-1]) != nil || line[len(line)-1] != '\n' {
			t.Errorf("not one line of ASCII: %q", line)
		}
		decoded, _ := parse(line)
		if other, _ := parse(again); bytes.Equal(decoded.salt, other.salt) || bytes.Equal(decoded.sealed, other.sealed) {
			t.Error("two files of one value have the same salt or box")
		}
		for _, secret := range []string{"canary", rawKey, longSecret, base64.RawURLEncoding.EncodeToString([]byte("canary-value"))} {
			if bytes.Contains(line, []byte(secret)) || bytes.Contains(decoded.sealed, []byte(secret)) {
				t.Errorf("%q is in the file: %q", secret, line)
			}
		}
		value, err := unseal(line, key, "dev-0123abcd")
		if err != nil || string(value) != "canary-value" {
			t.Errorf("got %q, %v", value, err)
		}
	}
}

// Every bit of a file, and every cut, counts.
func TestAT87_TamperedFile(t *testing.T) {
	t.Parallel()
	key := storageKey(t, rawKey)
	line := mustSeal(t, key, "dev-0123abcd", `{"canary":1}`)
	refused := func(what string, line []byte) {
		value, err := unseal(line, key, "dev-0123abcd")
		var f *store.Error
		if value != nil || !errors.As(err, &f) {
			t.Fatalf("%s: got %q, %v", what, value, err)
		}
	}
	for i := range line {
		for x := 1; x < 256; x++ {
			changed := bytes.Clone(line)
			changed[i] ^= byte(x)
			refused(fmt.Sprintf("byte %d ^ %#x", i, x), changed)
		}
		refused(fmt.Sprintf("cut at %d", i), line[:i])
		refused(fmt.Sprintf("without byte %d", i), append(bytes.Clone(line[:i]), line[i+1:]...))
		refused(fmt.Sprintf("byte %d twice", i), append(bytes.Clone(line[:i+1]), line[i:]...))
	}
	refused("two lines", append(bytes.Clone(line), line...))
}

func TestKR10_UnsealTellsApart(t *testing.T) {
	t.Parallel()
	mine := string(mustSeal(t, storageKey(t, rawKey), "dev-0123abcd", "canary-value"))
	fields := strings.Fields(mine)
	with := func(i int, text string) string {
		changed := append([]string(nil), fields...)
		changed[i] = text
		return strings.Join(changed, " ") + "\n"
	}
	tests := map[string]struct {
		line, account string
		key           Key
		want          store.ErrorKind
		piece         string
	}{
		"another key":            {mine, "dev-0123abcd", storageKey(t, otherRawKey), store.WrongKey, "another storage key"},
		"another kind of key":    {mine, "dev-0123abcd", clientSecretKey(t, longSecret), store.WrongKey, "sealed with a storage key, and the key is a key from the client secret"},
		"same bytes, other kind": {with(2, "client-secret"), "dev-0123abcd", clientSecretKey(t, rawKey), store.WrongKey, "another key from the client secret"},
		"another account":        {mine, "dev-0123abce", storageKey(t, rawKey), store.Corrupt, "another item's"},
		"empty":                  {"", "dev-0123abcd", storageKey(t, rawKey), store.Corrupt, "not a sealed value"},
		"a plain session":        {`{"okauth":3,"session":{}}`, "dev-0123abcd", storageKey(t, rawKey), store.Corrupt, "not a sealed value"},
		"unsupported_version":    {with(1, "2"), "dev-0123abcd", storageKey(t, rawKey), store.UnsupportedVersion, "format 2"},
		"newer in every way":     {"okauth-sealed 12 {}", "dev-0123abcd", storageKey(t, rawKey), store.UnsupportedVersion, "format 12"},
		"version 0":              {with(1, "0"), "dev-0123abcd", storageKey(t, rawKey), store.Corrupt, "no version"},
		"version 01":             {with(1, "01"), "dev-0123abcd", storageKey(t, rawKey), store.Corrupt, "no version"},
		"version -1":             {with(1, "-1"), "dev-0123abcd", storageKey(t, rawKey), store.Corrupt, "no version"},
		"version of 30 digits":   {with(1, strings.Repeat("9", 30)), "dev-0123abcd", storageKey(t, rawKey), store.Corrupt, "no version"},
		"unknown kind":           {with(2, "password"), "dev-0123abcd", storageKey(t, rawKey), store.Corrupt, "damaged"},
		"no kind":                {with(2, ""), "dev-0123abcd", storageKey(t, rawKey), store.Corrupt, "damaged"},
		"short salt":             {with(3, "AAAA"), "dev-0123abcd", storageKey(t, rawKey), store.Corrupt, "damaged"},
		"short check":            {with(4, "AAAA"), "dev-0123abcd", storageKey(t, rawKey), store.Corrupt, "damaged"},
		"short box":              {with(5, "AAAA"), "dev-0123abcd", storageKey(t, rawKey), store.Corrupt, "damaged"},
		"padded base64":          {with(5, fields[5]+"="), "dev-0123abcd", storageKey(t, rawKey), store.Corrupt, "damaged"},
		"a line end inside":      {with(5, fields[5][:8]+"\n"+fields[5][8:]), "dev-0123abcd", storageKey(t, rawKey), store.Corrupt, "not a sealed value"},
		"a CR at the end":        {with(5, fields[5]+"\r"), "dev-0123abcd", storageKey(t, rawKey), store.Corrupt, "not a sealed value"},
		"no line end":            {strings.TrimSuffix(mine, "\n"), "dev-0123abcd", storageKey(t, rawKey), store.Corrupt, "truncated"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			value, err := unseal([]byte(test.line), test.key, test.account)
			var f *store.Error
			if value != nil || !errors.As(err, &f) || f.Kind != test.want || !strings.Contains(err.Error(), test.piece) {
				t.Errorf("got %q, %v; want %s with %q", value, err, test.want, test.piece)
			}
		})
	}
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	// 0xfb 0xff are "+/8" in one alphabet and "-_8" in the other.
	key := append([]byte{0xfb, 0xff}, rawKey[2:]...)
	hexOfBase64 := strings.Repeat("0123456789abcdef", 4)
	good := map[string]struct {
		text string
		want []byte
	}{
		"standard":               {base64.StdEncoding.EncodeToString(key), key},
		"standard, no padding":   {base64.RawStdEncoding.EncodeToString(key), key},
		"url":                    {base64.URLEncoding.EncodeToString(key), key},
		"url, no padding":        {base64.RawURLEncoding.EncodeToString(key), key},
		"hex":                    {hex.EncodeToString(key), key},
		"upper case hex":         {strings.ToUpper(hex.EncodeToString(key)), key},
		"space around":           {" \t" + base64.StdEncoding.EncodeToString(key) + "\r\n", key},
		"hex that is base64 too": {hexOfBase64, bytes.Repeat([]byte{1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}, 4)},
	}
	for name, test := range good {
		if got, err := ParseKey(test.text); err != nil || !bytes.Equal(got, test.want) {
			t.Errorf("%s: got %x, %v", name, got, err)
		}
	}
	bad := map[string]struct{ text, piece string }{
		"empty":              {" ", "0 bytes"},
		"31 bytes":           {base64.StdEncoding.EncodeToString(key[1:]), "31 bytes in base64, expected 32"},
		"33 bytes":           {base64.StdEncoding.EncodeToString(append([]byte("A"), key...)), "33 bytes in base64, expected 32"},
		"31 bytes of hex":    {hex.EncodeToString(key[1:]), "31 bytes in hex, expected 32"},
		"16 bytes of hex":    {hex.EncodeToString(key[:16]), "16 bytes in hex, expected 32"},
		"a pass phrase":      {"canary wrong-horse!", "neither base64 nor hex: got 19 characters, expected 32 bytes"},
		"odd hex":            {"canar" + hex.EncodeToString(key)[1:], "51 bytes in base64"},
		"two alphabets":      {"+_" + base64.StdEncoding.EncodeToString(key)[2:], "neither"},
		"a key and more":     {base64.StdEncoding.EncodeToString(key) + "canary", "neither"},
		"the openssl prompt": {"$ " + base64.StdEncoding.EncodeToString(key), "neither"},
	}
	for name, test := range bad {
		got, err := ParseKey(test.text)
		_, ok := errors.AsType[*KeyError](err)
		if got != nil || !ok || !strings.Contains(err.Error(), test.piece) {
			t.Errorf("%s: got %x, %v; want %q", name, got, err, test.piece)
			continue
		}
		if text := strings.TrimSpace(test.text); strings.Contains(err.Error(), "canary") || (text != "" && strings.Contains(err.Error(), text)) {
			t.Errorf("%s: the key is in the message: %v", name, err)
		}
	}
}

func TestChooseKey(t *testing.T) {
	t.Parallel()
	good := base64.StdEncoding.EncodeToString([]byte(rawKey))
	tests := map[string]struct {
		storageKey, clientSecret string
		want                     KeyKind
		piece                    string
	}{
		"both":                         {good, longSecret, StorageKey, ""},
		"storage key":                  {good, "", StorageKey, ""},
		"client secret":                {"", longSecret, ClientSecretKey, ""},
		"32 characters, not bytes":     {"", strings.Repeat("é", 31), "", "at least 32 characters"},
		"neither":                      {"", "", "", "no client secret"},
		"a short client secret":        {"", longSecret[1:], "", "at least 32 characters"},
		"a bad key is not passed over": {"canary", longSecret, "", "storage key"},
		"nor is one of white space":    {" \n", longSecret, "", "0 bytes"},
	}
	for name, test := range tests {
		key, err := ChooseKey(okta.NewSecret(test.storageKey), okta.NewSecret(test.clientSecret))
		if key.kind != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s: got %v, %v", name, key.kind, err)
		}
		if err == nil {
			continue
		}
		if _, ok := errors.AsType[*KeyError](err); !ok || !strings.Contains(err.Error(), test.piece) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v, want a KeyError with %q", name, err, test.piece)
		}
	}
}

func TestKeyMaterialDoesNotShow(t *testing.T) {
	t.Parallel()
	for _, key := range []Key{storageKey(t, rawKey), clientSecretKey(t, longSecret)} {
		doc, err := json.Marshal(struct{ K Key }{key})
		if err != nil {
			t.Fatal(err)
		}
		shown := string(doc)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			shown += fmt.Sprintf(verb, key) + fmt.Sprintf(verb, &key) + fmt.Sprintf(verb, struct{ k Key }{key})
		}
		for _, secret := range []string{rawKey, longSecret, "canary", "horse"} {
			for _, form := range []string{secret, hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))), fmt.Sprint([]byte(secret))} {
				if strings.Contains(shown, form) {
					t.Errorf("%q is in %q", form, shown)
				}
			}
		}
	}
}

func FuzzUnseal(f *testing.F) {
	key := storageKey(f, rawKey)
	f.Add([]byte(goldenLine))
	f.Add([]byte("okauth-sealed 2 whatever\n"))
	f.Add([]byte("okauth-sealed 1 client-secret AAAAAAAAAAAAAAAAAAAAAA AAAAAAAAAAA " + strings.Repeat("A", 40) + "\n"))
	f.Add([]byte("okauth-sealed 1 storage-key   \n"))
	f.Fuzz(func(t *testing.T, line []byte) {
		value, err := unseal(line, key, "dev-0123abcd")
		if (err != nil) == (string(line) == goldenLine) || (err != nil && value != nil) {
			t.Errorf("got %q, %v for %q", value, err, line)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add(base64.StdEncoding.EncodeToString([]byte(rawKey)))
	f.Add(hex.EncodeToString([]byte(rawKey)))
	f.Add("wrong horse")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParseKey(text)
		if (err == nil) != (len(key) == 32) {
			t.Errorf("got %d bytes, %v", len(key), err)
		}
	})
}
