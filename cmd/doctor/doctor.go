// Package doctor is the command that checks the setup.
package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/store/keychain"
	"okauth/pkg/store/redis"
)

// New returns the command "doctor".
func New(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	d := &doctor{env: env, session: cli.SessionFlags{GlobalFlags: global}}
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check the setup step by step",
		Long: `Check every step of a request and say what is wrong with the setup: the
configuration, the proxy, DNS, the connection, TLS, Okta, the authorization
server, the clock, the scopes, client authentication, the grant, the storage,
the lock and the session. For each step doctor prints what it found and, if
something is wrong, what to do.

doctor never sends a password, so no failure counts against a user. It tests
client authentication with an introspection of a token that does not exist, and
the grant with a request that lacks what signs in; each leaves a line in Okta's
System Log. Where a browser signs in, doctor tests its port and opens no page.
It writes an item to the keychain, reads it back and deletes it.

The exit code is 0 if nothing failed (a warning is not a failure), otherwise
that of the first failure. -o json is for programs.`,
		Example: `  # the profile in use
  okauth doctor
  # another profile
  okauth doctor -p staging
  # what failed, for a program
  okauth doctor -o json | jq -r '.checks[] | select(.state == "fail")'`,
		Args: cli.ArgsBetween(0, 0),
		RunE: cli.Stoppable(env, d.run),
	}
	d.session.AddFlags(c, cli.ConnectionKeys()...)
	c.Flags().BoolVar(
		&d.session.ClientSecretStdin, "client-secret-stdin", false, "read the client secret from standard input",
	)
	cli.OutputFlag(c, &d.output, "text", "json")
	return c
}

// doctor is one run of the command: its flags, and the results of its checks.
type doctor struct {
	env     *cli.Env
	session cli.SessionFlags
	output  string

	report   output.Diagnosis
	exitCode int   // of the first failure
	writeErr error // of the first write that failed

	opened   *okauth.Client
	server   okta.AuthorizationServer
	client   *okta.Client // without client authentication until the check "client"
	clock    *clockReader
	metadata *okta.Metadata
}

func (d *doctor) run(ctx context.Context) (err error) {
	if d.opened, err = d.session.Open(d.env); err != nil {
		d.fail("configuration", err)
	} else {
		d.report.Profile = d.opened.Settings().ProfileName()
		d.checkAll(ctx)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case d.writeErr != nil:
		return d.writeErr
	case d.output == "text":
		err = output.WriteDiagnosisSummary(d.env.Stdout, d.report, d.env.TextOptions())
	default:
		err = output.WriteDiagnosisJSON(d.env.Stdout, d.report)
	}
	if err == nil && d.exitCode != cli.ExitOK {
		return cli.SilentError{Code: d.exitCode}
	}
	return err
}

// checkAll runs the checks. After a failure that blocks the way to Okta, the other checks of the network are skipped,
// and those of this machine are made.
func (d *doctor) checkAll(ctx context.Context) {
	steps := []struct {
		results []string // what the check reports, and what is skipped in its place
		check   func(context.Context) (goOn bool)
	}{
		{[]string{"configuration"}, d.checkConfiguration},
		{networkChecks(), d.checkNetwork},
		{[]string{"server"}, d.checkServer},
		{[]string{"clock"}, d.checkClock},
		{[]string{"scopes"}, d.checkScopes},
		{[]string{"client"}, d.checkClient},
		{nil, d.checkDPoP},
		{[]string{"grant"}, d.checkGrant},
	}
	goOn := true
	for _, step := range steps {
		if goOn && ctx.Err() == nil {
			goOn = step.check(ctx)
		} else {
			d.skip(step.results)
		}
	}
	if ctx.Err() == nil {
		d.checkBrowser(ctx)
		d.checkStorage(ctx)
	}
}

// found reports a result. Text shows it at once: a network with a fault is slow.
func (d *doctor) found(name, state, detail, hint string) {
	c := output.DiagnosisCheck{Name: name, State: state, Detail: detail, Hint: hint}
	d.report.Checks = append(d.report.Checks, c)
	if d.output == "text" && d.writeErr == nil {
		d.writeErr = output.WriteDiagnosisCheck(d.env.Stdout, c, d.env.TextOptions())
	}
}

func (d *doctor) skip(names []string) {
	for _, name := range names {
		d.found(name, "skip", "not reached", "")
	}
}

// ok reports a success, and returns true.
func (d *doctor) ok(name, format string, args ...any) bool {
	d.found(name, "ok", fmt.Sprintf(format, args...), "")
	return true
}

