package output_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"okauth/pkg/output"
)

// ready is the status of a user who is signed in, 19 minutes after that.
func ready() output.Status {
	signedIn := time.Date(2023, 9, 27, 22, 59, 8, 0, time.UTC)
	hour := &output.StatusLifetime{From: signedIn, Until: signedIn.Add(time.Hour), Left: 41 * time.Minute}
	scopes := []string{"openid", "profile", "offline_access"}
	return output.Status{
		Command: "okauth token", Profile: "dev", ProfileSource: "flag --profile", ConfigFile: "/home/jane/.config/okauth/config.yaml",
		Ready: true, Next: "cached", ExpiresAt: hour.Until,
		Storage: output.StatusStorage{
			Setting: "auto", Source: "default", Backend: "keychain", Reason: "auto: there is a keychain",
			Location: "Secret Service", LockDir: "/run/user/1000/okauth", OK: true,
		},
		Settings: []output.StatusSetting{
			{"domain", "example.okta.com", "/home/jane/.config/okauth/config.yaml"}, {"server", "default", "default"},
			{"client_secret", "••••", "keychain"}, {"username", "", "not set"}, {"client_secret_command", "", "not set"},
			{"scopes", "openid profile offline_access", "OKAUTH_SCOPES"}, {"ca_file", "", "not set"},
		},
		Sessions: []output.StatusSession{{
			Account: "dev-1a2b3c4d", Profile: "dev", Issuer: "https://example.okta.com/oauth2/default", ClientID: "0oa1exampleClntAx1d7",
			Username: "jane@example.com", Current: true, Revision: 3,
			Tokens:  []output.StatusTokens{{Requested: scopes, Granted: scopes, Access: hour, ID: hour}},
			Refresh: &output.StatusRefresh{Scopes: []string{"offline_access", "openid", "profile"}, ObtainedAt: signedIn, Rotates: new(true)},
		}},
	}
}

// expired is ready a day later, with tokens for a second set of scopes.
func expired() output.Status {
	s := ready()
	s.Next, s.ExpiresAt = "refresh", time.Time{}
	from := time.Date(2023, 9, 26, 22, 59, 8, 0, time.UTC)
	s.Sessions[0].Tokens[0].Access = &output.StatusLifetime{From: from, Until: from.Add(time.Hour)}
	s.Sessions[0].Tokens[0].ID = nil
	s.Sessions[0].Tokens[0].Granted = []string{"profile", "openid", "offline_access"} // as asked for, in another order
	s.Sessions[0].Tokens = append(s.Sessions[0].Tokens, output.StatusTokens{
		Requested: []string{"groups", "openid"}, Granted: []string{"openid"}, // fewer than asked for
		Access: &output.StatusLifetime{From: from, Until: from.Add(25 * time.Hour), Left: 41 * time.Minute},
		ID:     &output.StatusLifetime{From: now.Add(24 * time.Hour), Until: now.Add(25 * time.Hour)},
	})
	s.Sessions[0].Refresh = &output.StatusRefresh{
		Scopes: []string{"offline_access"}, ObtainedAt: from, Rotates: new(false), ExpiresAt: from.Add(7 * 24 * time.Hour),
	}
	s.Settings, s.ConfigFile, s.ProfileSource = s.Settings[1:2], "", ""
	return s
}

// signedOut is the status before the first sign-in.
func signedOut() output.Status {
	return output.Status{
		Command: "okauth token", Profile: "default", ProfileSource: "default", Next: "ask", Reason: "not signed in",
		Storage: output.StatusStorage{
			Setting: "file", Source: "OKAUTH_STORAGE", Backend: "file", Reason: "as set",
			Location: "/var/lib/okauth", LockDir: "/var/lib/okauth", OK: true,
		},
	}
}

// locked is the status where nothing can be read.
func locked() output.Status {
	return output.Status{
		Command: "okauth token", Profile: "dev", Next: "fail", Reason: `read "dev-1a2b3c4d" in the keychain: it is locked`,
		Storage: output.StatusStorage{
			Setting: "auto", Source: "default", Backend: "keychain", Location: "Secret Service", LockDir: "/run/user/1000/okauth",
			Problem: `list the keychain: it is locked`,
			Hint:    "unlock the keychain by signing in to the desktop or with its own application, then try again",
		},
	}
}

// torn has no token for the scopes asked for, and a second session that cannot be read.
func torn() output.Status {
	s := ready()
	s.Sessions[0].Tokens = nil
	s.Sessions[0].Refresh = &output.StatusRefresh{ObtainedAt: now.Add(-time.Hour), Scopes: []string{"openid"}}
	s.Sessions = append(s.Sessions, output.StatusSession{
		Account: "test-99999999", Problem: `read the session "test-99999999": SHA-256 does not match`, Hint: "`okauth login` writes a new session",
	})
	s.Sessions[0].Thumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" // RFC 9449 §6.1
	s.Ready, s.Next, s.ExpiresAt, s.Settings = false, "ask", time.Time{}, nil
	s.Reason = "not signed in for the scopes \"email\""
	return s
}

