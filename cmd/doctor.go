package cmd

import (
	"context"
	"errors"
	"fmt"
	"okauth/cmd/internal/cli"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"okauth/pkg/config"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/store"
)

type doctorOptions struct {
	env     *cli.Env
	session cli.SessionFlags
	output  string
}

func newDoctorCmd(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &doctorOptions{env: env, session: cli.SessionFlags{GlobalFlags: global}}
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Walk the path of a request and say what is wrong with the set-up",
		Long: `Walk the path of a request, in the order in which it would meet them: the
configuration, the proxy, DNS, the connection, TLS, Okta, the authorization
server, the clock, the scopes, the client's authentication, the grant, the
storage, the lock, the session. For each it says what was found and, where
something is wrong, how to mend it.

It never sends a password, so nothing is counted against a user. The client
authenticates with a question about a token that does not exist, and the grant
is tried without a user name; both leave a line in Okta's System Log. In the
keychain an item is written, read back and deleted.

The exit code is 0 when nothing failed (a warning is no failure), else that of
the first failure. -o json is for programs.`,
		Example: `  okauth doctor
  okauth doctor -p staging
  okauth doctor -o json | jq -r '.checks[] | select(.state == "fail")'`,
		Args: cli.ArgsBetween(0, 0),
		RunE: cli.Stoppable(env, o.run),
	}
	o.session.AddFlags(c, connectionKeys()...)
	c.Flags().BoolVar(&o.session.ClientSecretStdin, "client-secret-stdin", false, "read the client secret from standard input")
	cli.EnumFlag(c, &o.output, "output", "o", "text", []string{"text", "json"}, "output format")
	return c
}

