// Package okauth gives a Go program the tokens that the okauth command gives to a shell: from the same profiles,
// keychain items, locks and lock-out guard, so that a program and the command share one session and one refresh.
//
//	client, err := okauth.Open(ctx, okauth.Options{Profile: "dev"})
//	if err != nil { … }                                // *config.Error: a setting is missing or wrong
//	resp, err := client.HTTPClient(ctx).Get("https://api.example.com/v1/orders")
//
// [Client.Token] returns an access token that is valid now: the cached one, which costs one read of the keychain, else
// a refreshed one, else one from a sign-in without a person (a password or a client secret from the settings), else
// from a sign-in that asks through [Options.Interaction]. [Client.Login] always signs in.
//
// An Interaction of one's own asks for a password or a one-time code where the grant of the settings wants one, and
// shows what a person must do elsewhere: a number to choose on the phone, a code to enter on any device, a page to open
// in a browser. Its Show and Open methods return at once, and the grant waits; it calls done when what was shown is of
// no more use. CanPrompt says whether there is someone to ask; without, Token asks and shows nothing, and Login
// only shows, as a push needs no question. One process at a time asks for a session, and the others return what it got.
//
// A caller acts on these errors; find them with [errors.AsType]:
//
//	*config.Error            a setting is missing or wrong: the user must change it
//	*LoginRequiredError      only a person can sign in: run Login with an Interaction, or okauth login
//	*session.PasswordBlockedError  Okta refused this password, or this one-time code, within the hour: correct it
//	*session.SaveError       comes with a valid token that could not be stored: use it, and report the error
//	*session.MissingTokenError  the session has no token of that type: sign in with other scopes
//	*session.IDTokenError    Okta sent an ID token with a wrong claim: report it; nothing was stored
//	*session.OtherUserError  another user signed in on the page than the settings name; nothing was stored
//	*okta.Error              Okta refused, or could not answer now: see its IsRejection
//	*okta.NetworkError, *okta.ResponseError  no answer, or not Okta's: try again later
//	*session.RateLimitedError  another process learned that Okta has too many requests: try again when Left is over
//	*store.Error             the keychain, file or server cannot be used: see its Kind
//	*ResourceServerError     an exchange names a server of another org; nothing was sent
package okauth

import (
	"context"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/session"
	"okauth/pkg/store"
	"okauth/pkg/store/redis"
	"okauth/pkg/store/sealed"
	"okauth/pkg/transport"
)

// Options say which profile a Client uses and how it reaches what is outside the process. The zero Options is right
// for a program without a terminal: it uses the default profile and asks no questions.
type Options struct {
	Profile    string            // "": the one that the environment or the configuration file names
	ConfigFile string            // "": the user's
	Settings   map[string]string // by name ("domain", "client_id"); they win over environment and file
	Scopes     []string          // nil: the setting "scopes"
	// SettingName returns what errors call a value of Settings: "flag --domain"; nil: "the caller".
	SettingName func(setting string) string
	MinTTL      time.Duration // how long a token must stay valid; 0: the setting "min_ttl" (60 s)

	Interaction Interaction // asks a person; nil: no questions are possible
	Terminal    string      // names the terminal that Interaction asks on: one process at a time; A-Z a-z 0-9 _ . -
	// HoldOnError keeps other processes from asking after an error until this process ends, which reports it first.
	HoldOnError bool

	Prompt    string // what the sign-in page asks for again: OpenID Connect's prompt, "login"; "" leaves it to Okta
	NoBrowser bool   // the browser for the sign-in page is on another machine

	// Password, ClientSecret and PrivateKey, when set, return the secret in place of the settings. Each is called once at
	// most. PrivateKey returns PEM or a JWK.
	Password, ClientSecret, PrivateKey func(context.Context) (okta.Secret, error)
	// OTP, when set, returns the next one-time code in place of the settings. It is called for each code that is sent.
	OTP func(context.Context) (okta.Secret, error)

	Events     Events
	HTTPClient *http.Client // sends requests to Okta; nil: one made from the settings
	UserAgent  string       // "": "okauth"

	// KeychainPrompt allows the keychain to ask for its own password during Login and Logout, and when it was locked while
	// a session was refreshed.
	KeychainPrompt bool
	Keychain       store.Backend // in place of the OS keychain; for tests
	LockDir        string        // "": the directory that all processes of the user agree on

	SecretSource func(*config.Settings) string // where the client secret came from, for advice

	LookupEnv     func(string) (string, bool) // nil: os.LookupEnv
	UserConfigDir func() (string, error)      // nil: os.UserConfigDir
	Stderr        io.Writer                   // where commands that print a secret write errors; nil: os.Stderr
	Now           func() time.Time            // nil: time.Now
}

