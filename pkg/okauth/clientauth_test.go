package okauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"okauth/pkg/config"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

// with returns the options of a client that has these variables and settings beside the user's.
func (o *org) with(settings map[string]string, env map[string]string) okauth.Options {
	options := o.options
	options.Settings = maps.Clone(options.Settings)
	maps.Copy(options.Settings, settings)
	options.LookupEnv = func(name string) (string, bool) {
		if name == "OKAUTH_CLIENT_SECRET" {
			value, ok := env[name]
			return value, ok
		}
		if value, ok := env[name]; ok {
			return value, true
		}
		return o.options.LookupEnv(name)
	}
	return options
}

// methodOf returns how a request authenticated.
func methodOf(r oktatest.Request) string {
	switch {
	case r.Header.Get("Authorization") != "":
		return "client_secret_basic"
	case r.Form.Has("client_secret"):
		return "client_secret_post"
	case strings.HasPrefix(r.Form.Get("client_assertion"), "eyJhbGciOiJIUzI1NiJ9"):
		return "client_secret_jwt"
	case r.Form.Has("client_assertion"):
		return "private_key_jwt"
	}
	return "none"
}

// keyFile writes the test key, and returns its path.
func keyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, oktatest.TestKey(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// generate makes a key, and returns it as it is stored.
func generate(t *testing.T) (clientauth.Key, okta.Secret) {
	t.Helper()
	key, err := clientauth.GenerateKey(clientauth.ES256)
	if err != nil {
		t.Fatal(err)
	}
	text, err := key.PrivateJWK()
	if err != nil {
		t.Fatal(err)
	}
	return key, text
}

// storeKey stores a key of the test key's client in the keychain.
func (o *org) storeKey(t *testing.T, key store.ClientKey) {
	t.Helper()
	account := store.ClientKeyAccount(config.DefaultProfile, o.URL(), oktatest.PrivateKeyClientID)
	if err := (store.ClientKeys{Items: o.keeps}).Save(t.Context(), account, key); err != nil {
		t.Fatal(err)
	}
}

// A client authenticates by what it has, or as it is set; where several things are there, the stronger place counts,
// and in one place the key.
func TestST36_HowTheClientAuthenticates(t *testing.T) {
	t.Parallel()
	const id, secret = oktatest.PrivateKeyClientID, oktatest.DefaultClientSecret
	file := keyFile(t)
	pem := string(oktatest.TestKey())
	for name, test := range map[string]struct {
		client, auth string
		env          map[string]string
		inKeychain   bool
		want         string
	}{
		"a key file":          {id, "", map[string]string{"OKAUTH_PRIVATE_KEY_FILE": file}, false, "private_key_jwt"},
		"a key in a variable": {id, "", map[string]string{"OKAUTH_PRIVATE_KEY": pem}, false, "private_key_jwt"},
		"with \\n": {id, "", map[string]string{"OKTA_CLIENT_PRIVATEKEY": strings.ReplaceAll(pem, "\n", `\n`),
			"OKTA_CLIENT_PRIVATEKEYID": oktatest.TestKeyID}, false, "private_key_jwt"},
		"a key in the keychain": {id, "", nil, true, "private_key_jwt"},
		"a key and a secret": {id, "", map[string]string{"OKAUTH_PRIVATE_KEY": pem, "OKAUTH_CLIENT_SECRET": secret}, false,
			"private_key_jwt"},
		"a key in the keychain, and a secret": {oktatest.DefaultClientID, "", map[string]string{"OKAUTH_CLIENT_SECRET": secret},
			true, "client_secret_basic"},
		"the same, set": {id, "private_key_jwt", map[string]string{"OKAUTH_CLIENT_SECRET": secret}, true, "private_key_jwt"},
		"a secret":      {oktatest.DefaultClientID, "", map[string]string{"OKAUTH_CLIENT_SECRET": secret}, false, "client_secret_basic"},
		"nothing":       {oktatest.PublicClientID, "", nil, false, "none"},
		"none": {oktatest.PublicClientID, "none", map[string]string{"OKAUTH_CLIENT_SECRET_COMMAND": "exit 1",
			"OKAUTH_PRIVATE_KEY_FILE": "/nowhere"}, true, "none"},
		"basic, not the key": {oktatest.DefaultClientID, "client_secret_basic", map[string]string{"OKAUTH_CLIENT_SECRET": secret,
			"OKAUTH_PRIVATE_KEY_FILE": "/nowhere"}, true, "client_secret_basic"},
		"post": {oktatest.PostClientID, "client_secret_post", map[string]string{"OKAUTH_CLIENT_SECRET": secret}, false,
			"client_secret_post"},
		"HMAC": {oktatest.SecretJWTClientID, "client_secret_jwt", map[string]string{"OKAUTH_CLIENT_SECRET": secret}, false,
			"client_secret_jwt"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			settings := map[string]string{"client_id": test.client}
			if test.auth != "" {
				settings["client_auth"] = test.auth
			}
			if test.inKeychain {
				o.storeKey(t, store.ClientKey{Current: okta.NewSecret(pem)})
			}
			client := o.open(t, o.with(settings, test.env))
			if _, err := client.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := client.Logout(t.Context()); err != nil {
				t.Fatal(err)
			}
			requests := o.Requests()
			if len(requests) != 3 || !strings.HasSuffix(requests[2].Path, "/revoke") {
				t.Fatalf("got %v, want a sign-in and two revocations", requests)
			}
			for _, r := range requests {
				if got := methodOf(r); got != test.want || r.Status != 200 {
					t.Errorf("%v: got %s, want %s", r, got, test.want)
				}
			}
		})
	}
}

