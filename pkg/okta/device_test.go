package okta

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"okauth/pkg/transport"
)

const codes = `{"device_code":"canary-device","user_code":"ABCDEFGH","verification_uri":"https://dev-1.okta.com/activate",` +
	`"verification_uri_complete":"https://dev-1.okta.com/activate?user_code=ABCDEFGH","expires_in":600,"interval":5}`

func TestAuthorizeDevice(t *testing.T) {
	t.Parallel()
	var forms []url.Values
	var paths []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		forms, paths = append(forms, r.PostForm), append(paths, r.URL.Path)
		respond(200, "application/json", codes)(w, r)
	}))
	defer server.Close()
	client := clientFor(t, server.URL, transport.Config{Timeout: 5 * time.Second})
	client.Auth = nil
	got, err := client.AuthorizeDevice(t.Context(), []string{"openid", "profile"})
	if err != nil || got.DeviceCode.Reveal() != "canary-device" || got.UserCode != "ABCDEFGH" ||
		got.VerificationURI != "https://dev-1.okta.com/activate" || got.Lifetime != 10*time.Minute ||
		got.VerificationURIComplete != "https://dev-1.okta.com/activate?user_code=ABCDEFGH" || got.Interval != 5*time.Second {
		t.Errorf("got %+v, %v", got, err)
	}
	want := url.Values{"client_id": {client.ID}, "scope": {"openid profile"}}
	if len(forms) != 1 || forms[0].Encode() != want.Encode() || !strings.HasSuffix(paths[0], "/v1/device/authorize") {
		t.Errorf("got the forms %v at %q", forms, paths)
	}
}

// A server that was taken over must not lead the user astray or write to the terminal.
func TestST32_DeviceCodesAreCheckedStrictly(t *testing.T) {
	t.Parallel()
	const page, full = `"https://dev-1.okta.com/activate"`, `"https://dev-1.okta.com/activate?user_code=ABCDEFGH"`
	for _, test := range []struct {
		name, old, new string
		ok             bool
	}{
		{"as it is", "", "", true},
		{"no complete address", full, `null`, true},
		{"dashes", `"ABCDEFGH"`, `"WDJB-MJHT"`, true},
		{"unknown member", `{`, `{"message":"x",`, true},
		{"number as a string", `600`, `"600"`, true},
		{"loopback", `https://dev-1.okta.com/`, `http://127.0.0.1:8080/`, true},
		{"no device code", `"canary-device"`, `""`, false},
		{"device code with a space", `canary-device`, `canary device`, false},
		{"device code of a number", `"canary-device"`, `7`, false},
		{"no user code", `"ABCDEFGH"`, `""`, false},
		{"escape sequence", `"ABCDEFGH"`, `"\u001b[2J\u001b]0;x\u0007ABC"`, false},
		{"newline", `"ABCDEFGH"`, `"ABC\nokauth: signed in"`, false},
		{"space", `"ABCDEFGH"`, `"ABC DEF"`, false},
		{"other letters", `"ABCDEFGH"`, `"АBCDEFGH"`, false},
		{"direction", `"ABCDEFGH"`, `"\u202eABC"`, false},
		{"long code", `"ABCDEFGH"`, `"` + strings.Repeat("A", 65) + `"`, false},
		{"no address", page, `""`, false},
		{"http elsewhere", page, `"http://dev-1.okta.com/activate"`, false},
		{"script", page, `"javascript:alert(1)"`, false},
		{"file", page, `"file:///etc/passwd"`, false},
		{"relative", page, `"/activate"`, false},
		{"control character", page, `"https://dev-1.okta.com/\u001b[2Jactivate"`, false},
		{"newline in the address", page, `"https://dev-1.okta.com/\nactivate"`, false},
		{"name of a user", page, `"https://okta.com@attacker.example/"`, false},
		{"other letters in the host", page, `"https://dev-1.оkta.com/activate"`, false},
		{"backslash", page, `"https://attacker.example\\@dev-1.okta.com/"`, false},
		{"quote", page, `"https://dev-1.okta.com/\"x"`, false},
		{"long address", page, `"https://dev-1.okta.com/` + strings.Repeat("a", 2048) + `"`, false},
		{"complete address elsewhere", full, `"https://attacker.example/activate?user_code=ABCDEFGH"`, false},
		{"complete address at another port", full, `"https://dev-1.okta.com:8443/activate"`, false},
		{"complete address in the clear", full, `"http://dev-1.okta.com/activate"`, false},
		{"control character in it", full, `"https://dev-1.okta.com/activate?\u001b[2J"`, false},
		{"complete address of a number", full, `7`, false},
		{"no lifetime", `600`, `null`, false},
		{"lifetime 0", `600`, `0`, false},
		{"negative lifetime", `600`, `-600`, false},
		{"lifetime of a word", `600`, `"soon"`, false},
		{"interval of a word", `"interval":5`, `"interval":"often"`, false},
		{"interval of a list", `"interval":5`, `"interval":[5]`, false},
		{"twice", `{`, `{"user_code":"X",`, false},
	} {
		body := strings.ReplaceAll(codes, test.old, test.new)
		if test.old == "" {
			body = codes
		} else if strings.HasPrefix(test.new, `{`) {
			body = strings.Replace(codes, test.old, test.new, 1)
		}
		got, err := deviceCodes(t, body)
		if test.ok != (err == nil) || test.ok == (got == nil) {
			t.Errorf("%s: got %+v, %v", test.name, got, err)
		}
		if err == nil {
			continue
		}
		if e, ok := errors.AsType[*ResponseError](err); !ok || Sanitize(err.Error(), 500) != err.Error() ||
			strings.Contains(err.Error(), "canary") || e.Operation != OperationDevice {
			t.Errorf("%s: got %q", test.name, err)
		}
	}
}

