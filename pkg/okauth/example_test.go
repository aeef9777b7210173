package okauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/oauth2"

	"okauth/pkg/grant"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
	"okauth/pkg/store/memory"
)

// startOrg starts an Okta for the examples. The options are those of a program that has no configuration file; yours
// needs none of the last four, and okauth.Options{Profile: "dev"} where a profile has the settings.
func startOrg() (*oktatest.Server, okauth.Options, error) {
	org, err := oktatest.Start(oktatest.Options{})
	if err != nil {
		return nil, okauth.Options{}, err
	}
	dir, err := os.MkdirTemp("", "okauth-example-")
	return org, okauth.Options{
		Settings: map[string]string{
			"domain": org.URL(), "client_id": oktatest.DefaultClientID, "username": oktatest.DefaultUser,
			"scopes": "openid offline_access",
		},
		ClientSecret: func(context.Context) (okta.Secret, error) {
			return okta.NewSecret(oktatest.DefaultClientSecret), nil
		},
		Password: func(context.Context) (okta.Secret, error) { return okta.NewSecret(oktatest.DefaultPassword), nil },

		Keychain: &memory.Store{}, LockDir: filepath.Join(dir, "locks"),
		LookupEnv:     func(string) (string, bool) { return "", false },
		UserConfigDir: func() (string, error) { return dir, nil },
	}, err
}

// The client adds the access token to each request.
func ExampleClient_HTTPClient() {
	ctx := context.Background()
	org, options, err := startOrg()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(filepath.Dir(options.LockDir))
	defer org.Close()

	client, err := okauth.Open(ctx, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := client.HTTPClient(ctx).Get(org.URL() + "/api/hello")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	fmt.Printf("%s %s %v\n", response.Status, text, err)
	// Output:
	// 200 OK {"hello":"alice@example.com","scopes":["offline_access","openid"]} <nil>
}

// A service exchanges the token of its caller for one of another API, which sees the user and the service.
func ExampleClient_Exchange() {
	ctx := context.Background()
	org, options, err := startOrg()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(filepath.Dir(options.LockDir))
	defer org.Close()
	caller, err := okauth.Open(ctx, options)
	if err != nil {
		fmt.Println(err)
		return
	}

	options.Settings = map[string]string{
		"domain": org.URL(), "client_id": oktatest.ServiceClientID, "server": oktatest.DefaultScopesServerID,
	}
	service, err := okauth.Open(ctx, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := service.Exchange(ctx, okauth.ExchangeRequest{
		Subject: caller, Audience: "api://default-scopes", Scopes: []string{"api:write"},
	})
	fmt.Println(token.TokenType, token.Scope, token.Username, err)
	// Output:
	// Bearer [api:write] alice@example.com <nil>
}

// A program that sends requests in its own way makes the proof for each one, where tokens are bound to a key.
func ExampleClient_Get() {
	ctx := context.Background()
	org, options, err := startOrg()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(filepath.Dir(options.LockDir))
	defer org.Close()
	options.Settings["dpop"] = "true"
	client, err := okauth.Open(ctx, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, org.URL()+"/api/hello", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := client.Get(ctx, session.Access)
	if err != nil {
		fmt.Println(err)
		return
	}
	prover, err := token.Prover() // keep it: it remembers the nonces of servers
	if err != nil {
		fmt.Println(err)
		return
	}
	proof, err := prover.Proof(request.Method, request.URL, token.Value, time.Now())
	if err != nil {
		fmt.Println(err)
		return
	}
	request.Header.Set("Authorization", "DPoP "+token.Value.Reveal())
	request.Header.Set("DPoP", proof.Reveal())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
	// Output: 200 OK
}

// A gRPC or SDK client takes a token source. Here the client of package oauth2 stands for it.
func ExampleClient_TokenSource() {
	ctx := context.Background()
	org, options, err := startOrg()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(filepath.Dir(options.LockDir))
	defer org.Close()

	client, err := okauth.Open(ctx, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	source := oauth2.ReuseTokenSource(nil, client.TokenSource(ctx, "openid"))
	sdk := oauth2.NewClient(ctx, source) // gRPC: grpc.WithPerRPCCredentials(oauth.TokenSource{TokenSource: source})
	response, err := sdk.Get(org.URL() + "/api/hello")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	fmt.Printf("%s %s %v\n", response.Status, text, err)
	// Output:
	// 200 OK {"hello":"alice@example.com","scopes":["openid"]} <nil>
}

// Token signs in without a terminal when Options or the settings have all that the grant needs. Without a password it
// says that a person must sign in.
func ExampleClient_Token() {
	ctx := context.Background()
	org, options, err := startOrg()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(filepath.Dir(options.LockDir))
	defer org.Close()
	password := options.Password

	for _, options.Password = range []func(context.Context) (okta.Secret, error){nil, password} {
		client, err := okauth.Open(ctx, options)
		if err != nil {
			fmt.Println(err)
			return
		}
		token, err := client.Token(ctx)
		if _, ok := errors.AsType[*okauth.LoginRequiredError](err); ok {
			fmt.Println("a person must sign in")
			continue
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(token.TokenType, "token for", time.Until(token.Expiry).Round(time.Minute))
	}
	fmt.Println(len(org.Requests()), "request")
	// Output:
	// a person must sign in
	// Bearer token for 1h0m0s
	// 1 request
}

// window asks in the way of a program of one's own. What it embeds nil for, this sign-in never asks.
type window struct{ grant.Interaction }

func (window) CanPrompt() bool { return true }

func (window) ChooseFactor(
	_ context.Context, factors []grant.Factor, last grant.Factor, problem string,
) (grant.Factor, error) {
	return grant.FactorPush, nil
}

func (window) ShowPush(_ context.Context, p grant.Push) (done func(), err error) {
	fmt.Println("approve on your phone, and choose", p.Number)
	return func() { fmt.Println("approved") }, nil
}

// A password of the settings, and a second factor on the user's phone.
func ExampleInteraction() {
	ctx := context.Background()
	org, options, err := startOrg()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(filepath.Dir(options.LockDir))
	defer org.Close()
	org.Change(func(o *oktatest.Options) { o.PollInterval = time.Second })

	options.Settings["client_id"], options.Settings["username"] = oktatest.DirectAuthClientID, "number@example.com"
	options.Interaction = window{}
	client, err := okauth.Open(ctx, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	signedIn, err := client.Login(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(signedIn.Username, "by", signedIn.Factor)
	// Output:
	// approve on your phone, and choose 95
	// approved
	// number@example.com by push
}
