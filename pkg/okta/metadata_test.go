package okta

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

func TestMetadataAndKeys(t *testing.T) {
	t.Parallel()
	server, client, _ := startPatient(t)
	for _, id := range []string{"default", OrgServer} {
		at, err := NewAuthorizationServer(server.URL(), id)
		if err != nil {
			t.Fatal(err)
		}
		client.Server = at
		m, err := client.Metadata(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m.Issuer != server.Issuer(id) || m.JWKSURI != at.Endpoint("keys") ||
			!slices.Contains(m.GrantTypes, "password") || !slices.Contains(m.Scopes, "openid") ||
			!slices.Equal(m.Challenges, []string{"S256"}) || m.Endpoints["authorize"] != at.Endpoint("authorize") ||
			m.Endpoints["device/authorize"] != at.Endpoint("device/authorize") {
			t.Errorf("%s: got %+v", id, m)
		}
		document, err := client.Keys(t.Context(), m.JWKSURI)
		if err != nil || !strings.Contains(string(document.Text), `"kty"`) || document.MaxAge < KeysAtLeast ||
			document.MaxAge > KeysAtMost {
			t.Errorf("%s: got %v, %v", id, document, err)
		}
	}
	client.Server, _ = NewAuthorizationServer(server.URL(), "aus00000000000000000")
	if _, err := client.Metadata(t.Context()); err == nil || !strings.Contains(err.Error(), "E0000007") {
		t.Errorf("unknown server: got %v", err)
	}
}

func TestST08_AT04_AnotherIssuerIsRefused(t *testing.T) {
	t.Parallel()
	server, client, _ := startPatient(t)
	own := server.Issuer("default")
	for _, issuer := range []string{
		own + "/", "https://login.example.com/oauth2/default", strings.ToUpper(own), server.URL(),
		strings.Replace(own, "default", "aus1", 1), own +
			"?x", "https://a\u202eb.example", "nonsense", "https://оkta.com",
	} {
		for _, id := range []string{"", oktatest.DefaultClientID} {
			client.ID = id
			server.ClearFaults()
			server.ResetRequests()
			server.FailAlways("/openid-configuration", oktatest.Override("issuer", `"`+issuer+`"`))
			m, err := client.Metadata(t.Context())
			checkHarmless(t, err)
			other, ok := errors.AsType[*IssuerError](err)
			if !ok || m != nil || other.Expected != own || other.Got != Sanitize(issuer, 300) {
				t.Errorf("%q: got %v, %v", issuer, m, err)
				continue
			}
			requests := server.Requests()
			if want := min(len(id), 1) + 1; len(requests) != want || requests[want-1].Query.Get("client_id") != id {
				t.Errorf("%q: got the requests %v, want %d", issuer, requests, want)
			}
		}
	}
	for _, issuer := range []string{"", "null", `""`, "1", `["` + own + `"]`} {
		server.ClearFaults()
		server.FailAlways("/openid-configuration", oktatest.Override("issuer", issuer))
		if _, err := client.Metadata(t.Context()); !isResponse(err, "issuer is ") {
			t.Errorf("%q: got %v", issuer, err)
		}
	}
}

func isResponse(err error, says string) bool {
	_, ok := errors.AsType[*ResponseError](err)
	return ok && strings.Contains(err.Error(), says)
}

// At a custom URL domain, the issuer of the metadata can depend on the client who asks.
func TestIssuerOfTheClient(t *testing.T) {
	t.Parallel()
	server, client, _ := startPatient(t, oktatest.Options{Issuer: "https://login.example.com"})
	app, _ := server.App(client.ID)
	app.Issuer = server.URL()
	server.AddApp(app)
	m, err := client.Metadata(t.Context())
	if err != nil || m.Issuer != client.Server.Issuer() || len(server.Requests()) != 2 {
		t.Errorf("got %v, %v after %d requests", m, err, len(server.Requests()))
	}
	client.ID = "0oaunknown"
	_, err = client.Metadata(t.Context())
	if refusal, ok := errors.AsType[*Error](err); !ok || refusal.Code != "invalid_client" {
		t.Errorf("unknown client: got %v", err)
	}
}

func TestST22_AT03_AddressesStayAtTheIssuer(t *testing.T) {
	t.Parallel()
	server, client, _ := startPatient(t)
	base := server.URL()
	for _, name := range []string{"token_endpoint", "jwks_uri", "userinfo_endpoint", "introspection_endpoint",
		"revocation_endpoint"} {
		for _, address := range []string{
			`"https://evil.example/oauth2/default/v1/keys"`, `"http://evil.example/"`, `"` +
				strings.Replace(base, "http:", "https:", 1) + `/keys"`, `"` + base + `0/keys"`,
			`"` + strings.Replace(base, "//", "//canary:canary@", 1) +
				`/keys"`, `"//127.0.0.1/keys"`, `"/oauth2/default/v1/keys"`, `"file:///etc/passwd"`, `"` + base +
				`/keys#x"`,
			`"` + base + `@evil.example/keys"`, `"https://a\u202eb.example/"`, `"http://[::1"`, "1", `["` + base +
				`/keys"]`,
		} {
			server.ClearFaults()
			server.FailAlways("/openid-configuration", oktatest.Override(name, address))
			_, err := client.Metadata(t.Context())
			checkHarmless(t, err)
			if !isResponse(err, name) {
				t.Errorf("%s is %s: got %v", name, address, err)
			}
		}
		server.ClearFaults()
		server.FailAlways("/openid-configuration", oktatest.Override(name, ""))
		_, err := client.Metadata(t.Context())
		if required := name == "token_endpoint" ||
			name == "jwks_uri"; required != isResponse(err, name+" is missing") || !required && err != nil {
			t.Errorf("without %s: got %v", name, err)
		}
	}
	for _, name := range []string{"grant_types_supported", "scopes_supported"} {
		for value, good := range map[string]bool{"": true, "null": true, "[]": true, `["a"]`: true, `"a"`: false,
			"[1]": false, "[null]": false, "{}": false} {
			server.ClearFaults()
			server.FailAlways("/openid-configuration", oktatest.Override(name, value))
			if _, err := client.Metadata(t.Context()); good != (err == nil) || !good && !isResponse(err, name) {
				t.Errorf("%s is %s: got %v", name, value, err)
			}
		}
	}
	server.ClearFaults()
	server.ResetRequests()
	for _, uri := range []string{"", "https://evil.example/keys", "keys",
		strings.Replace(base, "http:", "https:", 1) + "/keys", "file:///etc/passwd"} {
		if document, err := client.Keys(t.Context(), uri); document != nil || err == nil ||
			!strings.HasPrefix(err.Error(), "address of the keys ") {
			t.Errorf("%q: got %v, %v", uri, document, err)
		}
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	odd := strings.Replace(base, "http:", "HTTP:", 1) + "/oauth2/default/v1/keys?client_id=x"
	if _, err := client.Keys(t.Context(), odd); err != nil {
		t.Errorf("%s: got %v", odd, err)
	}
}

func TestKeysAreAListAndHaveAnAge(t *testing.T) {
	t.Parallel()
	server, client, _ := startPatient(t)
	uri := client.Server.Endpoint("keys")
	for _, body := range []string{`{}`, `{"keys":{}}`, `{"keys":null}`, `{"keys":"x"}`, `{"KEYS":[]}`} {
		server.Fail("/keys", oktatest.JSON(body))
		if _, err := client.Keys(t.Context(), uri); !isResponse(err, "keys is not an array") {
			t.Errorf("%s: got %v", body, err)
		}
	}
	for value, want := range map[string]time.Duration{
		"max-age=3600": time.Hour, "public, Max-Age=3600, must-revalidate": time.Hour,
		`max-age="7200"`: 2 * time.Hour, "max-age=600,max-age=7200": 10 * time.Minute,
		"max-age=3832304, must-revalidate": KeysAtMost, "max-age=0": KeysAtLeast, "max-age=60": KeysAtLeast,
		"": KeysAtLeast, "no-cache, no-store": KeysAtLeast,
		"max-age=7200, no-store": KeysAtLeast, "max-age=-7200": KeysAtLeast, "max-age=7200.5": KeysAtLeast,
		"max-age": KeysAtLeast, "max-age=99999999999999999999": KeysAtLeast,
		"s-maxage=7200": KeysAtLeast, "max-age = 7200": KeysAtLeast, "max-age=x, max-age=7200": KeysAtLeast,
	} {
		server.Fail("/keys", oktatest.Respond(200,
			http.Header{"Content-Type": {"application/json"}, "Cache-Control": {value}}, `{"keys":[] }`))
		document, err := client.Keys(t.Context(), uri)
		if err != nil || document.MaxAge != want || string(document.Text) != `{"keys":[] }` {
			t.Errorf("%q: got %v, %v, want %s", value, document, err, want)
		}
	}
	server.Fail("/keys", oktatest.Respond(200,
		http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"max-age=7200", "no-store"}}, `{"keys":[]}`))
	if document, err := client.Keys(t.Context(), uri); err != nil || document.MaxAge != KeysAtLeast {
		t.Errorf("two headers: got %v, %v", document, err)
	}
}