// A program may give the key, or a secret for this call, which is stronger than the settings. Status calls no function.
func TestST36_KeyOfAProgram(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	calls := 0
	options := o.with(map[string]string{"client_id": oktatest.PrivateKeyClientID}, map[string]string{"OKAUTH_PRIVATE_KEY": "none"})
	options.PrivateKey = func(context.Context) (okta.Secret, error) {
		calls++
		return okta.NewSecret(string(oktatest.TestKey())), nil
	}
	client := o.open(t, options)
	if s, err := client.Status(t.Context()); err != nil || s.Next != okauth.SignIn || calls != 0 {
		t.Errorf("got %v %s, %v and %d calls", s.Next, s.Reason, err, calls)
	}
	for range 2 {
		if _, err := client.Renew(t.Context(), session.Access, true); err != nil {
			t.Error(err)
		}
	}
	options = o.with(nil, map[string]string{"OKAUTH_PRIVATE_KEY": "none"})
	options.ClientSecret = func(context.Context) (okta.Secret, error) { return okta.NewSecret(oktatest.DefaultClientSecret), nil }
	if _, err := o.open(t, options).Renew(t.Context(), session.Access, true); err != nil || calls != 1 {
		t.Errorf("a secret of the program: %v; the key was asked for %d times", err, calls)
	}
}