func deviceCodes(t *testing.T, body string) (*DeviceAuthorization, error) {
	t.Helper()
	server := httptest.NewServer(respond(200, "application/json", body))
	defer server.Close()
	return clientFor(t, server.URL, transport.Config{Timeout: 5 * time.Second}).AuthorizeDevice(t.Context(),
		[]string{"openid"})
}

// No number of seconds becomes another one on its way into a time.Duration.
func TestST32_IntervalsAndLifetimesAreBounded(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		`5`: 5 * time.Second, `"5"`: 5 * time.Second, `0`: 0, `-1`: -time.Second, `1e9`: maxLifetime, `1e999`: maxLifetime,
		`-1e999`: -maxLifetime, `0.5`: 500 * time.Millisecond, `null`: 5 * time.Second, `9223372037`: maxLifetime,
	} {
		got, err := deviceCodes(t, strings.Replace(codes, `"interval":5`, `"interval":`+text, 1))
		if err != nil || got.Interval != want {
			t.Errorf("interval %s: got %+v, %v, want %s", text, got, err, want)
		}
	}
	got, err := deviceCodes(t, strings.Replace(codes, `600`, `1e12`, 1))
	if err != nil || got.Lifetime != maxLifetime {
		t.Errorf("got %+v, %v", got, err)
	}
	got, err = deviceCodes(t, strings.Replace(codes, `,"interval":5`, ``, 1))
	if err != nil || got.Interval != 5*time.Second {
		t.Errorf("without an interval: got %+v, %v", got, err)
	}
}

// A pair of codes more does no harm, so a failed request for one is repeated; a refusal is not.
func TestAuthorizeDeviceIsRepeatedAfterAFailure(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int32{503: 3, 400: 1} {
		var hits atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			hits.Add(1)
			respond(status, "application/json", `{"error":"invalid_scope","error_description":"No scopes were requested."}`)(w, r)
		}))
		client := clientFor(t, server.URL, transport.Config{Timeout: 5 * time.Second})
		_, err := client.AuthorizeDevice(t.Context(), nil)
		server.Close()
		if _, ok := errors.AsType[*Error](err); !ok || hits.Load() != want || !strings.Contains(err.Error(), "the request for a device code: No scopes") {
			t.Errorf("HTTP %d: got %v after %d requests, want %d", status, err, hits.Load(), want)
		}
	}
}
