package cmd_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"okauth/pkg/oktatest"
	"okauth/pkg/store/fakesecretservice"
	"okauth/pkg/store/redis"
	"okauth/pkg/store/redistest"
)

// exits is "exits CODE CMD …": it runs CMD and fails unless it exits with CODE.
func exits() {
	want, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "usage: exits CODE CMD …")
		os.Exit(2)
	}
	c := exec.Command(os.Args[2], os.Args[3:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = c.Run()
	if c.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if got := exitCode(c.ProcessState); got != want {
		fmt.Fprintf(os.Stderr, "exits: got exit code %d, want %d\n", got, want)
		os.Exit(1)
	}
}

// world is what surrounds the okauth of one script.
type world struct {
	server   *oktatest.Server
	keychain *fakesecretservice.Fake // nil: not on Linux
	redis    *redistest.Server       // nil: none was started
}

type worldKey struct{}

func of(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// The scripts under testdata/script are what a user can see. Each has an Okta
// and a keychain of its own; see worldCommands for what they can do with these.
func TestScripts(t *testing.T) {
	t.Parallel()
	keys := oktatest.NewKeys()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                worldCommands(),
		Setup: func(env *testscript.Env) error {
			shared := keys
			if strings.HasSuffix(env.WorkDir, "script-verify") {
				shared = oktatest.NewKeys() // it rotates them, under the others
			}
			w, err := newWorld(shared)
			if err != nil {
				return err
			}
			env.Defer(w.close)
			env.Values[worldKey{}] = w
			env.Vars = append(env.Vars, w.variables(env.WorkDir)...)
			return os.MkdirAll(filepath.Join(env.WorkDir, "home"), 0o700)
		},
	})
}

func newWorld(keys *oktatest.Keys) (*world, error) {
	server, err := oktatest.Start(oktatest.Options{Keys: keys})
	if err != nil {
		return nil, err
	}
	w := &world{server: server}
	if runtime.GOOS == "linux" {
		if w.keychain, err = fakesecretservice.Start(fakesecretservice.Behavior{}); err != nil {
			server.Close()
			return nil, err
		}
	}
	server.AddUser(oktatest.User{Login: "bob@example.com", Password: oktatest.DefaultPassword})
	app, _ := server.App(oktatest.DefaultClientID)
	app.Assigned = append(app.Assigned, "bob@example.com")
	server.AddApp(app)
	return w, nil
}

func (w *world) close() {
	w.server.Close()
	if w.keychain != nil {
		w.keychain.Close()
	}
	if w.redis != nil {
		w.redis.Kill()
		_ = os.RemoveAll(w.redis.Dir)
	}
}

func (w *world) variables(dir string) []string {
	bus := ""
	if w.keychain != nil {
		bus = w.keychain.Address()
	}
	return []string{
		"HOME=" + filepath.Join(dir, "home"), "AppData=" + filepath.Join(dir, "home"), "LocalAppData=" + filepath.Join(dir, "home"),
		"XDG_CONFIG_HOME=", "XDG_RUNTIME_DIR=", "NO_COLOR=", "TZ=UTC",
		exitAtOnce,
		// No script may ask whoever runs the tests; those that type at a terminal of their own unset it.
		"OKAUTH_NO_INPUT=true",
		"DBUS_SESSION_BUS_ADDRESS=" + bus, "TEST_LOCKS=" + filepath.Join(dir, "locks"),
		"DOMAIN=" + w.server.URL(), "CLIENT_ID=" + oktatest.DefaultClientID, "CLIENT_SECRET=" + oktatest.DefaultClientSecret,
		"LOGIN=" + oktatest.DefaultUser, "PASSWORD=" + oktatest.DefaultPassword,
	}
}

// worldCommands are the scripts' own commands.
func worldCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"sandbox":      cmdSandbox,
		"posts":        cmdPosts,
		"keychain":     cmdKeychain,
		"fault":        cmdFault,
		"sent":         cmdSent,
		"expand":       cmdExpand,
		"rotate":       cmdRotate,
		"nolimits":     cmdNoLimits,
		"rotatenonces": cmdRotateNonces,
		"unset":        cmdUnset,
		"redis":        cmdRedis,

		"requests":      cmdRequests,
		"rotatekeys":    cmdRotateKeys,
		"invalidtokens": cmdInvalidTokens,
		"getkeys":       cmdGetKeys,
		"testkey":       cmdTestKey,
		"unsent":        cmdUnsent,
	}
}

// "sandbox" sets the variables that lead okauth to the script's server, but for
// the password; "sandbox password" sets that as well.
func cmdSandbox(ts *testscript.TestScript, _ bool, args []string) {
	for name, value := range map[string]string{
		"OKAUTH_DOMAIN": "DOMAIN", "OKAUTH_CLIENT_ID": "CLIENT_ID", "OKAUTH_CLIENT_SECRET": "CLIENT_SECRET", "OKAUTH_USERNAME": "LOGIN",
	} {
		ts.Setenv(name, ts.Getenv(value))
	}
	if len(args) > 0 {
		ts.Setenv("OKAUTH_PASSWORD", ts.Getenv("PASSWORD"))
	}
	if runtime.GOOS != "linux" { // there the keychain is the real one, of the person who runs the tests
		ts.Setenv("OKAUTH_STORAGE", "file")
		ts.Setenv("OKAUTH_STORAGE_KEY", strings.Repeat("07", 32))
	}
}

// "unset NAME …" removes variables from okauth's environment, where "env NAME=" would leave them set and empty.
func cmdUnset(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		ts.Setenv(name, unsetMark)
	}
}