func TestOrganization(t *testing.T) {
	t.Parallel()
	server, client, _ := startPatient(t)
	for _, classic := range []bool{false, true} {
		if classic {
			server.Fail("/okta-organization", oktatest.Override("pipeline", `"v1"`))
		}
		org, err := client.Organization(t.Context())
		if err != nil || !strings.HasPrefix(org.ID, "00o") ||
			org.Pipeline != map[bool]string{false: "idx", true: "v1"}[classic] {
			t.Errorf("got %v, %v", org, err)
		}
	}
	server.Fail("/okta-organization", oktatest.Override("pipeline", `"v3\u001b[2J"`), oktatest.Override("pipeline", ""))
	for _, want := range []string{"v3\uFFFD[2J", ""} {
		if org, err := client.Organization(t.Context()); err != nil || org.Pipeline != want {
			t.Errorf("got %v, %v, want the pipeline %q", org, err, want)
		}
	}
	for member, values := range map[string][]string{"id": {"", "null", "1", `""`}, "pipeline": {"1", "{}"}} {
		for _, value := range values {
			server.Fail("/okta-organization", oktatest.Override(member, value))
			if _, err := client.Organization(t.Context()); !isResponse(err, member+" is ") {
				t.Errorf("%s is %q: got %v", member, value, err)
			}
		}
	}
}

