package cmd_test

import (
	"net"
	"strings"
	"testing"

	"okauth/pkg/oktatest"
)

// doctor says which switch is off for each grant, and asks for nothing that a person would have to answer.
func TestDoctorGrants(t *testing.T) {
	t.Parallel()
	const off = `"name":"grant","state":"fail"`
	for name, tt := range map[string]struct {
		line    string
		fault   oktatest.Fault // of the metadata
		code    int
		want    []string
		nothing string
	}{
		"browser": {line: "--grant authorization-code",
			want: []string{`"name":"grant","state":"ok"`, `"name":"redirect URI","state":"ok"`, "the port is free"}},
		"browser off": {line: "--grant authorization-code --client-id " + oktatest.ServiceClientID, code: 5,
			want: []string{off, "choose Authorization Code", "› General › Grant type"}},
		"no PKCE": {line: "--grant authorization-code",
			fault: oktatest.Override("code_challenge_methods_supported", `["plain"]`),
			want:  []string{`"name":"grant","state":"warn"`, "does not list PKCE's S256"}},
		"no authorization endpoint": {line: "--grant authorization-code",
			fault: oktatest.Override("authorization_endpoint", `""`), want: []string{"does not name the endpoint http://127.0.0.1:"}},
		"another authorization endpoint": {line: "--grant authorization-code",
			fault: oktatest.Override("authorization_endpoint", `"https://login.example.com/a"`),
			want:  []string{"names the endpoint https://login.example.com/a, where okauth uses http://127.0.0.1:"}},
		"device code": {line: "--grant device-code", want: []string{`"name":"grant","state":"ok"`}, nothing: "redirect URI"},
		"device code off": {line: "--grant device-code --client-id " + oktatest.NoRefreshClientID, code: 5,
			want: []string{off, "choose Device Authorization"}},
		"no device endpoint": {line: "--grant device-code",
			fault: oktatest.Override("device_authorization_endpoint", `""`),
			want:  []string{"does not name the endpoint http://127.0.0.1:"}},
		"second factor": {line: "--client-id " + oktatest.DirectAuthClientID,
			want: []string{`"name":"second factor","state":"note","detail":"the application may ask for one: MFA OTP, MFA OOB"`}},
		"no second factor": {want: []string{`"name":"second factor","state":"note"`,
			"MFA OTP or MFA OOB is at Admin Console", "for a super administrator"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "keychain", persistent())
			app, _ := m.server.App(oktatest.DefaultClientID)
			app.Grants = append(app.Grants, "urn:ietf:params:oauth:grant-type:device_code")
			m.server.AddApp(app)
			if tt.fault != nil {
				m.server.FailAlways("/openid-configuration", tt.fault)
			}
			p := m.start("doctor -o json "+tt.line, "OKAUTH_REDIRECT_URI=http://127.0.0.1:"+freePort(t)+"/callback")
			if got := p.ends(); got != tt.code {
				t.Errorf("got exit code %d, want %d: %s", got, tt.code, p.stdout.String())
			}
			for _, want := range tt.want {
				if !strings.Contains(p.stdout.String(), want) {
					t.Errorf("got %s, want %s", p.stdout.String(), want)
				}
			}
			if tt.nothing != "" && strings.Contains(p.stdout.String(), tt.nothing) {
				t.Errorf("got %s, want no %s", p.stdout.String(), tt.nothing)
			}
			for _, r := range m.server.Requests() {
				if strings.Contains(r.Path, "authorize") || strings.Contains(r.Path, "challenge") ||
					strings.HasSuffix(r.Path, "/token") && r.Status < 400 {
					t.Errorf("doctor asked for %s: %d", r.Path, r.Status)
				}
			}
		})
	}
}

// A factor without its grant, and a port that another program has.
func TestDoctorNamesTheSetting(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "keychain", persistent())
	p := m.start("doctor", "OKAUTH_FACTOR=push")
	if code := p.ends(); code != 0 {
		t.Errorf("got exit code %d", code)
	}
	if !strings.Contains(p.stdout.String(), "has no grant for factor push") ||
		!strings.Contains(p.stdout.String(), "hint: MFA OOB is at Admin Console") {
		t.Errorf("got %s", p.stdout.String())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p = m.start("doctor --grant authorization-code", "OKAUTH_REDIRECT_URI=http://"+l.Addr().String()+"/callback")
	if p.ends() == 0 || !strings.Contains(p.stdout.String(), "redirect_uri") {
		t.Errorf("got %s, want a failure that names redirect_uri", p.stdout.String())
	}
	p = m.start("doctor --grant authorization-code", "OKAUTH_REDIRECT_URI=http://127.0.0.1:"+freePort(t)+"/callback",
		"SSH_CONNECTION=192.0.2.1 1 192.0.2.2 22")
	if code := p.ends(); code != 0 {
		t.Errorf("got exit code %d", code)
	}
	if !strings.Contains(p.stdout.String(), "login --no-browser") {
		t.Errorf("got %s, want a note about the browser", p.stdout.String())
	}
}

// freePort returns the number of a port that is free.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