func TestStatusJSON(t *testing.T) {
	t.Parallel()
	const storage = `"storage":{"setting":"auto","source":"default","backend":"keychain","why":"auto: there is a keychain",` +
		`"where":"Secret Service","locks":"/run/user/1000/okauth","ok":true,"problem":null,"hint":null}`
	const who = `"profile":"dev","issuer":"https://example.okta.com/oauth2/default","client_id":"0oa1exampleClntAx1d7","username":"jane@example.com","dpop_jkt":`
	const hour = `{"from":"2023-09-27T22:59:08Z","expires_at":"2023-09-27T23:59:08Z","expires_in":2460}`
	for name, test := range map[string]struct {
		status output.Status
		want   string
	}{
		"ready": {ready(), `{"ready":true,"next":"cached","reason":null,"expires_at":"2023-09-27T23:59:08Z","expires_in":2460,` +
			`"profile":"dev","profile_source":"flag --profile","profiles":[],"config":"/home/jane/.config/okauth/config.yaml",` + storage + `,` +
			`"sessions":[{"account":"dev-1a2b3c4d","current":true,"problem":null,"hint":null,` + who + `null,"revision":3,` +
			`"tokens":[{"requested":["openid","profile","offline_access"],"granted":["openid","profile","offline_access"],` +
			`"access":` + hour + `,"id":` + hour + `,"exchange":null}],` +
			`"refresh":{"scopes":["offline_access","openid","profile"],"obtained_at":"2023-09-27T22:59:08Z","rotates":true,"expires_at":null}}],` +
			`"settings":[{"key":"domain","value":"example.okta.com","source":"/home/jane/.config/okauth/config.yaml"},` +
			`{"key":"server","value":"default","source":"default"},{"key":"client_secret","value":"••••","source":"keychain"},` +
			`{"key":"username","value":null,"source":"not set"},{"key":"client_secret_command","value":null,"source":"not set"},` +
			`{"key":"scopes","value":"openid profile offline_access","source":"OKAUTH_SCOPES"},{"key":"ca_file","value":null,"source":"not set"}]}`},
		"expired with a refresh token": {expired(), `{"ready":true,"next":"refresh","reason":null,"expires_at":null,"expires_in":null,` +
			`"profile":"dev","profile_source":null,"profiles":[],"config":null,` + storage + `,` +
			`"sessions":[{"account":"dev-1a2b3c4d","current":true,"problem":null,"hint":null,` + who + `null,"revision":3,` +
			`"tokens":[{"requested":["openid","profile","offline_access"],"granted":["profile","openid","offline_access"],` +
			`"access":{"from":"2023-09-26T22:59:08Z","expires_at":"2023-09-26T23:59:08Z","expires_in":0},"id":null,"exchange":null},` +
			`{"requested":["groups","openid"],"granted":["openid"],` +
			`"access":{"from":"2023-09-26T22:59:08Z","expires_at":"2023-09-27T23:59:08Z","expires_in":2460},` +
			`"id":{"from":"2023-09-28T23:18:08Z","expires_at":"2023-09-29T00:18:08Z","expires_in":0},"exchange":null}],` +
			`"refresh":{"scopes":["offline_access"],"obtained_at":"2023-09-26T22:59:08Z","rotates":false,"expires_at":"2023-10-03T22:59:08Z"}}],` +
			`"settings":[{"key":"server","value":"default","source":"default"}]}`},
		"not signed in": {signedOut(), `{"ready":false,"next":"ask","reason":"not signed in","expires_at":null,"expires_in":null,` +
			`"profile":"default","profile_source":"default","profiles":[],"config":null,` +
			`"storage":{"setting":"file","source":"OKAUTH_STORAGE","backend":"file","why":"as set","where":"/var/lib/okauth","locks":"/var/lib/okauth",` +
			`"ok":true,"problem":null,"hint":null},"sessions":[],"settings":[]}`},
		"locked keychain": {locked(), `{"ready":false,"next":"fail","reason":"read \"dev-1a2b3c4d\" in the keychain: it is locked","expires_at":null,"expires_in":null,` +
			`"profile":"dev","profile_source":null,"profiles":[],"config":null,` +
			`"storage":{"setting":"auto","source":"default","backend":"keychain","why":null,"where":"Secret Service","locks":"/run/user/1000/okauth",` +
			`"ok":false,"problem":"list the keychain: it is locked",` +
			`"hint":"unlock the keychain by signing in to the desktop or with its own application, then try again"},"sessions":[],"settings":[]}`},
		"two sessions, one corrupt": {torn(), `{"ready":false,"next":"ask","reason":"not signed in for the scopes \"email\"",` +
			`"expires_at":null,"expires_in":null,"profile":"dev","profile_source":"flag --profile","profiles":[],"config":"/home/jane/.config/okauth/config.yaml",` + storage + `,` +
			`"sessions":[{"account":"dev-1a2b3c4d","current":true,"problem":null,"hint":null,` + who + `"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",` +
			`"revision":3,"tokens":[],` +
			`"refresh":{"scopes":["openid"],"obtained_at":"2023-09-27T22:18:08Z","rotates":null,"expires_at":null}},` +
			`{"account":"test-99999999","current":false,"problem":"read the session \"test-99999999\": SHA-256 does not match",` +
			"\"hint\":\"`okauth login` writes a new session\"," + `"profile":null,"issuer":null,"client_id":null,"username":null,"dpop_jkt":null,"revision":null,` +
			`"tokens":[],"refresh":null}],"settings":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w oneWrite
			if err := output.WriteStatusJSON(&w, test.status, now); err != nil {
				t.Fatal(err)
			}
			if w.String() != test.want+"\n" || w.calls != 1 {
				t.Errorf("%d writes\ngot  %s\nwant %s", w.calls, w.String(), test.want)
			}
		})
	}
}

// hostileStatus has text in every field.
func hostileStatus(text string) output.Status {
	list := []string{text, "a", text}
	life := &output.StatusLifetime{From: now, Until: now.Add(time.Hour), Left: time.Hour}
	return output.Status{
		Command: "okauth token", Profile: text, ProfileSource: text, ConfigFile: text + "/", Next: text, Reason: text,
		Storage:  output.StatusStorage{Setting: text, Source: text, Backend: text, Reason: text, Location: text, LockDir: text + "/", Problem: text, Hint: text},
		Settings: []output.StatusSetting{{text, text, text}, {text, "", "not set"}},
		Sessions: []output.StatusSession{{
			Account: text, Profile: text, Issuer: text, ClientID: text, Username: text, Thumbprint: text, Problem: text, Hint: text,
			Tokens:  []output.StatusTokens{{Requested: list, Granted: list[:1], Access: life, ID: life}},
			Refresh: &output.StatusRefresh{Scopes: list, ObtainedAt: now},
		}},
	}
}

func TestAT52_StatusNeverReachesTheTerminal(t *testing.T) {
	t.Parallel()
	const hostile = "jane\x1b[2J\x1b]8;;x\a\r\n\u009b31m\u202e\u2066\x00\u007f\u2028\u200f\xff\"}"
	s := hostileStatus(hostile)
	for _, width := range []int{20, 80} {
		got := statusText(t, s, output.TextOptions{Width: width})
		for line := range strings.SplitSeq(got, "\n") {
			wantPrintable(t, line)
		}
		if n := strings.Count(got, "jane�[2J"); n < 15 {
			t.Errorf("width %d: %d fields are shown, want 15 or more:\n%s", width, n, got)
		}
	}
	var b bytes.Buffer
	if err := output.WriteStatusJSON(&b, s, now); err != nil {
		t.Fatal(err)
	}
	wantPrintable(t, strings.TrimSuffix(b.String(), "\n"))
	var doc struct {
		Sessions []struct{ Username, Issuer string }
	}
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	want := strings.ToValidUTF8(hostile, "\ufffd")
	if len(doc.Sessions) != 1 || doc.Sessions[0].Username != want || doc.Sessions[0].Issuer != want {
		t.Errorf("got %q, want %q", doc.Sessions, want)
	}
}

func TestAT72_StatusWriteErrorIsReturned(t *testing.T) {
	t.Parallel()
	full := failing{errors.New("no space left on device")}
	if err := output.WriteStatusText(full, ready(), now, output.TextOptions{}); !errors.Is(err, full.err) {
		t.Errorf("text: got %v", err)
	}
	if err := output.WriteStatusJSON(full, ready(), now); !errors.Is(err, full.err) {
		t.Errorf("JSON: got %v", err)
	}
}

// FuzzStatus holds for every text in every field: both forms are printable, and the JSON is JSON.
func FuzzStatus(f *testing.F) {
	f.Add("jane\x1b[2J\n\u202e\xff", 20)
	f.Add("", 80)
	f.Fuzz(func(t *testing.T, text string, width int) {
		s := hostileStatus(text)
		for line := range strings.SplitSeq(statusText(t, s, output.TextOptions{Width: width % 500}), "\n") {
			wantPrintable(t, line)
		}
		var b bytes.Buffer
		if err := output.WriteStatusJSON(&b, s, now); err != nil {
			t.Fatal(err)
		}
		wantPrintable(t, strings.TrimSuffix(b.String(), "\n"))
		if !json.Valid(b.Bytes()) {
			t.Errorf("not JSON: %q", b.String())
		}
	})
}
