package okta

import (
	"errors"
	"okauth/pkg/okta/clientauth"
	"testing"

	"okauth/pkg/oktatest"
)

func TestProbeGrant(t *testing.T) {
	t.Parallel()
	server, client, w := startPatient(t)
	for grant, missing := range map[string]string{"password": "username", "refresh_token": "refresh_token"} {
		if err := client.ProbeGrant(t.Context(), grant, missing); err != nil {
			t.Errorf("%s: got %v", grant, err)
		}
		app, _ := server.App(oktatest.DefaultClientID)
		app.Grants = []string{"authorization_code"}
		server.AddApp(app)
		err := client.ProbeGrant(t.Context(), grant, missing)
		checkHarmless(t, err)
		if refusal, ok := errors.AsType[*Error](err); !ok || refusal.Code != "unauthorized_client" ||
			refusal.Operation != OperationToken || refusal.GrantType != grant {
			t.Errorf("%s switched off: got %v", grant, err)
		}
		app.Grants = []string{"password", "refresh_token"}
		server.AddApp(app)
	}
	client.Auth = clientauth.ForSecret(NewSecret("wrong-horse"))
	err := client.ProbeGrant(t.Context(), "password", "username")
	if refusal, ok := errors.AsType[*Error](err); !ok || refusal.Code != "invalid_client" {
		t.Errorf("wrong secret: got %v", err)
	}
	for _, r := range server.Requests() {
		if r.Method != "POST" || r.Form.Has("password") || r.Form.Has("username") || r.Form.Has("refresh_token") ||
			r.Form.Get("scope") != "openid" {
			t.Errorf("got %v", r)
		}
	}
	n := len(server.Requests())
	if err := client.ProbeGrant(t.Context(), "client_credentials", ""); err == nil {
		t.Error("a request that could make a token was sent")
	}
	if len(server.Requests()) != n || len(w.list) != 0 {
		t.Errorf("got %d more requests, waits %v", len(server.Requests())-n, w.list)
	}
}

func TestProbeGrantTakesNothingElseForAYes(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]oktatest.Fault{
		"tokens":       oktatest.JSON(goodAnswer),
		"empty object": oktatest.JSON("{}"),
		"page":         oktatest.HTML(200),
		"hang-up":      oktatest.HangUp(),
		"other request": respondFault(respond(400, "application/json",
			`{"error":"invalid_request","error_description":"The authorization server id is invalid."}`)),
		"other code": respondFault(respond(400, "application/json",
			`{"error":"invalid_grant","error_description":"The required parameter 'username' is missing."}`)),
		"other status": respondFault(respond(429, "application/json",
			`{"error":"invalid_request","error_description":"The required parameter 'username' is missing."}`)),
		"failure": respondFault(respond(500, "application/json", `{"error":"server_error"}`)),
	} {
		server, client, _ := startPatient(t)
		server.FailAlways("/token", fault)
		err := client.ProbeGrant(t.Context(), "password", "username")
		checkHarmless(t, err)
		if err == nil || len(server.Requests()) != 1 {
			t.Errorf("%s: got %v after %d requests", name, err, len(server.Requests()))
		}
	}
}