// Interaction asks the person who signs in.
type Interaction interface {
	grant.Interaction
	// CanPrompt reports whether there is a person to ask.
	CanPrompt() bool
}

// Events tell a caller what happens meanwhile. Each function may be nil.
type Events struct {
	Warning     func(text string)                       // a sentence for the user
	Waiting     func(what string) (done func())         // a wait begins: "waiting for okta.example.com"
	Retry       func(wait time.Duration, reason string) // a request is sent again after wait
	Trace       func(line string)                       // each request and response, redacted
	TraceDetail bool                                    // with Trace: headers and form fields as well
	SignIn      func(reason error, notStored error)     // a person is about to be asked; notStored: why nothing is kept
	// OtherAsks: another process asks a person to sign in to the same session, or on the same terminal; this one waits.
	OtherAsks func() (done func())
}

// Client gets tokens for one profile. It may be used by several goroutines at once.
type Client struct {
	o          Options
	settings   *config.Settings
	grant      grant.Type
	sealKey    func(context.Context) (sealed.Key, error)     // of the sealed files
	key        func(context.Context) (clientauth.Key, error) // the private key of the settings
	offline    bool                                          // nothing may be sent
	renewals   sync.Map                                      // what gets a token now, *renewal by session.TokenType
	unstored   sync.Map                                      // the last tokens, session.CachedToken by session.TokenType
	logins     atomic.Int64                                  // and logouts; a token in memory from before is not used
	background sync.RWMutex                                  // read-locked while a renewal runs that no call may wait for

	connecting sync.Mutex    // guards connection
	connection *redis.Client // nil until it is needed
}

// Open reads the settings of a profile. It makes no request and opens no keychain. The error is a *config.Error.
func Open(_ context.Context, o Options) (*Client, error) {
	settings, err := config.Load(o.ConfigOptions())
	if err != nil {
		return nil, err
	}
	c := &Client{o: o.withDefaults(), settings: settings}
	c.sealKey, c.key = once(c.readSealKey), once(c.readKey)
	c.grant, _ = grant.Lookup(settings.Grant()) // config accepts the names of grants only
	return c, nil
}

// withDefaults returns o with a function where it has none, and with functions for secrets that may be called often.
func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Events.Warning == nil {
		o.Events.Warning = func(string) {}
	}
	if o.Events.Waiting == nil {
		o.Events.Waiting = func(string) func() { return func() {} }
	}
	if o.Events.OtherAsks == nil {
		o.Events.OtherAsks = func() func() { return func() {} }
	}
	if o.Events.Retry == nil {
		o.Events.Retry = func(time.Duration, string) {}
	}
	o.Password, o.ClientSecret = once(o.Password), once(o.ClientSecret)
	return o
}

// ConfigOptions returns where o's settings come from, for package config.
func (o Options) ConfigOptions() config.Options {
	settings := make(map[string]string)
	maps.Copy(settings, o.Settings)
	if o.Scopes != nil {
		settings[config.KeyScopes] = strings.Join(o.Scopes, " ")
	}
	if o.MinTTL > 0 {
		settings[config.KeyMinTTL] = o.MinTTL.String()
	}
	return config.Options{
		Flags: settings, FlagName: o.SettingName, Profile: o.Profile, ConfigFile: o.ConfigFile,
		LookupEnv: o.LookupEnv, UserConfigDir: o.UserConfigDir, Stderr: o.Stderr,
	}
}

