package oktatest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"okauth/pkg/oktatest"
)

// A program that signs people in is tested against a server that says no, and then yes.
func Example() {
	okta, err := oktatest.Start(oktatest.Options{TLS: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer okta.Close()
	okta.AddUser(oktatest.User{Login: "carol@example.com", Password: "sesame-sesame", Status: oktatest.Locked})

	signIn := func() {
		form := url.Values{"grant_type": {"password"}, "username": {"carol@example.com"}, "password": {"sesame-sesame"}, "scope": {"openid"}}
		req, _ := http.NewRequest(http.MethodPost, okta.Issuer("default")+"/v1/token", strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth("0oaMyOwnApp000000001", "not-a-secret-of-mine")
		res, err := okta.Client().Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer res.Body.Close()
		fmt.Println(res.Status)
	}
	okta.AddApp(oktatest.App{ClientID: "0oaMyOwnApp000000001", Secrets: []string{"not-a-secret-of-mine"}, Grants: []string{oktatest.GrantPassword}})

	signIn()
	okta.SetUserStatus("carol@example.com", oktatest.Active)
	okta.Clock().Advance(time.Minute)
	signIn()
	okta.Fail("/token", oktatest.HTML(503))
	signIn()

	for _, r := range okta.Requests() {
		fmt.Println(r)
	}
	// Output:
	// 400 Bad Request
	// 200 OK
	// 503 Service Unavailable
	// POST "/oauth2/default/v1/token" ["grant_type" "password" "scope" "username"]: 400 invalid_grant
	// POST "/oauth2/default/v1/token" ["grant_type" "password" "scope" "username"]: 200
	// POST "/oauth2/default/v1/token" ["grant_type" "password" "scope" "username"]: 503
}

// A program that refreshes must store the new refresh token before it needs it: the old one, shown again, ends the sign-in.
func Example_rotation() {
	okta, err := oktatest.Start(oktatest.Options{Rotation: oktatest.Rotation{Rotate: true, Leeway: oktatest.DefaultLeeway}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer okta.Close()
	ask := func(form url.Values) (refreshToken string) {
		req, _ := http.NewRequest(http.MethodPost, okta.Issuer("default")+"/v1/token", strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(oktatest.DefaultClientID, oktatest.DefaultClientSecret)
		res, err := okta.Client().Do(req)
		if err != nil {
			return ""
		}
		defer res.Body.Close()
		var answer struct {
			RefreshToken string `json:"refresh_token"`
		}
		_ = json.NewDecoder(res.Body).Decode(&answer)
		fmt.Println(res.Status)
		return answer.RefreshToken
	}
	refresh := func(token string) string {
		return ask(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
	}

	first := ask(url.Values{"grant_type": {"password"}, "username": {oktatest.DefaultUser}, "password": {oktatest.DefaultPassword}, "scope": {"openid offline_access"}})
	okta.Fail("/token", oktatest.HangUp()) // the answer with the second token is lost …
	refresh(first)
	third := refresh(first) // … which the leeway forgives
	okta.Clock().Advance(oktatest.DefaultLeeway)
	refresh(first)
	fmt.Println(okta.Reuses(), okta.RefreshAlive(third))
	// Output:
	// 200 OK
	// 200 OK
	// 400 Bad Request
	// 1 false
}

// A service that takes access tokens is shown one of each kind that it must refuse.
func ExampleServer_InvalidTokens() {
	okta, err := oktatest.Start(oktatest.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer okta.Close()
	// Your service stands here. This one lets Okta introspect its tokens, and overlooks that Okta knows more than one kind.
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form := url.Values{"token": {strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")}}
		req, _ := http.NewRequest(http.MethodPost, okta.Issuer("default")+"/v1/introspect", strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(oktatest.DefaultClientID, oktatest.DefaultClientSecret)
		var answer struct{ Active bool }
		res, err := okta.Client().Do(req)
		if err == nil {
			defer res.Body.Close()
			_ = json.NewDecoder(res.Body).Decode(&answer)
		}
		if !answer.Active {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})

	for _, f := range okta.InvalidTokens() {
		r := httptest.NewRequest(http.MethodGet, "/orders", nil)
		r.Header.Set("Authorization", "Bearer "+f.Token)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code == http.StatusOK {
			fmt.Printf("takes %s: %s\n", f.Name, f.Description)
		}
	}
	for _, r := range okta.Requests() {
		if r.Path == "/sandbox/attacker-keys" {
			fmt.Println("fetches keys from where a token says")
		}
	}
	// Output:
	// takes good: nothing is wrong
	// takes id-token: an ID token, not an access token
}
