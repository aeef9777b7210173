package transport

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
)

func hiderOf(secrets ...string) *redactor {
	h := &redactor{}
	for _, secret := range secrets {
		h.add(secret)
	}
	return h
}

func TestAT66_SecretsAreHiddenInEveryForm(t *testing.T) {
	t.Parallel()
	const secret = `canary "wörd"/+&\?=<é>`
	quoted, _ := json.Marshal(secret)
	b64 := base64.StdEncoding.EncodeToString
	h := hiderOf(secret)
	for _, said := range []string{
		secret, strings.ToUpper(secret[:7]) + secret[7:],
		url.QueryEscape(secret), url.PathEscape(secret), strings.ToLower(url.QueryEscape(secret)), strings.ReplaceAll(url.QueryEscape(secret), "+", "%20"),
		string(quoted[1 : len(quoted)-1]), `canary \"wörd\"/+&\\?=<é>`, `canary \"w\u00f6rd\"/+&\\?=<\u00e9>`,
		hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
		b64([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
		b64([]byte("user:" + secret)), b64([]byte("a user:" + secret)), b64([]byte("the user:" + secret + " and more")),
	} {
		got := h.text("before (" + said + ") after")
		if !strings.HasPrefix(got, "before (") || !strings.HasSuffix(got, ") after") || !strings.Contains(got, dots) {
			t.Errorf("%q: got %q", said, got)
		}
		if strings.Contains(strings.ToLower(got), "canary") || len(got) > len("before () after")+len(dots)+24 { // 24: what base64 has before and behind
			t.Errorf("%q: got %q", said, got)
		}
	}
}

func TestHiderTable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text, want string
		secrets          []string
	}{
		{"nothing to hide", "hello", "hello", nil},
		{"nothing found", "hello", "hello", []string{"wrong-horse"}},
		{"all of it", "wrong-horse", dots, []string{"wrong-horse"}},
		{"twice", "a wrong-horse, a wrong-horse", "a " + dots + ", a " + dots, []string{"wrong-horse"}},
		{"side by side", "wrong-horsewrong-horse", dots, []string{"wrong-horse"}},
		{"with itself", "abababab", dots, []string{"ababab"}},
		{"one in another", "wrong-horse-power wrong-horse", dots + " " + dots, []string{"wrong-horse", "wrong-horse-power"}},
		{"one over another", "wrong-horse-power", dots, []string{"wrong-horse", "horse-power"}},
		{"JWT", "token=eyJhbGciOi.J9.sig-_; next", "token=" + dots + "; next", nil},
		{"JWT in quotes", `"eyJ9.e30."`, `"` + dots + `"`, nil},
		{"no JWT", "hey Joe", "hey Joe", nil},
	} {
		if got := hiderOf(test.secrets...).text(test.text); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestHiderKnowsWhatIsSecret(t *testing.T) {
	t.Parallel()
	req, err := http.NewRequest(http.MethodPost, "https://canary-a@okta.example.test/path?canary_name=canary-b&scope=open-scope", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("canary-c%2F", "canary-d+e")
	req.Header.Set("DPoP", "canary-proof")
	req.Header.Set("Cookie", "sid=canary-cookie")
	req.Header.Set("X-Api-Key", "canary-key")
	req.Header.Set("Proxy-Authorization", "Bearer canary-bearer")
	req.Header.Set("User-Agent", "okauth/1")
	h := newHider(req, fields("password=canary-f%21&grant_type=password&client_id=public-client&otp=123&unknown=canary-g&canary-nameless"))
	for _, secret := range []string{
		"canary-a", "canary-b", "canary-c%2F", "canary-c/", "canary-d+e", "canary-d e", "canary-proof", "canary-cookie", "canary-key", "canary-bearer",
		"canary-f!", "canary-f%21", "canary-g", "canary-nameless", base64.StdEncoding.EncodeToString([]byte("canary-c%2F:canary-d+e")),
	} {
		if got := h.text("(" + secret + ")"); strings.Contains(got, "canary") || !strings.Contains(got, dots) {
			t.Errorf("%q: got %q", secret, got)
		}
	}
	for _, public := range []string{"public-client", "open-scope", "okauth/1", "123"} { // 123: too short to be looked for
		if got := h.text(public); got != public {
			t.Errorf("%q: got %q", public, got)
		}
	}
}

func FuzzHider(f *testing.F) {
	f.Add("wrong-horse", "before ", " after")
	f.Add("aaaa", "a", "aaa")
	f.Add("pass word", "", "")
	f.Add("\xff\x00\"\\", "eyJ", "eyJ")
	f.Fuzz(func(t *testing.T, secret, before, after string) {
		if len(secret) < minHidden || strings.Contains(dots, secret) || strings.TrimSpace(secret) != secret {
			return
		}
		h := hiderOf(secret)
		for _, said := range []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(before + secret + after))} {
			if got := h.text(before + said + after); strings.Contains(got, secret) && !strings.Contains(dots, secret) {
				t.Errorf("secret %q in %q", secret, got)
			}
		}
	})
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\x1b[31mb\r\nc\xff\u202e")
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range printable(text) {
			if !unicode.IsPrint(r) {
				t.Errorf("%q: %q is left", text, r)
			}
		}
	})
}

func FuzzFields(f *testing.F) {
	f.Add("grant_type=password&password=wrong-horse&&=&a=%zz&noname")
	f.Fuzz(func(t *testing.T, text string) {
		for _, one := range fields(text) {
			if shown := show([]field{one}); !one.public() && one.name != "" && shown != one.name+"="+dots || one.name == "" && shown != dots {
				t.Errorf("%q: shown %q", text, shown)
			}
		}
	})
}
