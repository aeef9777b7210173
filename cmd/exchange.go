package cmd

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/session"
)

type exchangeOptions struct {
	env     *cli.Env
	session cli.SessionFlags
	request okauth.ExchangeRequest
	printFlags

	subjectProfile           string
	subjectStdin, actorStdin bool
}

func newExchangeCmd(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &exchangeOptions{env: env, session: cli.SessionFlags{GlobalFlags: global}}
	c := &cobra.Command{
		Use:   "exchange [-]",
		Short: "Exchange a token for one that another API takes",
		Long: `Exchange the session's token for one that another API takes, and print that
(OAuth 2.0 Token Exchange, RFC 8693). okauth makes the session's token valid
first, as "okauth token" does. It keeps the new token in the session while that
is valid for --min-ttl; --refresh gets another one.

With - the token to exchange is on standard input, and okauth stores nothing.
With --subject-profile it is in the session of another profile, such as that of
the application that people sign in to; the client of this profile exchanges it.

--resource-server gets a token from another authorization server of the org, in
two steps: the org server makes an ID-JAG, which names the user and the client
to that server and works once, and okauth exchanges it there. With
--requested-type id-jag, okauth prints the ID-JAG instead.`,
		Example: `  # on behalf of the user, for another API
  okauth exchange --audience api://orders --scope orders:read
  # as a service that got the user's token
  okauth exchange -p service --audience api://orders - <user-token
  # Native SSO: as another application on this device
  okauth exchange -p second --subject-profile first --actor-type device-secret
  # at another authorization server of the org
  okauth exchange --resource-server https://dev-123456.okta.com/oauth2/orders`,
		Args: onlyStdin,
		RunE: func(c *cobra.Command, args []string) error { return o.run(c, args) },
	}
	o.addFlags(c)
	return c
}

// onlyStdin refuses a token as an argument, where other users of the machine could read it.
func onlyStdin(c *cobra.Command, args []string) error {
	if len(args) == 1 && args[0] != "-" {
		return cli.Usage("okauth exchange takes no token as an argument, which a process list would show",
			"give it on standard input: okauth exchange - <file")
	}
	return cli.ArgsBetween(0, 1)(c, args)
}

func (o *exchangeOptions) addFlags(c *cobra.Command) {
	o.session.AddFlags(c, append(cli.SignInKeys(), config.KeyMinTTL, config.KeyAudience)...)
	o.session.AddPageFlags(c)
	o.session.AddStdinFlags(c)
	f := c.Flags()
	f.Lookup("scope").Usage = "scopes of the new token"
	f.Lookup("audience").Usage = "audience of the new token"
	cli.EnumFlag(c, (*string)(&o.request.SubjectType), "subject-type", "type of the token to exchange", "access", "id")
	f.StringVar(&o.subjectProfile, "subject-profile", "", "profile whose session has the token to exchange")
	f.BoolVar(&o.actorStdin, "actor-token-stdin", false,
		"read the actor token, which says who acts for the user, from standard input")
	cli.EnumFlag(c, &o.request.ActorType, "actor-type", "type of the actor token", "access", "device-secret")
	for name, usage := range map[string]string{ // both defaults depend on the other flags
		"subject-type": " (default access; id for an ID-JAG or with the device secret)",
		"actor-type":   " (the session's; default access with --actor-token-stdin)",
	} {
		f.Lookup(name).DefValue, f.Lookup(name).Usage = "", f.Lookup(name).Usage+usage
	}
	o.request.SubjectType, o.request.ActorType = "", ""
	f.StringVar(&o.request.RequestedType, "requested-type", "", "type of the new token: access, id, id-jag or a URI")
	f.StringVar(&o.request.Resource, "resource", "", "address of the API that the new token is for")
	f.StringVar(&o.request.ResourceServer, "resource-server", "",
		"issuer of another authorization server of the org, which makes the new token")
	f.BoolVar(&o.request.Fresh, "refresh", false, "get a new token even if the cached one is valid")
	cli.CompleteFlag(c, "resource")
	cli.CompleteFlag(c, "resource-server")
	o.printFlags.addFlags(c, "OKTA_ACCESS_TOKEN", "raw", "json", "header", "curl", "env")
	cli.CompleteFlag(c, "requested-type", "access", "id", "id-jag")
	_ = c.RegisterFlagCompletionFunc("subject-profile", profileNames(o.env, o.session.GlobalFlags))
}

func (o *exchangeOptions) run(c *cobra.Command, args []string) error {
	o.subjectStdin = len(args) == 1
	o.takeFlags()
	if err := cmp.Or(o.checkTokens(), o.checkStdin(), o.checkFormat(c)); err != nil {
		return err
	}
	client, err := o.session.Open(o.env)
	if err != nil {
		return err
	}
	x, err := client.NewExchange(o.request)
	if err != nil {
		return err
	}
	if err := o.readStdin(c.Context(), &x); err != nil {
		return err
	}
	token, saveErr := o.exchange(c.Context(), client, x)
	if saveErr != nil && !cli.Is[*session.SaveError](saveErr) {
		return saveErr
	}
	token.Issuer, token.Profile = x.Issuer(), client.Settings().ProfileName()
	return cmp.Or(o.print(o.env, token), saveErr) // after the token: it is good
}

