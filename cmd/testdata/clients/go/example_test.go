package main

import (
	"slices"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	verifier "github.com/okta/okta-jwt-verifier-golang/v2"
	"golang.org/x/oauth2"

	"okauth/pkg/oktatest"
)

func config(okta *oktatest.Server) oauth2.Config {
	return oauth2.Config{
		ClientID: oktatest.DefaultClientID, ClientSecret: oktatest.DefaultClientSecret, Scopes: []string{"openid"},
		Endpoint: oauth2.Endpoint{TokenURL: okta.Issuer("default") + "/v1/token"},
	}
}

// golang.org/x/oauth2 gets a token; a network that fails is an error.
func TestOAuth2(t *testing.T) {
	okta := oktatest.ForTest(t, oktatest.Options{})
	c := config(okta)
	token, err := c.PasswordCredentialsToken(t.Context(), oktatest.DefaultUser, oktatest.DefaultPassword)
	if err != nil || !token.Valid() {
		t.Fatalf("got %v", err)
	}
	okta.Fail("/token", oktatest.HTML(503))
	if _, err := c.PasswordCredentialsToken(t.Context(), oktatest.DefaultUser, oktatest.DefaultPassword); err == nil {
		t.Error("a page of a proxy is taken for an answer")
	}
}

// go-oidc verifies an ID token, and refuses one for another client.
func TestGoOIDC(t *testing.T) {
	okta := oktatest.ForTest(t, oktatest.Options{})
	c := config(okta)
	token, err := c.PasswordCredentialsToken(t.Context(), oktatest.DefaultUser, oktatest.DefaultPassword)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := oidc.NewProvider(t.Context(), okta.Issuer("default"))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := token.Extra("id_token").(string)
	if _, err := provider.Verifier(&oidc.Config{ClientID: oktatest.DefaultClientID}).Verify(t.Context(), text); err != nil {
		t.Error(err)
	}
	if _, err := provider.Verifier(&oidc.Config{ClientID: "another"}).Verify(t.Context(), text); err == nil {
		t.Error("an ID token for another client is taken")
	}
}

// okta-jwt-verifier takes the good access token. These it takes, too, although each has one flaw.
func TestOktaJWTVerifier(t *testing.T) {
	okta := oktatest.ForTest(t, oktatest.Options{})
	setup := verifier.JwtVerifier{
		Issuer:           okta.Issuer("default"),
		ClaimsToValidate: map[string]string{"aud": "api://default", "cid": oktatest.DefaultClientID},
	}
	v, err := setup.New()
	if err != nil {
		t.Fatal(err)
	}
	taken := []string{"good", "duplicate-claim", "dpop-bound", "crit", "trailing-bits", "too-long"}
	for _, token := range okta.InvalidTokens() {
		_, err := v.VerifyAccessToken(token.Token)
		if (err == nil) != slices.Contains(taken, token.Name) {
			t.Errorf("%s: got %v", token.Name, err)
		}
	}
}