func FuzzMetadata(f *testing.F) {
	for _, seed := range []string{`{"issuer":"https://dev-1.okta.com"}`,
		`{"jwks_uri":"https://dev-1.okta.com/k","token_endpoint":"https://DEV-1.okta.com:443/t"}`,
		`{"jwks_uri":"https://dev-1.okta.com@evil.example/k","token_endpoint":"//x"}`, `{"scopes_supported":["a",null]}`} {
		f.Add([]byte(seed))
	}
	server, err := NewAuthorizationServer("https://dev-1.okta.com", OrgServer)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := readObject(body)
		if err != nil {
			return
		}
		d, err := m.metadata(server)
		if err != nil {
			if text := err.Error(); Sanitize(text, 4000) != text {
				t.Errorf("error is not one printable line: %q", text)
			}
			return
		}
		for _, name := range []string{"token_endpoint", "jwks_uri", "userinfo_endpoint", "introspection_endpoint",
			"revocation_endpoint"} {
			address, _ := m.text(name)
			req, err := http.NewRequest("GET", address, nil)
			if address != "" && (err != nil || req.URL.Scheme != "https" ||
				strings.TrimSuffix(strings.ToLower(req.URL.Host), ":443") != "dev-1.okta.com" || req.URL.User != nil) {
				t.Errorf("%q was taken for the server's", address)
			}
		}
		if text, _ := m.text("jwks_uri"); d.JWKSURI != text {
			t.Errorf("got the keys' address %q of %q", d.JWKSURI, text)
		}
	})
}