// "posts N" fails unless the server was sent exactly N POST requests, since the
// start or the last "posts".
func cmdPosts(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	for _, r := range of(ts).server.Requests() {
		if r.Method == http.MethodPost {
			got++
		}
	}
	if got != want {
		ts.Fatalf("the server got %d POST requests, want %d", got, want)
	}
	of(ts).server.ResetRequests()
}

// "sent FIELD VALUE" fails unless the last request had this form field;
// "! sent FIELD" unless it had none of that name.
func cmdSent(ts *testscript.TestScript, neg bool, args []string) {
	requests := of(ts).server.Requests()
	if len(requests) == 0 {
		ts.Fatalf("the server got no request")
	}
	got, has := requests[len(requests)-1].Form[args[0]]
	switch {
	case neg && has:
		ts.Fatalf("the request has the field %s", args[0])
	case !neg && !slices.Equal(got, args[1:]):
		ts.Fatalf("field %s differs from %q", args[0], args[1:])
	}
}

// "keychain SWITCH …" makes the keychain misbehave; "keychain items N",
// "keychain reads N" and "keychain connections N" fail unless it holds N items,
// and was asked for N values, or connected to N times, since the start or the
// last "keychain reads".
func cmdKeychain(ts *testscript.TestScript, _ bool, args []string) {
	f := of(ts).keychain
	switch args[0] {
	case "items", "reads", "connections":
		want, err := strconv.Atoi(args[1])
		ts.Check(err)
		got := len(f.Items())
		switch args[0] {
		case "reads":
			got = f.Calls()["GetSecret"]
			f.ResetCalls()
		case "connections":
			got = f.Calls()["connections"]
		}
		if got != want {
			ts.Fatalf("keychain %s: got %d, want %d", args[0], got, want)
		}
		return
	case "put":
		for account := range f.Items() {
			f.Put(account, strings.Join(args[1:], " "))
		}
		return
	}
	f.Update(func(b *fakesecretservice.Behavior) {
		switches := map[string]*bool{"locked": &b.Locked, "hang": &b.Hang, "absent": &b.NoOwner, "lose": &b.Lose, "full": &b.Full}
		on, ok := switches[args[0]]
		if !ok {
			ts.Fatalf("keychain: no switch %q", args[0])
		}
		*on = true
	})
}

// "redis start" starts a Redis server that forgets nothing, with the user okauth, who has what the documentation says
// and the password wrong-horse, and sets $REDIS and $REDIS_PORT; "redis stop" stops it until the next start.
func cmdRedis(ts *testscript.TestScript, _ bool, args []string) {
	w := of(ts)
	switch {
	case args[0] == "stop":
		w.redis.Stop()
	case w.redis != nil:
		ts.Check(w.redis.Restart())
	default:
		dir, err := os.MkdirTemp("", "redis")
		ts.Check(err)
		user := []string{"--user", "default", "on", "nopass", "~*", "&*", "+@all", "--user", "okauth", "on", ">wrong-horse"}
		w.redis, err = redistest.Start(dir, append(append(user, strings.Fields(redis.ACL)...), "--appendonly", "yes")...)
		ts.Check(err)
		ts.Setenv("REDIS", w.redis.Addr)
		ts.Setenv("REDIS_PORT", strconv.Itoa(w.redis.Port))
	}
}

// "fault KIND [ARG]" spoils the next answer of the server.
func cmdFault(ts *testscript.TestScript, _ bool, args []string) {
	arg := func() string { return args[1] }
	var fault oktatest.Fault
	switch args[0] {
	case "json":
		fault = oktatest.JSON(ts.ReadFile(arg()))
	case "html":
		status, err := strconv.Atoi(arg())
		ts.Check(err)
		fault = oktatest.HTML(status)
	case "redirect":
		fault = oktatest.Redirect(http.StatusTemporaryRedirect, arg())
	case "hangup":
		fault = oktatest.HangUp()
	case "silence":
		fault = oktatest.Silence()
	case "truncated":
		fault = oktatest.Truncated()
	case "status":
		status, err := strconv.Atoi(arg())
		ts.Check(err)
		fault = oktatest.Respond(status, http.Header{"Content-Type": {"application/json"}}, ts.ReadFile(args[2]))
	case "override":
		fault = oktatest.Override(arg(), args[2])
	default:
		ts.Fatalf("fault: no kind %q", args[0])
	}
	of(ts).server.Fail("", fault)
}

// "rotate LEEWAY" lets refresh tokens rotate from now on.
func cmdRotate(ts *testscript.TestScript, _ bool, args []string) {
	leeway, err := time.ParseDuration(args[0])
	ts.Check(err)
	app, _ := of(ts).server.App(oktatest.DefaultClientID)
	app.Rotation = oktatest.Rotation{Rotate: true, Leeway: leeway}
	of(ts).server.AddApp(app)
}

// "nolimits" ends the server's rate limits and lock-out.
func cmdNoLimits(ts *testscript.TestScript, _ bool, _ []string) {
	of(ts).server.Change(func(o *oktatest.Options) { o.Limits = &oktatest.Limits{} })
}

// "rotatenonces" ends the nonces of DPoP that the server has given.
func cmdRotateNonces(ts *testscript.TestScript, _ bool, _ []string) { of(ts).server.RotateNonces() }

// "expand FILE" replaces the variables in a file by their values.
func cmdExpand(ts *testscript.TestScript, _ bool, args []string) {
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}