// fail reports a failure, and returns false.
func (d *doctor) fail(name string, err error) bool {
	if errors.Is(err, context.Canceled) {
		return false // the user pressed Ctrl-C
	}
	if d.exitCode == cli.ExitOK {
		d.exitCode = cli.ExitCode(err)
	}
	d.found(name, "fail", err.Error(), d.session.Hint(d.env, err))
	return false
}

// checkConfiguration reports where the settings of a request come from.
func (d *doctor) checkConfiguration(context.Context) bool {
	settings := d.opened.Settings()
	var err error
	if d.server, err = d.opened.Server(); err != nil {
		return d.fail("configuration", err)
	}
	parts := []string{fmt.Sprintf("profile %q (%s)", settings.ProfileName(),
		cli.ShortSource(settings, settings.ProfileSource().String()))}
	if path := settings.ConfigPath(); path != "" {
		if _, err := os.Stat(path); err == nil {
			parts = append(parts, "file "+path)
		}
	}
	for _, key := range []string{
		config.KeyDomain, config.KeyServer, config.KeyClientID, config.KeyGrant, config.KeyUsername, config.KeyScopes,
	} {
		if s, err := settings.Get(key); err == nil && s.Value != "" {
			parts = append(parts, fmt.Sprintf("%s %s (%s)", key, s.Value, cli.ShortSource(settings, s.Source.String())))
		}
	}
	return d.ok("configuration", "%s", strings.Join(parts, "; "))
}

// checkStorage checks that a session can be stored, and what is stored.
func (d *doctor) checkStorage(ctx context.Context) {
	storage, err := d.opened.Storage(false)
	if err != nil {
		d.fail("storage", err)
		return
	}
	s := cli.StorageStatus(d.opened.Settings(), storage)
	if storage.Backend == okauth.StorageNone {
		d.found("storage", "note", "none ("+s.Source+"): no session is kept", "")
		return
	}
	began := time.Now()
	err = storage.Try(ctx)
	switch {
	case storage.NotNeeded(err):
		d.found("storage", "warn", "there is no keychain, so no session is kept: "+err.Error(), d.session.Hint(d.env, err))
		return
	case err != nil:
		d.fail("storage", err)
		return
	}
	limit := ""
	if keychain, ok := storage.Items.(*keychain.Keychain); ok {
		limit = fmt.Sprintf("; an item holds %d bytes, larger sessions are split", keychain.ItemLimit())
	}
	d.ok("storage", "%s, %s (%s): can be written and read, in %s%s",
		s.Backend, s.Location, s.Source, time.Since(began).Round(time.Millisecond), limit)
	if server, ok := storage.Items.(*redis.Store); ok {
		d.checkDurability(ctx, server)
	}
	if err := storage.LocksReady(); err != nil {
		d.fail("lock", err)
	} else {
		d.ok("lock", "%s", cmp.Or(s.LockDir, "a lease on the server"))
	}
	if d.server != (okta.AuthorizationServer{}) {
		d.checkSession(ctx)
	}
}

// checkSession reports what the next "okauth token" would do.
func (d *doctor) checkSession(ctx context.Context) {
	s, err := d.opened.Status(ctx)
	if err != nil {
		d.fail("session", err)
		return
	}
	switch s.Next {
	case okauth.UseCached:
		d.ok("session", "an access token is valid until %s", s.Until.Local().Format(time.DateTime))
	case okauth.Refresh:
		d.ok("session", "the access token has expired; okauth token refreshes it without asking")
	case okauth.SignIn:
		d.ok("session", "none; okauth token signs in with the credentials it is given")
	case okauth.Ask:
		d.found("session", "note", s.Reason, "okauth"+d.session.Again()+" login"+d.session.Identity())
	default:
		d.fail("session", cli.Exit(cli.ExitLoginRequired, errors.New(s.Reason), "okauth status shows more"))
	}
}

// checkDurability warns about a server that may lose sessions by its own settings, where the user may ask for them.
func (d *doctor) checkDurability(ctx context.Context, server *redis.Store) {
	info, err := server.Info(ctx)
	if err != nil {
		return
	}
	if policy := info["maxmemory_policy"]; policy != "" && policy != "noeviction" && info["maxmemory"] != "0" {
		d.found("storage", "warn", "the server drops keys when its memory is full (maxmemory-policy "+policy+
			"), sessions among them", "CONFIG SET maxmemory-policy noeviction, or a server of its own for okauth")
	}
	if info["aof_enabled"] == "0" {
		d.found("storage", "note", "the server does not keep each write (appendonly no): after it has crashed, a new "+
			"sign-in may be needed", "CONFIG SET appendonly yes")
	}
}