// A setting that contradicts what the client has is an error that names it, before anything is sent.
func TestST36_WrongClientAuthentication(t *testing.T) {
	t.Parallel()
	const secret = oktatest.DefaultClientSecret
	jwk, err := json.Marshal(map[string]string{"kty": "oct", "k": "canary"})
	if err != nil {
		t.Fatal(err)
	}
	_, own := generate(t)
	for name, test := range map[string]struct {
		settings, env map[string]string
		key           string // the setting that the error names
		text          string
	}{
		"no key": {map[string]string{"client_auth": "private_key_jwt"}, map[string]string{"OKAUTH_CLIENT_SECRET": secret},
			"private_key", `client_auth is "private_key_jwt"`},
		"no secret":         {map[string]string{"client_auth": "client_secret_post"}, nil, "client_secret", "client_secret_post"},
		"not a key":         {nil, map[string]string{"OKAUTH_PRIVATE_KEY": string(jwk)}, "private_key", "shared secret"},
		"an empty variable": {nil, map[string]string{"OKAUTH_PRIVATE_KEY": ""}, "private_key", "empty"},
		"another kid": {map[string]string{"private_key_id": "k2"}, map[string]string{"OKAUTH_PRIVATE_KEY": own.Reveal()},
			"private_key_id", `it is "k2"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			for _, options := range []okauth.Options{o.with(test.settings, test.env), o.withoutPasswordFrom(test.settings, test.env)} {
				_, err := o.open(t, options).Token(t.Context())
				e, ok := errors.AsType[*config.Error](err)
				if !ok && test.env["OKAUTH_PRIVATE_KEY"] == "" && errors.As(err, new(*okauth.LoginRequiredError)) {
					continue // nothing that is there is wrong
				}
				if !ok || e.Key != test.key || !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), "canary") {
					t.Errorf("got %v, want %s, %q", err, test.key, test.text)
				}
			}
			if n := len(o.Requests()); n != 0 {
				t.Errorf("%d requests were sent", n)
			}
		})
	}
	o := newOrg(t)
	_, err = o.open(t, o.with(map[string]string{"client_auth": "client_secret_jwt"},
		map[string]string{"OKAUTH_CLIENT_SECRET": "canary-short"})).Token(t.Context())
	if e, ok := errors.AsType[*clientauth.KeyError](err); !ok || e.Problem != clientauth.SecretTooShort ||
		strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), `"client_auth"`) || len(o.Requests()) > 0 {
		t.Errorf("a short secret: got %v", err)
	}
}

func (o *org) withoutPasswordFrom(settings, env map[string]string) okauth.Options {
	options := o.with(settings, env)
	lookup := options.LookupEnv
	options.LookupEnv = func(name string) (string, bool) {
		if name == "OKAUTH_PASSWORD" {
			return "", false
		}
		return lookup(name)
	}
	return options
}

// A cached token needs no key: no command runs, and a file that cannot be read is no error. A sign-in needs it.
func TestST36_CachedTokenOpensNoKey(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the command line is written for sh")
	}
	t.Parallel()
	o, file := newOrg(t), keyFile(t)
	mark := filepath.Join(t.TempDir(), "ran")
	client := map[string]string{"client_id": oktatest.PrivateKeyClientID}
	for _, env := range []map[string]string{
		{"OKAUTH_PRIVATE_KEY_COMMAND": "echo x >> '" + mark + "'; cat '" + file + "'"}, {"OKAUTH_PRIVATE_KEY_FILE": file},
	} {
		if _, err := o.open(t, o.with(client, env)).Renew(t.Context(), session.Access, true); err != nil {
			t.Fatal(err)
		}
	}
	if ran, err := os.ReadFile(mark); err != nil || string(ran) != "x\n" {
		t.Fatalf("the command ran %q times, %v; want once", ran, err)
	}
	if err := os.Rename(file, file+".away"); err != nil {
		t.Fatal(err)
	}
	o.storeKey(t, store.ClientKey{Current: okta.NewSecret("canary: no key")})
	sent := len(o.Requests())
	for _, env := range []map[string]string{
		{"OKAUTH_PRIVATE_KEY_COMMAND": "echo x >> '" + mark + "'"}, {"OKAUTH_PRIVATE_KEY_FILE": file}, nil,
	} {
		options, reads := o.with(client, env), &readCounter{Backend: o.keeps}
		options.Keychain = reads
		client := o.open(t, options)
		if _, err := client.Token(t.Context()); err != nil || reads.n != 1 {
			t.Errorf("%v: %v, %d reads of the keychain, want one", slices.Collect(maps.Keys(env)), err, reads.n)
		}
		if _, err := client.Status(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := client.Renew(t.Context(), session.Access, true); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("a new token without a key: %v", err)
		}
	}
	if ran, _ := os.ReadFile(mark); string(ran) != "x\nx\n" { // the last Renew
		t.Errorf("the command ran %q", ran)
	}
	if len(o.Requests()) != sent {
		t.Errorf("%d requests were sent", len(o.Requests())-sent)
	}
}

// readCounter is a keychain that counts how often an item is read.
type readCounter struct {
	store.Backend
	n int
}

func (r *readCounter) Get(ctx context.Context, account string) ([]byte, error) {
	r.n++
	return r.Backend.Get(ctx, account)
}

// Status opens a key to see whether the next call would fail, and runs no command for it.
func TestST36_StatusRunsNoKeyCommand(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the command line is written for sh")
	}
	t.Parallel()
	o := newOrg(t)
	mark := filepath.Join(t.TempDir(), "ran")
	o.storeKey(t, store.ClientKey{Current: okta.NewSecret("no key"), Next: okta.NewSecret(string(oktatest.TestKey()))})
	for name, want := range map[string]okauth.NextAction{"touch '" + mark + "'": okauth.SignIn, "": okauth.Fail} {
		env := map[string]string{"OKAUTH_PRIVATE_KEY_COMMAND": name}
		if name == "" {
			env = nil // the keychain's, whose next key is not tried
		}
		client := o.open(t, o.with(map[string]string{"client_id": oktatest.PrivateKeyClientID}, env))
		if s, err := client.Status(t.Context()); err != nil || s.Next != want {
			t.Errorf("%q: got %v %s, %v; want %s", name, s.Next, s.Reason, err, want)
		}
	}
	if _, err := os.Stat(mark); err == nil || len(o.Requests()) > 0 {
		t.Errorf("the command ran: %v; %d requests", err == nil, len(o.Requests()))
	}
}

// A new key waits until the server knows it, and then takes the place of the old one.
func TestST36_NextKey(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	current, currentText := generate(t)
	next, nextText := generate(t)
	o.storeKey(t, store.ClientKey{Current: currentText, Next: nextText})
	app := oktatest.App{ClientID: oktatest.PrivateKeyClientID, AuthMethod: oktatest.PrivateKeyJWT,
		Grants: []string{"password", "refresh_token"}, Keys: []json.RawMessage{current.PublicJWK()}}
	client := o.open(t, o.with(map[string]string{"client_id": app.ClientID}, nil))
	for _, step := range []struct {
		keys     []json.RawMessage
		requests string
	}{
		{[]json.RawMessage{current.PublicJWK()}, "introspect 401, token 200"},
		{[]json.RawMessage{current.PublicJWK(), next.PublicJWK()}, "introspect 200, token 200"},
		{[]json.RawMessage{next.PublicJWK()}, "token 200"},
	} {
		app.Keys = step.keys
		o.AddApp(app)
		o.ResetRequests()
		if _, err := client.Renew(t.Context(), session.Access, true); err != nil {
			t.Errorf("%s: %v", step.requests, err)
		}
		var got []string
		for _, r := range o.Requests() {
			got = append(got, r.Path[strings.LastIndex(r.Path, "/")+1:]+map[int]string{200: " 200", 401: " 401"}[r.Status])
		}
		if strings.Join(got, ", ") != step.requests {
			t.Errorf("got %v, want %s", o.Requests(), step.requests)
		}
		if _, err := client.Token(t.Context()); err != nil || len(o.Requests()) != len(got) {
			t.Errorf("a cached token: %v, %d requests more", err, len(o.Requests())-len(got))
		}
	}
	stored, err := (store.ClientKeys{Items: o.keeps}).Load(t.Context(),
		store.ClientKeyAccount(config.DefaultProfile, o.URL(), app.ClientID))
	if err != nil || !stored.Current.Equal(nextText) || !stored.Next.IsZero() {
		t.Errorf("the new key is not in the place of the old one: %v", err)
	}
}

// What the user does with the keys while Okta is asked about the next one stays: a key after that is not lost, and one
// that was removed does not come back.
func TestST36_NextKeyMeanwhile(t *testing.T) {
	t.Parallel()
	_, current := generate(t)
	next, nextText := generate(t)
	_, third := generate(t)
	for name, meanwhile := range map[string]store.ClientKey{
		"rotated again": {Current: nextText, Next: third}, "another next key": {Current: current, Next: third},
		"removed": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.storeKey(t, store.ClientKey{Current: current, Next: nextText})
			app, _ := o.App(oktatest.PrivateKeyClientID)
			app.Keys = []json.RawMessage{next.PublicJWK()}
			o.AddApp(app)
			arrived, release, done := make(chan struct{}), make(chan struct{}), make(chan error)
			o.Fail("/v1/introspect", oktatest.HoldAnswer(arrived, release))
			client := o.open(t, o.with(map[string]string{"client_id": app.ClientID}, nil))
			go func() {
				_, err := client.Renew(t.Context(), session.Access, true)
				done <- err
			}()
			<-arrived
			keys, account := client.KeychainKey(false)
			err := keys.Change(t.Context(), account, func(store.ClientKey) (store.ClientKey, error) { return meanwhile, nil })
			if err != nil {
				t.Fatal(err)
			}
			close(release)
			if err := <-done; err != nil {
				t.Error(err)
			}
			got, err := keys.Load(t.Context(), account)
			if err != nil && !(errors.Is(err, store.ErrNotFound) && name == "removed") ||
				!got.Current.Equal(meanwhile.Current) || !got.Next.Equal(meanwhile.Next) {
				t.Errorf("the keychain has not what was stored meanwhile: %v", err)
			}
		})
	}
}

// A key file that others can read is used, with one note.
func TestST36_ReadableKeyFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no modes")
	}
	t.Parallel()
	o, file := newOrg(t), keyFile(t)
	var warnings []string
	options := o.with(map[string]string{"client_id": oktatest.PrivateKeyClientID, "private_key_file": file}, nil)
	options.Events.Warning = func(text string) { warnings = append(warnings, text) }
	for mode, want := range map[os.FileMode]int{0o600: 0, 0o644: 1} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		warnings = nil
		client := o.open(t, options)
		for range 2 {
			if _, err := client.Renew(t.Context(), session.Access, true); err != nil {
				t.Fatal(err)
			}
		}
		if len(warnings) != want || want > 0 && !strings.Contains(warnings[0], file) {
			t.Errorf("%04o: got the warnings %q", mode, warnings)
		}
	}
}
