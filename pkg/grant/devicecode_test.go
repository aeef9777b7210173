package grant

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"okauth/pkg/okta"
)

const deviceCodes = `200 {"device_code":"canary-device","user_code":"ABCDEFGH",` +
	`"verification_uri":"https://okta.example.com/activate",` +
	`"verification_uri_complete":"https://okta.example.com/activate?user_code=ABCDEFGH","expires_in":600,"interval":5}`

// watcher is the Interaction of a person who reads a device code.
type watcher struct {
	Interaction
	shown    []DeviceCode
	shownNow func(DeviceCode)
	done     int
	err      error
}

func (w *watcher) ShowDeviceCode(_ context.Context, d DeviceCode) (func(), error) {
	w.shown = append(w.shown, d)
	if w.shownNow != nil {
		w.shownNow(d)
	}
	return func() { w.done++ }, w.err
}

// deviceSignIn signs in at an Okta that gives the answers, in the time of a synctest bubble.
func deviceSignIn(t *testing.T, answers ...string) (*script, *watcher, *okta.TokenResponse, error) {
	s, w := &script{answers: answers, began: time.Now()}, new(watcher)
	client := s.client(t)
	client.Wait = nil
	s.after = func(int) {
		if w.done > 0 {
			t.Error("the code is gone, and Okta is still asked")
		}
	}
	tokens, err := Device{Scopes: []string{"openid", "profile"}}.Token(t.Context(), client, w)
	return s, w, tokens, err
}

// What is sent and shown, and when. The code of the device goes to Okta alone.
func TestST32_DeviceCode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, w, tokens, err := deviceSignIn(t, deviceCodes, pending, slower, pending, goodTokens)
		if err != nil || tokens.AccessToken.Reveal() != "canary-access" || tokens.Nonce != "" {
			t.Fatalf("got %+v, %v", tokens, err)
		}
		if len(tokens.Warnings) != 1 || !strings.Contains(tokens.Warnings[0], `requested "openid profile", granted "openid"`) {
			t.Errorf("got the warnings %q", tokens.Warnings)
		}
		want := DeviceCode{UserCode: "ABCDEFGH", Address: "https://okta.example.com/activate",
			FullAddress: "https://okta.example.com/activate?user_code=ABCDEFGH", Expires: s.began.Add(10 * time.Minute)}
		if len(w.shown) != 1 || w.shown[0] != want || w.done != 1 {
			t.Errorf("showed %+v, done %d times", w.shown, w.done)
		}
		if want := []int{0, 5, 10, 20, 30}; !slices.Equal(s.seconds(), want) {
			t.Errorf("asked at %v, want %v", s.seconds(), want)
		}
		first := url.Values{"client_id": {"0oatest"}, "scope": {"openid profile"}}
		poll := url.Values{"client_id": {"0oatest"}, "grant_type": {deviceGrantType}, "device_code": {"canary-device"}}
		for n, form := range s.forms {
			want, path := poll, "/token"
			if n == 0 {
				want, path = first, "/device/authorize"
			}
			if form.Encode() != want.Encode() || !strings.HasSuffix(s.paths[n], path) {
				t.Errorf("request %d: got the form %v at %s", n, form, s.paths[n])
			}
		}
	})
}