// Settings returns the settings in force.
func (c *Client) Settings() *config.Settings { return c.settings }

// Grant returns the grant that the settings name.
func (c *Client) Grant() grant.Type { return c.grant }

// Server returns the authorization server that the settings name. The error is a *config.Error.
func (c *Client) Server() (okta.AuthorizationServer, error) {
	if err := c.settings.Require(config.KeyDomain, config.KeyClientID); err != nil {
		return okta.AuthorizationServer{}, err
	}
	return okta.NewAuthorizationServer(c.settings.Domain(), c.settings.Server())
}

// request returns the request for a token of one type that the settings describe. The error is Server's.
func (c *Client) request(t session.TokenType) (session.TokenRequest, error) {
	server, err := c.Server()
	if err != nil {
		return session.TokenRequest{}, err
	}
	id := store.Identity{
		Profile: c.settings.ProfileName(), Issuer: server.Issuer(), ClientID: c.settings.ClientID(),
		User: c.settings.Username(),
	}
	if !c.grant.User { // a session of the client itself; one of a user is the same however the user signed in
		id.Grant = c.grant.Name
	}
	return session.TokenRequest{
		Identity: id, Scopes: c.settings.Scopes(), MinTTL: c.settings.MinTTL(), Type: t, DPoP: c.settings.DPoP(),
	}, nil
}

// OktaClient returns the configured client at the configured server, with its client authentication. A new private key
// in the keychain (okauth config keygen --rotate) is tried first, by an introspection. The error is a *config.Error, a
// *clientauth.KeyError or a *store.Error.
func (c *Client) OktaClient(ctx context.Context) (*okta.Client, error) {
	server, err := c.Server()
	if err != nil {
		return nil, err
	}
	return c.oktaClient(ctx, server, c.settings.ClientID())
}

func (c *Client) oktaClient(ctx context.Context, server okta.AuthorizationServer, id string) (*okta.Client, error) {
	client, err := c.AnonymousClient(server)
	if err != nil {
		return nil, err
	}
	client.ID = id
	if err := c.authenticate(ctx, client); err != nil {
		return nil, err
	}
	return client, nil
}

// AnonymousClient returns a client of server without client authentication, for what needs none: metadata, keys, and
// what an access token opens. The error says which setting of the transport is wrong.
func (c *Client) AnonymousClient(server okta.AuthorizationServer) (*okta.Client, error) {
	httpClient := c.o.HTTPClient
	if httpClient == nil {
		t, err := c.TransportConfig()
		if err != nil {
			return nil, err
		}
		if t.Trace == nil { // a trace says itself what is waited for
			t.Slow = func(host string) func() { return c.o.Events.Waiting("waiting for " + host) }
		}
		if httpClient, err = transport.New(t); err != nil {
			return nil, err
		}
	}
	return &okta.Client{
		Server: server, ID: c.settings.ClientID(), HTTP: httpClient, UserAgent: c.o.UserAgent, Now: c.o.Now,
		Wait: func(ctx context.Context, d time.Duration, reason string) error {
			c.o.Events.Retry(d, reason)
			return okta.Sleep(ctx, d)
		},
	}, nil
}

// TransportConfig returns what the settings say of requests: the files with certificates, the time limit and the trace.
// The error is a *config.Error.
func (c *Client) TransportConfig() (transport.Config, error) {
	t := transport.Config{
		Timeout: c.settings.Timeout(), Trace: c.o.Events.Trace, Detail: c.o.Events.TraceDetail,
	}
	for _, file := range []struct {
		key  string
		path *string
	}{{config.KeyCAFile, &t.CAFile}, {config.KeyClientCert, &t.ClientCert}, {config.KeyClientKey, &t.ClientKey}} {
		var err error
		if *file.path, err = c.settings.File(file.key); err != nil {
			return transport.Config{}, err
		}
	}
	return t, nil
}
