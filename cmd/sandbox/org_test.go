package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// The schema has the keys and the types of oktatest.Org, and every one of its definitions is used.
func TestSchemaHasTheShapeOfAnOrg(t *testing.T) {
	t.Parallel()
	defs := newReader().defs
	var compare func(path string, of reflect.Type, s *schema)
	compare = func(path string, of reflect.Type, s *schema) {
		isDuration := s != nil && s.Ref == duration
		s = s.resolve(defs)
		want := ""
		switch {
		case of == reflect.TypeFor[time.Duration](), of.Kind() == reflect.String:
			want = "string"
		case of == reflect.TypeFor[json.RawMessage]():
			want = "object"
		case of.Kind() == reflect.Bool:
			want = "boolean"
		case of.Kind() == reflect.Slice:
			want = "array"
			compare(path+"[]", of.Elem(), s.Items)
		case of.Kind() == reflect.Map, of.Kind() == reflect.Struct:
			want = "object"
		}
		if isText := s.Type == "" && s.Enum != nil; s.Type != want && !(isText && want == "string") {
			t.Errorf("%s: the schema has the type %q, want %q", path, s.Type, want)
		}
		if isDuration != (of == reflect.TypeFor[time.Duration]()) {
			t.Errorf("%s: a duration in one of the two only", path)
		}
		if of.Kind() != reflect.Struct {
			return
		}
		var names []string
		for field := range of.Fields() {
			if tag := field.Tag.Get("json"); field.IsExported() {
				name, _, _ := strings.Cut(tag, ",")
				names = append(names, name)
				compare(path+"."+name, field.Type, s.Properties[name])
			}
		}
		slices.Sort(names)
		if keys := slices.Sorted(maps.Keys(s.Properties)); !slices.Equal(keys, names) {
			t.Errorf("%s: the schema has %v, the type has %v", path, keys, names)
		}
		if s.AdditionalProperties == nil || *s.AdditionalProperties {
			t.Errorf("%s: the schema allows other keys", path)
		}
	}
	compare("org", reflect.TypeFor[oktatest.Org](), &schema{Ref: "#/$defs/org"})
	for name := range defs {
		if !strings.Contains(orgSchema, `"#/$defs/`+name+`"`) {
			t.Errorf("nothing refers to %s", name)
		}
	}
}

