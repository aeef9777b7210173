package config

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/grant"
)

// way is an answer to the question how people sign in.
type way struct {
	text    string
	grant   string   // value of the setting
	factor  bool     // a second factor follows; which one is the next question
	policy  string   // what the app's sign-in policy must be like
	factors []string // grant types of second factors
}

func ways() []way {
	const page = "any policy, because Okta's page asks for what it requires"
	return []way{
		{text: "with a password", grant: "password", policy: "a policy whose rule asks for Password only"},
		{text: "with a password and a second factor", grant: "password", factor: true,
			policy: "a policy whose rule asks for the password and for a factor that these grants allow"},
		{text: "in a browser on this machine", grant: "authorization-code", policy: page},
		{text: "with a code that they enter on another device (ssh, containers)", grant: "device-code", policy: page},
		{text: "they do not: the application signs in for itself (a service)", grant: "client-credentials"},
	}
}

// needs returns what its grant needs.
func (w way) needs() grant.Type {
	g, _ := grant.Lookup(w.grant) // it is set
	return g
}

// askSignIn asks how people sign in, sets the grant and the factor, and says what an administrator has to switch on.
func (s *setup) askSignIn(ctx context.Context) error {
	choices := ways()
	present, _ := s.file.Get(s.profile, config.KeyGrant)
	present = cmp.Or(present, config.Grants()[0].Name)
	factor, _ := s.file.Get(s.profile, config.KeyFactor)
	first := slices.IndexFunc(choices, func(w way) bool { return w.grant == present && w.factor == (factor != "") })
	if first < 0 { // one that the question leaves out, or a mistake in the file
		if first = slices.IndexFunc(choices, func(w way) bool { return w.grant == present }); first < 0 {
			choices, first = append(choices, way{text: "as now: grant " + present, grant: present}), len(choices)
		}
	}
	var texts []string
	for _, w := range choices {
		texts = append(texts, w.text)
	}
	chosen, err := s.t.Choose(ctx, "How do people sign in to this org?", texts, first)
	if err != nil {
		return err
	}
	s.way = choices[chosen]
	if err := s.file.Set(s.profile, config.KeyGrant, s.way.grant); err != nil {
		return err
	}
	if s.way.factor {
		err = s.askFactor(ctx, grant.Factor(factor))
	} else if s.way.policy != "" {
		err = s.file.Unset(s.profile, config.KeyFactor)
	}
	if err != nil {
		return err
	}
	return say(s.t, s.env, "\n"+s.switches())
}

// askFactor asks which second factor the profile uses.
func (s *setup) askFactor(ctx context.Context, present grant.Factor) error {
	texts := append([]string{"Ask at each sign-in"}, cli.FactorMenu(grant.Factors())...)
	first := 1 + slices.Index(grant.Factors(), present) // none: 0
	if err := s.t.Printf("\n"); err != nil {
		return err
	}
	chosen, err := s.t.Choose(ctx, "With which second factor?", texts, first)
	if err != nil {
		return err
	}
	if chosen == 0 {
		s.way.factors = grant.MFAGrantTypes()
		return s.file.Unset(s.profile, config.KeyFactor)
	}
	f := grant.Factors()[chosen-1]
	s.way.factors = []string{f.MFAGrantType()}
	return s.file.Set(s.profile, config.KeyFactor, string(f))
}

// switches says what an administrator has to switch on for the chosen way. The places are those of Okta's guides for
// each grant type, Identity Engine, 2026.
func (s *setup) switches() string {
	g := s.way.needs()
	grantTypes := append([]string{g.GrantType}, s.way.factors...)
	rule := consoleNames(grantTypes)
	if g.User {
		grantTypes = append(grantTypes, "refresh_token")
	}
	lines := []string{"An administrator switches this on in the Admin Console:"}
	app := "* Applications > Applications > your app > "
	for _, place := range consolePlaces(grantTypes) {
		at := slices.DeleteFunc(slices.Clone(grantTypes), func(grantType string) bool {
			_, p := cli.GrantInConsole(grantType)
			return p != place
		})
		line := app + strings.ReplaceAll(place, "›", ">") + ": " + consoleNames(at)
		if len(s.way.factors) > 0 && slices.Contains(at, s.way.factors[0]) {
			line += " (only a super administrator can select " + consoleNames(s.way.factors) + ")"
		}
		lines, app = append(lines, line), "* the app's "
	}
	if g.RedirectURI {
		lines = append(lines, "* the app's General > Sign-in redirect URIs, exactly like this: "+s.redirectURI())
	}
	if s.way.policy != "" {
		lines = append(lines, "* the app's Sign On (or Authentication) > User authentication: "+s.way.policy)
	}
	if server, _ := s.file.Get(s.profile, config.KeyServer); server != "org" { // which has no access policies
		lines = append(lines, "* Security > API > Authorization Servers > "+cmp.Or(server, "default")+
			` > Access Policies: a rule whose "IF Grant type is" includes `+rule)
	}
	return strings.Join(lines, "\n") + "\n"
}

// redirectURI is where the browser comes back to.
func (s *setup) redirectURI() string {
	text, _ := s.file.Get(s.profile, config.KeyRedirectURI)
	key, _ := config.FindKey(config.KeyRedirectURI) // it exists
	return cmp.Or(s.env.Getenv("OKAUTH_REDIRECT_URI"), text, key.Default)
}

// consoleNames returns what the Admin Console calls the grant types.
func consoleNames(grantTypes []string) string {
	var names []string
	for _, grantType := range grantTypes {
		name, _ := cli.GrantInConsole(grantType)
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// consolePlaces returns where the Admin Console has the grant types, each place once.
func consolePlaces(grantTypes []string) (places []string) {
	for _, grantType := range grantTypes {
		if _, place := cli.GrantInConsole(grantType); !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	return places
}
