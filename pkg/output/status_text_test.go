package output_test

import (
	"cmp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"okauth/pkg/output"
)

func statusText(t *testing.T, s output.Status, opts output.TextOptions) string {
	t.Helper()
	opts.Width = cmp.Or(opts.Width, 80)
	var w oneWrite
	if err := output.WriteStatusText(&w, s, now, opts); err != nil {
		t.Fatal(err)
	}
	if w.calls != 1 {
		t.Errorf("%d Write calls, want 1", w.calls)
	}
	return w.String()
}

func TestStatusText(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status output.Status
		width  int
		want   string
	}{
		"ready": {ready(), 0, `okauth token works without asking: the cached token is good for 41 minutes

storage
  where   keychain (Secret Service)
  why     auto: there is a keychain (default)
  health  ok
  locks   /run/user/1000/okauth

session dev-1a2b3c4d, the current one
  user           jane@example.com
  issuer         https://example.okta.com/oauth2/default
  client         0oa1exampleClntAx1d7
  scopes         openid profile offline_access
  access token   until 01:59:08, in 41 minutes  ━━━━━━●─────────────
  ID token       until 01:59:08, in 41 minutes  ━━━━━━●─────────────
  refresh token  since 00:59:08, 19 minutes ago; rotates with every use; expiry
                 known to Okta alone

settings of profile dev (flag --profile)
  file: /home/jane/.config/okauth/config.yaml
  domain         file           example.okta.com
  client_secret  keychain       ••••
  scopes         OKAUTH_SCOPES  openid profile offline_access
  defaults: server default
  not set: username, client_secret_command, ca_file
`},
		"expired with a refresh token": {expired(), 80, `okauth token works without asking, by a refresh

storage
  where   keychain (Secret Service)
  why     auto: there is a keychain (default)
  health  ok
  locks   /run/user/1000/okauth

session dev-1a2b3c4d, the current one
  user            jane@example.com
  issuer          https://example.okta.com/oauth2/default
  client          0oa1exampleClntAx1d7
  scopes          openid profile offline_access
    access token  expired 2023-09-27 01:59:08, 23 hours 19 minutes ago
  scopes          groups openid (granted: openid)
    access token  until 01:59:08, in 41 minutes  ━━━━━━━━━━━━━━━━━━━●
    ID token      no good: it was stored in the future, so the clock of this
                  machine has run backwards
  refresh token   since 2023-09-27 00:59:08, 1 day ago; does not rotate; expires
                  2023-10-04 00:59:08, in 5 days 23 hours; for offline_access

settings of profile dev
  defaults: server default
`},
		"not signed in": {signedOut(), 80, `okauth token would ask: not signed in

storage
  where   file (/var/lib/okauth)
  why     as set (OKAUTH_STORAGE)
  health  ok

sessions
  (none)

settings of profile default (default)
`},
		"locked keychain": {locked(), 80, `okauth token would fail: read "dev-1a2b3c4d" in the keychain: it is locked

storage
  where    keychain (Secret Service)
  why      auto (default)
  locks    /run/user/1000/okauth
  problem  list the keychain: it is locked
  hint     unlock the keychain by signing in to the desktop or with its own
           application, then try again

settings of profile dev
`},
		"two sessions, one corrupt": {torn(), 80, `okauth token would ask: not signed in for the scopes "email"

storage
  where   keychain (Secret Service)
  why     auto: there is a keychain (default)
  health  ok
  locks   /run/user/1000/okauth

session dev-1a2b3c4d, the current one
  user           jane@example.com
  issuer         https://example.okta.com/oauth2/default
  client         0oa1exampleClntAx1d7
  DPoP key       0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I
  refresh token  since 00:18:08, 1 hour ago; not used yet; expiry known to Okta
                 alone; for openid

session test-99999999
  problem  read the session "test-99999999": SHA-256 does not match
  hint     ` + "`" + `okauth login` + "`" + ` writes a new session

settings of profile dev (flag --profile)
  file: /home/jane/.config/okauth/config.yaml
`},
		"20 columns": {ready(), 1, `okauth token works
without asking: the
cached token is good
for 41 minutes

storage
  where
    keychain (Secret
    Service)
  why
    auto: there is a
    keychain
    (default)
  health
    ok
  locks
    /run/user/1000/okauth

session
dev-1a2b3c4d, the
current one
  user
    jane@example.com
  issuer
    https://example.okta.com/oauth2/default
  client
    0oa1exampleClntAx1d7
  scopes
    openid profile
    offline_access
  access token
    until 01:59:08,
    in 41 minutes
  ID token
    until 01:59:08,
    in 41 minutes
  refresh token
    since 00:59:08,
    19 minutes ago;
    rotates with
    every use;
    expiry known to
    Okta alone

settings of profile
dev (flag --profile)
  file:
  /home/jane/.config/okauth/config.yaml
  domain  file
    example.okta.com
  client_secret
  keychain
    ••••
  scopes
  OKAUTH_SCOPES
    openid profile
    offline_access
  defaults: server
  default
  not set: username,
  client_secret_command,
  ca_file
`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := statusText(t, test.status, output.TextOptions{Location: cest, Width: test.width}); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestStatusText_Verdict(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]output.Status{
		"okauth token works without asking: the cached token is good for 59 seconds\n":             {Command: "okauth token", Ready: true, Next: "cached", ExpiresAt: now.Add(time.Minute - 1)},
		"okauth token works without asking: the cached token is good\n":                            {Command: "okauth token", Ready: true, Next: "cached"},
		"okauth token works without asking, by a refresh\n":                                        {Command: "okauth token", Ready: true, Next: "refresh"},
		"okauth token works without asking, by a sign-in with the credentials from the settings\n": {Command: "okauth token", Ready: true, Next: "sign_in"},
		"okauth token would ask: not signed in\n":                                                  {Command: "okauth token", Next: "ask", Reason: "not signed in"},
		"not set up: domain is missing; run okauth config init\n":                                  {Command: "okauth token", Next: "fail", NotSetUp: true, Reason: "domain is missing; run okauth config init"},
		"okauth token would fail: the keychain is locked\n":                                        {Command: "okauth token", Next: "fail", Reason: "the keychain is locked"},
	} {
		if got := statusText(t, s, output.TextOptions{Width: 100}); !strings.HasPrefix(got, want+"\n") {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestStatusText_Color(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]output.Status{
		"\x1b[32mokauth token works without asking\x1b[0m: the": ready(), "\x1b[32maccess token \x1b[0m": ready(),
		"\x1b[31m  access token\x1b[0m": expired(), "\x1b[31mokauth token would ask\x1b[0m: not": signedOut(),
		"\x1b[31mproblem\x1b[0m": locked(), "\x1b[32mrefresh token\x1b[0m": torn(), "  \x1b[2mfile\x1b[0m": ready(),
	} {
		got := statusText(t, s, output.TextOptions{Color: true, Location: cest})
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
		plain := strings.NewReplacer("\x1b[0m", "", "\x1b[1m", "", "\x1b[2m", "", "\x1b[31m", "", "\x1b[32m", "").Replace(got)
		if plain != statusText(t, s, output.TextOptions{Location: cest}) {
			t.Errorf("colour changes the text: %q", got)
		}
	}
}

// TestStatusText_Bar gives the bar the room that the time leaves, and none where it would say nothing.
func TestStatusText_Bar(t *testing.T) {
	t.Parallel()
	for width, want := range map[int]string{
		100: "until 01:59:08, in 41 minutes  ━━━━━━●─────────────\n",
		60:  "until 01:59:08, in 41 minutes  ━━━●───────\n",
		57:  "until 01:59:08, in 41 minutes  ━━●─────\n",
		56:  "until 01:59:08, in 41 minutes\n",
	} {
		if got := statusText(t, ready(), output.TextOptions{Location: cest, Width: width}); strings.Count(got, want) != 2 {
			t.Errorf("width %d: got\n%s\nwant %s", width, got, want)
		}
	}
}

func TestStatusText_NothingIsKept(t *testing.T) {
	t.Parallel()
	s := output.Status{Command: "okauth token", Profile: "ci", Ready: true, Next: "sign_in", Storage: output.StatusStorage{Setting: "none", Source: "flag --storage", Backend: "none", OK: true}}
	const want = `okauth token works without asking, by a sign-in with the credentials from the
settings

storage
  where  nothing is kept
  why    none (flag --storage)

settings of profile ci
`
	if got := statusText(t, s, output.TextOptions{}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestAT94_StatusOnAnyTerminal holds lines to the width, unless a single word is longer.
func TestAT94_StatusOnAnyTerminal(t *testing.T) {
	t.Parallel()
	for width := -1; width < 200; width++ {
		for _, s := range []output.Status{ready(), expired(), signedOut(), locked(), torn(), {}} {
			for line := range strings.SplitSeq(statusText(t, s, output.TextOptions{Width: width}), "\n") {
				if width >= 60 && utf8.RuneCountInString(line) > width {
					t.Errorf("width %d: %q", width, line)
				}
			}
		}
	}
}