func (o *doctorOptions) run(ctx context.Context) error {
	d := &doctor{env: o.env, flags: &o.session}
	text := o.output == "text"
	if text { // as soon as it is known: a network that is ill is slow
		d.show = func(f output.Finding) error {
			return output.FindingText(o.env.Stdout, f, output.TextOptions{Width: o.env.Width, Color: o.env.Color()})
		}
	}
	a, err := o.session.Open(o.env)
	if err != nil {
		d.fail("configuration", err)
	} else {
		d.opened, d.report.Profile = a, a.Settings().ProfileName()
		d.examine(ctx)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch {
	case d.failed != nil:
	case text:
		d.failed = output.WriteReportSum(o.env.Stdout, d.report, output.TextOptions{Width: o.env.Width, Color: o.env.Color()})
	default:
		d.failed = output.WriteReportJSON(o.env.Stdout, d.report)
	}
	switch {
	case d.failed != nil:
		return d.failed
	case d.code != cli.ExitOK:
		return cli.SilentError{Code: d.code}
	}
	return nil
}

// doctor collects what the checks find.
type doctor struct {
	env    *cli.Env
	opened *okauth.Client
	flags  *cli.SessionFlags
	show   func(output.Finding) error // nil: nobody is waiting for each

	report output.Report
	code   int   // of the first failure
	failed error // of the first write

	server   okta.AuthorizationServer
	client   *okta.Client // has no secret until the check "client" is reached
	dates    *dateReader
	metadata *okta.Metadata
}

// examine runs the checks. Those about the network end where there is no way on;
// those about this machine are made all the same.
func (d *doctor) examine(ctx context.Context) {
	way := []struct {
		names []string // what the check reports, and what is skipped where it cannot be made
		check func(context.Context) bool
	}{
		{[]string{"configuration"}, d.configuration},
		{[]string{"proxy", "dns", "connection", "tls", "okta"}, d.network},
		{[]string{"server"}, d.discovery},
		{[]string{"clock"}, d.clock},
		{[]string{"scopes"}, d.scopes},
		{[]string{"client"}, d.clientAuthentication},
		{[]string{"grant"}, d.grant},
	}
	open := true
	for _, step := range way {
		if ctx.Err() != nil {
			return
		}
		if !open {
			for _, name := range step.names {
				d.found(name, "skip", "not reached", "")
			}
			continue
		}
		open = step.check(ctx)
	}
	if ctx.Err() == nil {
		d.storage(ctx)
	}
}

func (d *doctor) found(name, state, detail, advice string) {
	f := output.Finding{Name: name, State: state, Detail: detail, Hint: advice}
	d.report.Findings = append(d.report.Findings, f)
	if d.show != nil && d.failed == nil {
		d.failed = d.show(f)
	}
}

func (d *doctor) ok(name, format string, args ...any) {
	d.found(name, "ok", fmt.Sprintf(format, args...), "")
}

func (d *doctor) fail(name string, err error) {
	if errors.Is(err, context.Canceled) {
		return // whoever pressed Ctrl-C knows
	}
	if d.code == cli.ExitOK {
		d.code = cli.ExitCode(err)
	}
	d.found(name, "fail", err.Error(), cli.Hint(err))
}

// configuration says where the settings come from that a request needs.
func (d *doctor) configuration(context.Context) bool {
	settings := d.opened.Settings()
	server, err := d.opened.Server()
	if err != nil {
		d.fail("configuration", err)
		return false
	}
	d.server = server
	said := []string{fmt.Sprintf("profile %q (%s)", settings.ProfileName(), settings.ProfileSource())}
	if path := settings.ConfigPath(); path != "" {
		if _, err := os.Stat(path); err == nil {
			said = append(said, "file "+path)
		}
	}
	for _, key := range []string{config.KeyDomain, config.KeyServer, config.KeyClientID, config.KeyGrant, config.KeyUsername, config.KeyScopes} {
		if s, err := settings.Get(key); err == nil && s.Value != "" {
			said = append(said, fmt.Sprintf("%s %s (%s)", key, s.Value, s.Source))
		}
	}
	d.ok("configuration", "%s", strings.Join(said, "; "))
	return true
}

// storage says whether a session can be kept, and what there is.
func (d *doctor) storage(ctx context.Context) {
	kept, err := d.opened.Storage(false)
	if err != nil {
		d.fail("storage", err)
		return
	}
	s, err := storageStatus(d.opened)
	if err != nil {
		d.fail("storage", err)
		return
	}
	if kept.Backend == okauth.StorageNone {
		d.found("storage", "note", "none ("+s.Source+"): no session is kept", "")
		return
	}
	began := time.Now()
	err = kept.Try(ctx)
	switch {
	case kept.NotNeeded(err):
		d.found("storage", "warn", "there is no keychain, so no session is kept: "+err.Error(), cli.Hint(cli.FileAdvice(err)))
		return
	case err != nil:
		d.fail("storage", cli.FileAdvice(err))
		return
	}
	d.ok("storage", "%s, %s (%s): can be written and read, in %s%s", s.Backend, s.Where, s.Source, time.Since(began).Round(time.Millisecond), limits(kept))
	if err := kept.Locks.Ready(); err != nil {
		d.fail("lock", err)
	} else {
		d.ok("lock", "%s", s.Locks)
	}
	if d.server != (okta.AuthorizationServer{}) {
		d.session(ctx)
	}
}

// limits says how much fits into an item of the keychain, where that is a limit.
func limits(kept okauth.Storage) string {
	keychain, ok := kept.Items.(*store.Keychain)
	if !ok {
		return ""
	}
	return fmt.Sprintf("; an item holds %d bytes, larger sessions are split", keychain.ItemLimit())
}

// session says what the next "okauth token" would do.
func (d *doctor) session(ctx context.Context) {
	s, err := d.opened.Status(ctx)
	if err != nil {
		d.fail("session", err)
		return
	}
	switch s.Next {
	case okauth.UseCached:
		d.ok("session", "an access token is good until %s", s.Until.Local().Format(time.DateTime))
	case okauth.Refresh:
		d.ok("session", "the access token has expired; okauth token refreshes it without asking")
	case okauth.SignIn:
		d.ok("session", "none; okauth token signs in with the credentials it is given")
	case okauth.Ask:
		d.found("session", "note", s.Reason, "okauth login"+d.flags.Identity())
	default:
		d.fail("session", &cli.ExitError{Err: errors.New(s.Reason), Code: cli.ExitLoginRequired, Advice: "okauth status tells more"})
	}
}
