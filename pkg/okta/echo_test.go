package okta

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"okauth/pkg/transport"
)

// AT-62: the password is hidden in an error if a server echoes it.
func TestAT62_EchoedSecrets(t *testing.T) {
	t.Parallel()
	const password = `canary Ca/nary+pw&ü"x\y`
	for name, said := range map[string]string{"plain": password, "query": url.QueryEscape(password)} {
		text, err := json.Marshal(map[string]string{"error": "invalid_grant", "error_description": "you sent " + said})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Okta-Request-Id", said)
			w.WriteHeader(http.StatusBadRequest)
			w.Write(text)
		}))
		form := url.Values{"grant_type": {"password"}, "username": {"alice"}, "password": {password}, "scope": {"openid"}}
		_, err = clientFor(t, server.URL, transport.Config{}).Token(t.Context(), form)
		server.Close()
		if err == nil {
			t.Fatal("a refusal is a success")
		}
		if strings.Contains(err.Error(), said) || strings.Contains(strings.ToLower(err.Error()), "nary") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