// Each final answer ends the polling, and nothing is returned.
func TestST32_DeviceCodeEnds(t *testing.T) {
	t.Parallel()
	answer := func(code, text string) string {
		return `400 {"error":"` + code + `","error_description":"` + text + `"}`
	}
	with := func(old, new string) string { return strings.Replace(deviceCodes, old, new, 1) }
	for _, test := range []struct {
		name    string
		answers []string
		asked   []int
		end     time.Duration
		err     string
	}{
		{"denied", []string{deviceCodes, pending, answer("access_denied", "The resource owner denied the request.")},
			[]int{0, 5, 10}, 10 * time.Second, "access_denied"},
		{"expired", []string{deviceCodes, answer("expired_token", "The device code has expired.")}, []int{0, 5},
			5 * time.Second, "device code has expired"},
		{"invalid", []string{deviceCodes, answer("invalid_grant", "The device code is invalid or has expired.")},
			[]int{0, 5}, 5 * time.Second, "invalid_grant"},
		{"not enabled", []string{answer("unauthorized_client", "x")}, []int{0}, 0, "request for a device code"},
		{"too many codes", []string{`429 {"error":"too_many_user_codes"}`}, []int{0}, 0, "too_many_user_codes"},
		{"never", []string{with("600", "60"), pending}, []int{0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55},
			time.Minute, "device code has expired"},
		{"interval 0", []string{with(`:5}`, `:0}`), pending, answer("access_denied", "x")}, []int{0, 1, 2}, 2 * time.Second,
			"access_denied"},
		{"interval 1e9", []string{with(`:5}`, `:1e9}`), pending, answer("access_denied", "x")}, []int{0, 60, 120},
			2 * time.Minute, "access_denied"},
		{"no interval", []string{with(`,"interval":5`, ``), answer("access_denied", "x")}, []int{0, 5}, 5 * time.Second,
			"access_denied"},
		{"expires_in -1", []string{with("600", "-1")}, []int{0}, 0, "expires_in"},
		{"expires_in 1e9", []string{with("600", "1e9"), slower}, []int{0, 5, 15, 30, 50, 75, 105, 140, 180, 225, 275, 330,
			390, 455, 525, 600, 680, 765, 855, 950, 1050, 1155, 1265, 1380, 1500, 1625, 1755}, 30 * time.Minute, "expired"},
		{"escape sequence", []string{with("ABCDEFGH", `\u001b[2J`)}, []int{0}, 0, "user_code"},
		{"control character", []string{with("com/activate", `com/\u0007`)}, []int{0}, 0, "verification_uri"},
		{"address of another site", []string{with("https://okta.example.com/activate?", "https://attacker.example/?")},
			[]int{0}, 0, "verification_uri_complete"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, w, tokens, err := deviceSignIn(t, test.answers...)
			asked := s.seconds()
			if test.name == "too many codes" { // repeated once, after the time that its header names
				asked = slices.DeleteFunc(asked, func(at int) bool { return at == 40 })
				test.end = time.Since(s.began)
			}
			if !slices.Equal(asked, test.asked) || time.Since(s.began) != test.end {
				t.Errorf("%s: asked at %v, ended after %s", test.name, s.seconds(), time.Since(s.began))
			}
			if tokens != nil || err == nil || !strings.Contains(err.Error(), test.err) ||
				strings.Contains(err.Error(), "canary") || okta.Sanitize(err.Error(), 500) != err.Error() {
				t.Errorf("%s: got %+v, %v", test.name, tokens, err)
			}
			if shown := len(test.asked) > 1; w.done != len(w.shown) || (len(w.shown) == 1) != shown {
				t.Errorf("%s: showed %+v, done %d times", test.name, w.shown, w.done)
			}
		})
	}
}

func TestDeviceCodeNeedsAPerson(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []string{deviceCodes, goodTokens}}
		_, err := Device{Scopes: []string{"openid"}}.Token(t.Context(), s.client(t), nil)
		if e, ok := errors.AsType[*InteractionRequiredError](err); !ok || e.Field != "" || len(s.asked) != 0 {
			t.Errorf("without a person: got %v after %d requests", err, len(s.asked))
		}
		for _, scopes := range [][]string{nil, {"a b"}} {
			_, err := Device{Scopes: scopes}.Token(t.Context(), s.client(t), new(watcher))
			if e, ok := errors.AsType[*InputError](err); !ok || e.Field != "scopes" || len(s.asked) != 0 {
				t.Errorf("%q: got %v after %d requests", scopes, err, len(s.asked))
			}
		}
		broken := errors.New("standard error is closed")
		w := &watcher{err: broken}
		if _, err := (Device{Scopes: []string{"openid"}}).Token(t.Context(), s.client(t), w); err != broken ||
			len(s.asked) != 1 {
			t.Errorf("a code that cannot be shown: got %v after %d requests", err, len(s.asked))
		}
	})
}