// takeFlags takes what other commands set by the same flags, but means the new token here, and the URIs of types.
func (o *exchangeOptions) takeFlags() {
	r := &o.request
	r.Scopes = strings.Fields(o.session.Set[config.KeyScopes])
	r.Audience = o.session.Set[config.KeyAudience]
	delete(o.session.Set, config.KeyScopes)
	delete(o.session.Set, config.KeyAudience)
	types := map[string]string{
		"access": okta.AccessTokenType, "id": grant.IDTokenType, "id-jag": grant.IDJAGType,
		"device-secret": grant.DeviceSecretType,
	}
	r.RequestedType = cmp.Or(types[r.RequestedType], r.RequestedType)
	if r.ActorType == "" && o.actorStdin {
		r.ActorType = "access"
	}
	r.ActorType = types[r.ActorType]
}

// checkTokens refuses requests that contradict themselves.
func (o *exchangeOptions) checkTokens() error {
	r := o.request
	switch {
	case r.RequestedType != "" && !okta.ValidTokenType(r.RequestedType):
		return cli.Usage("--requested-type is neither a word that okauth knows nor a URI",
			"one of access, id and id-jag, or a URI such as urn:ietf:params:oauth:token-type:jwt")
	case r.ResourceServer != "" && r.Audience != "":
		return cli.Usage("--resource-server and --audience both say who takes the ID-JAG", "leave out --audience")
	case r.ResourceServer != "" && r.RequestedType != "" && r.RequestedType != grant.IDJAGType:
		return cli.Usage("--resource-server gets an access token, or the ID-JAG, and --requested-type asks for another",
			"leave out --requested-type")
	case r.ActorType == okta.AccessTokenType && !o.actorStdin:
		return cli.Usage("--actor-type access is the type of a token that is not there", "add --actor-token-stdin")
	case o.subjectStdin && r.ActorType == grant.DeviceSecretType && !o.actorStdin:
		return cli.Usage("the device secret belongs to the session, and the token to exchange does not",
			"leave out -, or --actor-type device-secret")
	case o.subjectStdin && o.subjectProfile != "":
		return cli.Usage("--subject-profile and - both say where the token to exchange is", "leave out one of them")
	}
	return nil
}

// checkStdin refuses two secrets on one standard input.
func (o *exchangeOptions) checkStdin() error {
	var readers []string
	for _, flag := range []struct {
		name string
		set  bool
	}{
		{"-", o.subjectStdin}, {"--actor-token-stdin", o.actorStdin},
		{"--password-stdin", o.session.PasswordStdin}, {"--client-secret-stdin", o.session.ClientSecretStdin},
	} {
		if flag.set {
			readers = append(readers, flag.name)
		}
	}
	if len(readers) > 1 && (o.subjectStdin || o.actorStdin) { // Open refuses the others
		return cli.Usage(readers[0]+" and "+readers[1]+" both read standard input", "")
	}
	return nil
}

// checkFormat refuses an output that is not for what is asked for.
func (o *exchangeOptions) checkFormat(c *cobra.Command) error {
	requested := o.request.RequestedType
	if o.headers() && (requested == grant.IDJAGType || requested == grant.IDTokenType) {
		return cli.Usage("-o "+o.format.Format+" is for an access token, and --requested-type asks for another",
			"leave out -o")
	}
	return o.printFlags.check(c, session.Access)
}

// readStdin reads the token that is on standard input, if one is.
func (o *exchangeOptions) readStdin(ctx context.Context, x *okauth.Exchange) (err error) {
	return cli.UntilStopped(ctx, o.env, func(ctx context.Context) error {
		switch {
		case o.subjectStdin:
			x.SubjectToken, err = cli.ReadToken(ctx, o.env, "subject token")
		case o.actorStdin:
			x.ActorToken, err = cli.ReadToken(ctx, o.env, "actor token")
		}
		return err
	})
}

// exchange makes the exchange. With a *session.SaveError comes a token that is valid.
func (o *exchangeOptions) exchange(
	ctx context.Context, client *okauth.Client, x okauth.Exchange,
) (output.Token, error) {
	owner, subject := o.session, client
	if o.subjectProfile != "" {
		global := *o.session.GlobalFlags
		global.Profile = o.subjectProfile
		owner = cli.SessionFlags{GlobalFlags: &global, PasswordStdin: o.session.PasswordStdin}
		var err error
		if subject, err = owner.Open(o.env); err != nil {
			return output.Token{}, err
		}
		x.Subject, o.session.SignInProfile = subject, o.subjectProfile
	}
	token, err := cli.Uninterrupted(ctx, o.env, x.Token)
	result, err := owner.Result(o.env, subject, token, err)
	if e, ok := errors.AsType[*okta.Error](err); ok && subject != client && !isExchange(e) { // it is about its session
		err = cli.Exit(cli.ExitCode(err), err, owner.Hint(o.env, err))
	}
	return result, err
}

// isExchange reports whether an error is about a request of an exchange.
func isExchange(e *okta.Error) bool {
	return e.GrantType == okta.TokenExchangeGrant || e.GrantType == okta.JWTBearerGrant
}
