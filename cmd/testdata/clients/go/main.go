// Program clients drives pkg/oktatest, in its own process, with clients for Go that others wrote. It prints a line for
// each flow of the one that its argument names.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	verifier "github.com/okta/okta-jwt-verifier-golang/v2"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"okauth/pkg/oktatest"
)

// flow is what a client can do: its name in the table, and the code that fails if the answer is not the right one.
type flow struct {
	name string
	run  func(context.Context) error
}

// org is the server, and what the flows get from it.
type org struct {
	*oktatest.Server
	config oauth2.Config
	token  *oauth2.Token
}

func main() {
	server, err := oktatest.Start(oktatest.Options{Limits: &oktatest.Limits{}})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	issuer := server.Issuer("default")
	o := &org{Server: server, config: oauth2.Config{
		ClientID: oktatest.DefaultClientID, ClientSecret: oktatest.DefaultClientSecret,
		RedirectURL: oktatest.DefaultRedirectURI, Scopes: []string{"openid", "profile", "offline_access"},
		Endpoint: oauth2.Endpoint{
			AuthURL: issuer + "/v1/authorize", TokenURL: issuer + "/v1/token", DeviceAuthURL: issuer + "/v1/device/authorize",
		},
	}}
	flows := map[string]func() []flow{"x-oauth2": o.oauth2, "go-oidc": o.oidc, "okta-jwt-verifier-golang": o.verifier}
	for _, f := range flows[os.Args[1]]() {
		result := "ok"
		if err := f.run(context.Background()); err != nil {
			result = strings.ReplaceAll(err.Error(), "\n", " ")
		}
		fmt.Printf("%s\t%s\n", f.name, result)
	}
}

// signIn sets the token of the flows of clients that get none.
func (o *org) signIn(ctx context.Context) (err error) {
	o.token, err = o.config.PasswordCredentialsToken(ctx, oktatest.DefaultUser, oktatest.DefaultPassword)
	return err
}

func (o *org) idToken() string { return fmt.Sprint(o.token.Extra("id_token")) }

func (o *org) oauth2() []flow {
	return []flow{
		{"password", o.signIn},
		{"client credentials, secret", func(ctx context.Context) error {
			config := clientcredentials.Config{
				ClientID: oktatest.ServiceClientID, ClientSecret: oktatest.DefaultClientSecret,
				TokenURL: o.config.Endpoint.TokenURL, Scopes: []string{"api:read"},
			}
			_, err := config.Token(ctx)
			return err
		}},
		{"authorization code with PKCE", func(ctx context.Context) (err error) {
			proof := oauth2.GenerateVerifier()
			back, err := visit(o.config.AuthCodeURL("state", oauth2.S256ChallengeOption(proof)))
			if err != nil {
				return err
			}
			o.token, err = o.config.Exchange(ctx, back.Query().Get("code"), oauth2.VerifierOption(proof))
			return err
		}},
		{"refresh", func(ctx context.Context) error {
			renewed, err := o.config.TokenSource(ctx, &oauth2.Token{RefreshToken: o.token.RefreshToken}).Token()
			if err == nil && renewed.AccessToken == o.token.AccessToken {
				err = errors.New("the same token")
			}
			return err
		}},
		{"device code", func(ctx context.Context) error {
			config := o.config // of a public client: DeviceAuth sends no secret
			config.ClientID, config.ClientSecret = oktatest.PublicClientID, ""
			answer, err := config.DeviceAuth(ctx)
			if err != nil {
				return err
			}
			if _, err := visit(answer.VerificationURIComplete); err != nil {
				return err
			}
			_, err = config.DeviceAccessToken(ctx, answer)
			return err
		}},
	}
}

func (o *org) oidc() []flow {
	var provider *oidc.Provider
	return []flow{
		{"discovery", func(ctx context.Context) (err error) {
			provider, err = oidc.NewProvider(ctx, o.Issuer("default"))
			return errors.Join(err, o.signIn(ctx))
		}},
		{"verify ID token", func(ctx context.Context) error {
			token, err := provider.Verifier(&oidc.Config{ClientID: oktatest.DefaultClientID}).Verify(ctx, o.idToken())
			if err != nil {
				return err
			}
			return token.VerifyAccessToken(o.token.AccessToken)
		}},
		{"verify access token", func(ctx context.Context) error {
			check := provider.Verifier(&oidc.Config{ClientID: "api://default"})
			_, err := check.Verify(ctx, o.token.AccessToken)
			return errors.Join(err, o.refuses(func(token string) error {
				_, err := check.Verify(ctx, token)
				return err
			}))
		}},
		{"userinfo", func(ctx context.Context) error {
			info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(o.token))
			if err != nil {
				return err
			}
			return info.Claims(&struct{ Name string }{})
		}},
	}
}

func (o *org) verifier() []flow {
	verify := func(claims map[string]string) *verifier.JwtVerifier {
		made, err := (&verifier.JwtVerifier{Issuer: o.Issuer("default"), ClaimsToValidate: claims}).New()
		if err != nil {
			log.Fatal(err)
		}
		return made
	}
	return []flow{
		{"verify access token", func(ctx context.Context) error {
			if err := o.signIn(ctx); err != nil {
				return err
			}
			check := verify(map[string]string{"aud": "api://default", "cid": oktatest.DefaultClientID})
			_, err := check.VerifyAccessToken(o.token.AccessToken)
			return errors.Join(err, o.refuses(func(token string) error {
				_, err := check.VerifyAccessToken(token)
				return err
			}))
		}},
		{"verify ID token", func(context.Context) error {
			_, err := verify(map[string]string{"aud": oktatest.DefaultClientID, "nonce": ""}).VerifyIdToken(o.idToken())
			return err
		}},
		{"discovery", func(context.Context) error {
			for _, r := range o.Requests() {
				if r.Path == "/oauth2/default/.well-known/openid-configuration" {
					return nil
				}
			}
			return errors.New("it asked for no metadata")
		}},
	}
}

// refuses wants verify to refuse an access token that has expired.
func (o *org) refuses(verify func(token string) error) error {
	for _, token := range o.InvalidTokens() {
		if token.Name == "expired" && verify(token.Token) != nil {
			return nil
		}
	}
	return errors.New("an expired token is valid")
}

// visit goes through the pages that begin at an address, as the user, and returns the address that they lead to.
func visit(address string) (*url.URL, error) {
	answer, err := http.Get(os.Getenv("BROWSER") + "?url=" + url.QueryEscape(address))
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	return url.Parse(string(text))
}
