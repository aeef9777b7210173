package keychain

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/store"
	"okauth/pkg/store/fakesecretservice"
)

// The keychain takes the address of the bus from the environment of the process, so every test of it runs in a process
// of its own: this test binary, which finds its orders in the environment.
const ordersVar = "OKAUTH_TEST_ORDERS"

// orders are what a child process does, in order.
type orders struct {
	Options Options
	Steps   []step
}

type step struct {
	Do, Account string // Get, Set, Delete, Probe, Unlock; Save, Load, Logout of the profile Account; List
	Value       string
	Size        int    // of the session's tokens, in bytes
	Generation  uint64 // of the session
	Times       int    // > 1: so many at once
	Cut         bool   // the connection ends when the search has been sent
}

// report is what came of a step.
type report struct {
	Value, Kind, Error string
	Took               time.Duration
	Notes              []string
}

func TestMain(m *testing.M) {
	if text := os.Getenv(ordersVar); text != "" {
		var o orders
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			os.Exit(2)
		}
		if err := json.NewEncoder(os.Stdout).Encode(o.run()); err != nil {
			os.Exit(2)
		}
		return
	}
	os.Exit(m.Run())
}

func (o orders) run() []report {
	var mu sync.Mutex
	var notes []string
	o.Options.Notify = func(text string) {
		mu.Lock()
		defer mu.Unlock()
		notes = append(notes, text)
	}
	k := New(o.Options)
	var reports []report
	for _, s := range o.Steps {
		var wg sync.WaitGroup
		for range max(s.Times-1, 0) {
			wg.Go(func() { s.run(k) })
		}
		r := s.run(k)
		wg.Wait()
		mu.Lock()
		r.Notes, notes = notes, nil
		mu.Unlock()
		reports = append(reports, r)
	}
	return reports
}