// Each mistake is named, with its line and its key.
func TestBadOrg(t *testing.T) {
	t.Parallel()
	const app = "users: []\napps:\n  - client_id: a\n    grants: [password]\n"
	for text, want := range map[string]string{
		"":                          "1: empty, expected keys and values",
		"# nothing":                 "1: empty, expected keys and values",
		"a: [":                      "1: not valid YAML: ",
		"users: []\n\tapps: []":     "2: not valid YAML: ",
		"users: []\n---\napps: []":  "2: a second document begins",
		"- users":                   "1: expected keys and values, got a list",
		"users":                     "1: expected keys and values, got text",
		"users: []":                 "1: apps: missing",
		"users: {}\napps: []":       "1: users: expected a list, got keys and values",
		"users:\napps: []":          "1: users: expected a list, got nothing",
		"apps: []\nusers: [a]":      "2: users[0]: expected keys and values, got text",
		"apps: []\nusers: [{}]":     "2: users[0].login: missing",
		"apps: []\nusers:\n- a: 1":  "3: users[0].a: unknown key, expected one of email, factors,",
		"? [a]\n: 1":                "1: a key is not plain text",
		"users: &a [*a]\napps: []":  "1: users[0]: expected keys and values, got a list",
		app + "    grnts: []":       "5: apps[0].grnts: unknown key, did you mean \"grants\"?",
		app + "    grants: []":      "5: apps[0].grants: the key is there twice",
		app + "    trusted: yes":    "5: apps[0].trusted: expected true or false, got text",
		app + "    trusted: 1":      "5: apps[0].trusted: expected true or false, got a value of another type",
		app + "    name: 5":         "5: apps[0].name: expected text, got a value of another type: write it in quotes",
		app + "    name: ~":         "5: apps[0].name: expected text, got nothing",
		app + "    auth_method: x":  "5: apps[0].auth_method: \"x\" is not one of client_secret_basic, ",
		app + "    auth_method: []": "5: apps[0].auth_method: expected text, got a list",
		app:                         "3: apps[0].secrets: missing: the app authenticates by client_secret_basic",
		app + "    auth_method: none\n    secrets: [x]":                                    "6: apps[0].secrets: an app that authenticates by none has none",
		app + "    auth_method: client_secret_jwt\n    secrets: [x]":                       "6: apps[0].secrets: a secret that signs has 32 characters or more",
		app + "    auth_method: private_key_jwt":                                           "3: apps[0].keys: missing: the app authenticates by private_key_jwt",
		app + "    auth_method: private_key_jwt\n    keys: [{a: 1}]":                       "6: apps[0].keys[0].kty: missing",
		app + "    secrets: [x]\n    keys:\n    - {kty: oct, k: x}":                        "7: apps[0].keys[0]: not a public key (RSA or EC) as a JWK",
		app + "    secrets: [x]\n    keys:\n    - {kty: EC, crv: P-256, x: x, y: x, d: x}": "7: apps[0].keys[0]: not a public key",
		app + "    secrets: ['']":                                                          "5: apps[0].secrets[0]: expected a text without control characters that is not empty",
		app + "    secrets: [\"\\e[2J\"]":                                                  "5: apps[0].secrets[0]: expected a text without control characters",
		app + "    secrets: [x]\n    rotation: {leeway: 5}":                                "6: apps[0].rotation.leeway: expected a duration such as 90s or 1h, got a value of another type",
		app + "    secrets: [x]\n    rotation: {leeway: soon}":                             "6: apps[0].rotation.leeway: expected a duration such as 90s or 1h, got another text",
		app + "    secrets: [x]\n    rotation: {leeway: 9999999999h}":                      "6: apps[0].rotation.leeway: time: invalid duration",
		app + "    secrets: [x]\n    rotation: {leeway: 61s}":                              "6: apps[0].rotation.leeway: expected 0s to 60s",
		app + "    secrets: [x]\n    redirect_uris: ['http://a/b', localhost/b]":           "6: apps[0].redirect_uris[1]: expected a URI with a scheme",
		app + "    secrets: [x]\n    logout_uris: ['%zz']":                                 "6: apps[0].logout_uris[0]: expected a URI with a scheme",
		app + "    secrets: [x]\n  - {client_id: A, grants: [], secrets: [x]}":             "6: apps[1].client_id: \"a\" is there twice",
		app + "    secrets: [x]\nauth_servers: [{id: org, audience: a}]":                   "6: auth_servers[0].id: the org server is there by itself",
		app + "    secrets: [x]\nauth_servers: [{id: a/b, audience: a}]":                   "6: auth_servers[0].id: expected a text that matches ",
		app + "    secrets: [x]\nauth_servers: [{id: a, audience: a, claims: {n: .inf}}]":  "1: json: unsupported value",
		"apps: []\nusers: [{login: a, factors: {otp: x}}]":                                 "2: users[0].factors.otp: expected digits, got another text",
		"apps: []\nusers: [{login: a, factors: {mail: '1'}}]":                              "2: users[0].factors.mail: unknown key",
		"apps: []\nusers: [{login: a, status: LOCKED}]":                                    "2: users[0].status: \"LOCKED\" is not one of ACTIVE, ",
		"apps: []\nusers: [{login: a, profile: &a {a: *a}}]":                               "2: users[0].profile.a.a.a.a.a.a.a.a.a.a.a.a…: the values are nested too deeply",
		"apps: []\nusers: [{login: a, profile: {a: &a [1,2,3,4,5,6,7,8,9,0], b: &b [*a,*a,*a,*a,*a,*a,*a,*a], c: &c [*b,*b,*b,*b,*b,*b,*b,*b],\n" +
			"d: &d [*c,*c,*c,*c,*c,*c,*c,*c], e: &e [*d,*d,*d,*d,*d,*d,*d,*d], f: [*e,*e]}}]": "there are too many values",
		"apps: []\nusers: [&a {login: a}, *a]":                                                   "2: users[1].login: \"a\" is there twice",
		"apps: []\nusers: [{login: a, password: !!binary eA==}]":                                 "2: users[0].password: expected text, got a value of another type",
		"apps: []\nusers: [{login: a, profile: {a: 1, a: 2}}]":                                   "2: users[0].profile.a: the key is there twice",
		"apps: []\nusers: [{login: a, profile: {? {b: 1} : 2}}]":                                 "2: users[0].profile: a key is not plain text",
		"apps: []\nusers: [{login: a}]\nauth_servers: [{id: a, audience: b, rules: [{x: 1}]}]":   "3: auth_servers[0].rules[0].x: unknown key",
		"apps: []\nusers: []\nauth_servers: [{id: a, audience: b, rules: [{grants: [passwd]}]}]": "3: auth_servers[0].rules[0].grants[0]: \"passwd\" is not one of ",
	} {
		_, err := parseOrg([]byte(text))
		f, ok := err.(*mistake)
		if !ok {
			t.Errorf("%q: got %v", text, err)
			continue
		}
		if got := fmt.Sprintf("%d: %v", f.line, f); !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// What is right arrives as it is meant: a text that looks like a number, times, and values of any type.
func TestGoodOrg(t *testing.T) {
	t.Parallel()
	org, err := parseOrg([]byte(`
users:
  - {login: a@example.com, status: ACTIVE, factors: {otp: "012345"}, profile: {since: 2026-01-31, n: 0x10, on: true, l: [~, 1.5]}}
apps:
  - {client_id: a, secrets: ["007"], grants: [password], rotation: {rotate: true, leeway: 50s}}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &oktatest.Org{
		Users: []oktatest.User{{
			Login: "a@example.com", Factors: map[string]string{"otp": "012345"},
			Profile: map[string]any{"since": "2026-01-31", "n": 16.0, "on": true, "l": []any{nil, 1.5}},
		}},
		Apps: []oktatest.App{{
			ClientID: "a", Secrets: []string{"007"}, Grants: []string{"password"},
			Rotation: oktatest.Rotation{Rotate: true, Leeway: 50 * time.Second},
		}},
		AuthServers: []oktatest.AuthServer{{ID: "default", Audience: "api://default", Rules: []oktatest.Rule{{}}}},
	}
	if !reflect.DeepEqual(org, want) {
		t.Errorf("got %+v\nwant %+v", org, want)
	}
}

// Whatever a file has, it is an org or a mistake.
func FuzzOrg(f *testing.F) {
	for _, seed := range []string{"users: []\napps: []", "a: &a [*a]", "users: [{login: a, profile: {x: .nan}}]\napps: []", "<<: {}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if org, err := parseOrg(text); err != nil {
			if _, ok := err.(*mistake); !ok || org != nil {
				t.Errorf("%q: got %T %v, %+v", text, err, err, org)
			}
		}
	})
}

// A list that is empty has no first entry.
func TestVariablesOfEmptyLists(t *testing.T) {
	t.Parallel()
	org, err := parseOrg([]byte("users: []\nauth_servers: [{id: b, scopes: [], audience: c}]\n" +
		"apps: [{client_id: a, auth_method: none, secrets: [], redirect_uris: [], grants: [password]}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	got, command := orgVariables(org)
	want := [][2]string{
		{"OKAUTH_SERVER", "b"}, {"OKAUTH_AUDIENCE", "c"}, {"OKAUTH_CLIENT_ID", "a"}, {"OKAUTH_CLIENT_AUTH", "none"},
		{"OKAUTH_GRANT", "password"}, {"OKAUTH_SCOPES", "openid profile"},
	}
	if !slices.Equal(got, want) || command != "okauth login && okauth token" {
		t.Errorf("got %v and %q, want %v", got, command, want)
	}
}