func (s step) run(k *Keychain) report {
	ctx := context.Background()
	start := time.Now()
	var value []byte
	var err error
	switch s.Do {
	case "Get":
		if s.Cut {
			cutOff(ctx, s.Account)
		}
		value, err = k.Get(ctx, s.Account)
	case "Set":
		err = k.Set(ctx, s.Account, []byte(s.Value))
	case "Delete":
		err = k.Delete(ctx, s.Account)
	case "Probe":
		err = k.Probe(ctx)
	case "Unlock":
		err = k.Unlock(ctx)
	default:
		value, err = s.runSession(ctx, store.Sessions{Items: k})
	}
	r := report{Value: string(value), Kind: kindOf(err), Took: time.Since(start)}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

// cutOff ends a connection as a killed process does, with a call unanswered: the search, or the one after it.
func cutOff(ctx context.Context, account string) {
	for _, after := range []string{"", "org.freedesktop.Secret.Service.OpenSession"} {
		b, err := dialBus(ctx)
		if err != nil {
			return
		}
		i := &item{bus: b, account: account}
		if after == "" {
			b.send(secretsName, servicePath, "org.freedesktop.Secret.Service.SearchItems", []any{i.attributes()})
		} else if i.search() == nil {
			b.send(secretsName, servicePath, after, []any{"plain", variant{""}})
		}
		_, _ = b.conn.Write(b.out)
		b.close()
	}
}

// runSession is run for a session. Load returns "same" when the session is the one that a Save of this step would
// write.
func (s step) runSession(ctx context.Context, sessions store.Sessions) (value []byte, err error) {
	session := sizedSession(s.Account, s.Size, s.Generation)
	switch s.Do {
	case "Save":
		err = sessions.Save(ctx, session)
	case "Load":
		got, err := sessions.Load(ctx, session.Identity)
		if err == nil && reflect.DeepEqual(reveal(got), reveal(session)) {
			return []byte("same"), nil
		}
		return nil, err
	case "Logout":
		err = sessions.DeleteAccount(ctx, session.Identity.Account())
	case "List":
		var accounts []string
		accounts, err = sessions.List(ctx)
		value = []byte(strings.Join(accounts, " "))
	}
	return value, err
}

// sizedSession returns a session of profile with size bytes of tokens, which differ from generation to generation.
func sizedSession(profile string, size int, generation uint64) *store.Session {
	at := time.Date(2026, 11, 22, 17, 0, 0, 1, time.UTC)
	s := &store.Session{
		Identity: store.Identity{
			Profile: profile, Issuer: "https://dev-1.okta.com/oauth2/default", ClientID: "0oab8eb55Kb9jdMIr5d6",
			User: "alice@example.com", Grant: "password",
		},
		Username: "Zoë\u2028😀<&>", Revision: generation,
		Refresh: store.RefreshToken{
			Value: okta.NewSecret("canary-refresh"), Requested: []string{"openid", "offline_access"},
			Granted: []string{"offline_access"}, ObtainedAt: at, Rotation: store.Rotating,
		},
		Sets: []store.TokenSet{{
			Requested: []string{"openid", "profile"}, Granted: []string{"openid"}, TokenType: "Bearer",
			AccessToken: okta.NewSecret("canary.access-_~+/=="), IDToken: okta.NewSecret("canary.id.token"),
			ObtainedAt: at, ExpiresIn: time.Hour,
		}},
	}
	if size > 0 {
		tokens := strings.ReplaceAll(string(text(fmt.Sprintf("canary-%d-", generation), size)), ",", ".")
		s.Sets[0].AccessToken, s.Sets[0].IDToken = okta.NewSecret(tokens[:size/2]), okta.NewSecret(tokens[size/2:])
	}
	return s
}

// reveal returns a session as a value that can be compared.
func reveal(s *store.Session) any {
	tokens := []string{s.Refresh.Value.Reveal()}
	for _, set := range s.Sets {
		tokens = append(tokens, set.AccessToken.Reveal(), set.IDToken.Reveal())
	}
	plain := *s
	plain.Refresh.Value = okta.Secret{}
	plain.Sets = slices.Clone(s.Sets)
	for i := range plain.Sets {
		plain.Sets[i].AccessToken, plain.Sets[i].IDToken = okta.Secret{}, okta.Secret{}
	}
	return []any{plain, tokens}
}

// child runs orders in a process whose environment is bare but for env.
func child(t *testing.T, o orders, env ...string) []report {
	t.Helper()
	text, err := json.Marshal(o.marshal())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 120*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^$")
	cmd.Env = append([]string{ordersVar + "=" + string(text), "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GOCOVERDIR=" + t.TempDir(),
		"GORACE=atexit_sleep_ms=0"}, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("child: %v\n%s", err, stderr.String())
	}
	if stderr.Len() > 0 {
		t.Errorf("the keychain wrote to stderr: %s", stderr.String())
	}
	var reports []report
	if err := json.Unmarshal(stdout.Bytes(), &reports); err != nil || len(reports) != len(o.Steps) {
		t.Fatalf("child reported %q: %v", stdout.String(), err)
	}
	return reports
}

// marshal drops what JSON cannot carry; the child sets its own.
func (o orders) marshal() any {
	type options struct {
		ReadTimeout, WriteTimeout time.Duration
		MayPrompt                 bool
		ItemLimit                 int
	}
	return struct {
		Options options
		Steps   []step
	}{options{o.Options.ReadTimeout, o.Options.WriteTimeout, o.Options.MayPrompt, o.Options.ItemLimit}, o.Steps}
}

func startFake(t *testing.T, b fakesecretservice.Behavior) *fakesecretservice.Fake {
	t.Helper()
	f, err := fakesecretservice.Start(b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func bus(f *fakesecretservice.Fake) string { return busAddressVar + "=" + f.Address() }

// wantKind checks a report against a kind and a piece of its message, and that okauth would tell the user something
// of use.
func (r report) wantKind(t *testing.T, kind, piece string) {
	t.Helper()
	if r.Kind != kind || !strings.Contains(r.Error, piece) {
		t.Errorf("got %s: %s; want %s with %q", r.Kind, r.Error, kind, piece)
	}
	if r.Value != "" && kind != "ok" {
		t.Errorf("a value came with an error: %q", r.Value)
	}
	if strings.Contains(r.Error, "canary") {
		t.Errorf("the value is in the message: %s", r.Error)
	}
	if strings.ContainsAny(r.Error, "\n\x1b\r") {
		t.Errorf("the message is not one harmless line: %q", r.Error)
	}
}
