package sandbox

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"okauth/cmd/internal/cli"
	"okauth/pkg/grant"
	"okauth/pkg/oktatest"
)

// curl begins every request to the control.
const curl = "curl -H '" + controlHeader + ": 1' "

// lists returns the lists that the flags ask for: an entry is a line of text, and a line with the command that triggers
// it in a shell that has the sandbox's variables.
func (o *options) lists() string {
	var b strings.Builder
	if o.listScenarios {
		for _, e := range oktatest.Scenarios() {
			if triggers(e) {
				fmt.Fprintf(&b, "%s: %d %s\n  %s\n", e.Description, e.Status, e.Error, scenarioCommand(e))
			}
		}
		for _, e := range signInRefusals() {
			fmt.Fprintf(&b, "%s: %s\n  %s\n", e[0], e[1], e[2])
		}
	}
	if o.listTokens {
		const command = curl + `-s "$OKAUTH_DOMAIN/sandbox/tokens/%s" | okauth verify -`
		for _, t := range oktatest.InvalidTokenKinds() {
			fmt.Fprintf(&b, "%s: %s\n  "+command+"\n", t.Name, t.Description, t.Name)
		}
	}
	if o.listFaults {
		const command = curl + `-X PUT "$OKAUTH_DOMAIN/sandbox/fault/%s?path=%s"`
		for _, f := range oktatest.NamedFaults() {
			fmt.Fprintf(&b, "%s: %s\n  "+command+"\n", f.Name, f.Description, f.Name, oktatest.DefaultFaultPath)
		}
		b.WriteString("turn all faults off\n  " + curl + "-X DELETE \"$OKAUTH_DOMAIN/sandbox/fault\"\n")
	}
	return b.String()
}

// triggers reports whether okauth can meet the refusal of a scenario: it sends no incomplete sign-in, and goes on where
// a second factor is wanted.
func triggers(e oktatest.Scenario) bool {
	return e.Error != "" && e.Error != "mfa_required" && e.Login != "" && e.Password+e.OTP != "" && e.Scope != ""
}

// onBehalf is the exchange of a service for the user who has a token.
const (
	exchange = "okauth exchange --storage none"
	onBehalf = "okauth token --storage none | " + exchange + " - --client-id " + oktatest.ServiceClientID + " "
)

// withKey is what a command needs for an application with the test key.
const withKey = " --private-key-command 'okauth sandbox --test-key'"

// clientCommands returns a command for each way in which a client authenticates, and for the exchanges it can make.
func clientCommands() []string {
	token := "okauth token --client-id "
	return []string{
		token + oktatest.DefaultClientID + " --client-auth client_secret_basic",
		token + oktatest.PostClientID + " --client-auth client_secret_post",
		token + oktatest.SecretJWTClientID + " --client-auth client_secret_jwt",
		token + oktatest.PublicClientID + " --client-auth none",
		token + oktatest.PrivateKeyClientID + " --client-auth private_key_jwt" + withKey,
		token + oktatest.ServiceKeyClientID + withKey + " --grant client-credentials --server org --scope okta.users.read",
		exchange + " --client-id " + oktatest.PrivateKeyClientID + withKey +
			` --scope api:read --resource-server "$OKAUTH_DOMAIN/oauth2/` + oktatest.DefaultScopesServerID + `"`,
		onBehalf + "--audience api://default --scope api:read",
		"OKAUTH_DPOP=true " + token + oktatest.DPoPClientID + ` -o header --url "$OKAUTH_DOMAIN/api/hello"`,
	}
}

// signInRefusals returns the refusals in several steps that no page is needed for, and those of what a client signs:
// what is refused, with which error, and the command.
func signInRefusals() [][3]string {
	factor := "okauth login --client-id " + oktatest.DirectAuthClientID + " --username "
	token := "okauth token --storage none --scope "
	const itself = " --grant client-credentials --server org --client-id "
	return [][3]string{
		{"wrong one-time code after the password", "400 invalid_grant", "OKAUTH_OTP=654321 " + factor + "otp@example.com"},
		{"push that the user rejects", "400 invalid_grant", factor + "refuse@example.com --factor push"},
		{"factor that the user has not enrolled", "403 access_denied", factor + "otp@example.com --factor push"},
		{"push without a password not enabled", "400 unauthorized_client", "okauth login --grant oob --factor push"},
		{"device code not enabled", "400 unauthorized_client",
			"okauth login --grant device-code --client-id " + oktatest.NoRefreshClientID},
		{"device code for an unknown scope", "400 invalid_scope",
			"okauth login --grant device-code --scope 'openid api:unknown'"},
		{"private key that the app does not have", "401 invalid_client",
			token + "openid --private-key-id unknown --client-id " + oktatest.PrivateKeyClientID + withKey},
		{"private key, of an app without keys", "401 invalid_client", token + "openid" + withKey},
		{"secret signs, where it should be sent", "401 invalid_client", token + "openid --client-auth client_secret_jwt"},
		{"secret is sent, where it should sign", "401 invalid_client",
			token + "openid --client-id " + oktatest.SecretJWTClientID},
		{"okta.* scope that the app was not granted", "400 consent_required",
			token + "okta.users.manage" + itself + oktatest.ServiceKeyClientID + withKey},
		{"exchange for another audience", "400 invalid_target", onBehalf + "--audience api://another --scope api:read"},
		{"exchange for openid, by a service", "400 invalid_scope", onBehalf + "--scope 'openid api:read'"},
		{"exchange by an app that is no service", "400 unauthorized_client",
			exchange + " --scope api:read --client-id " + oktatest.PrivateKeyClientID + withKey},
		{"ID-JAG for an unknown server", "400 invalid_target", exchange + " --scope api:read --client-id " +
			oktatest.PrivateKeyClientID + withKey + ` --resource-server "$OKAUTH_DOMAIN/oauth2/unknown"`},
		{"client at the org server that is no service", "401 invalid_client",
			token + "okta.users.read" + itself + oktatest.PrivateKeyClientID + withKey},
	}
}

// scenarioCommand returns the command of a scenario, with what differs from the defaults. It signs in each time, and
// needs no keychain, because it stores nothing.
func scenarioCommand(e oktatest.Scenario) string {
	var words []string
	if e.Secret == "" { // one that is set but empty is an error of okauth's own
		words, e.Secret = append(words, "env -u OKAUTH_CLIENT_SECRET"), oktatest.DefaultClientSecret
	}
	name := ""
	for _, g := range grant.All() {
		if g.GrantType == e.Grant {
			name = g.Name
		}
	}
	e.Password = cmp.Or(e.Password, oktatest.DefaultPassword)
	for _, word := range [][3]string{
		{"OKAUTH_CLIENT_SECRET=", e.Secret, oktatest.DefaultClientSecret},
		{"OKAUTH_PASSWORD=", e.Password, oktatest.DefaultPassword},
		{"OKAUTH_OTP=", e.OTP, ""},
		{"okauth token --storage none --scope ", e.Scope, ""},
		{"--grant ", name, "password"},
		{"--server ", e.Server, oktatest.DefaultServerID},
		{"--client-id ", e.ClientID, oktatest.DefaultClientID},
		{"--username ", e.Login, oktatest.DefaultUser},
	} {
		if word[1] != word[2] {
			words = append(words, word[0]+cli.ShellQuote(word[1]))
		}
	}
	return strings.Join(words, " ")
}

// certificateKinds returns the values of --certificate.
func certificateKinds() []string {
	return []string{"expired", "not-yet-valid", "wrong-name", "self-signed", "unknown-ca", "client-required"}
}

// setCertificate makes the server's certificate one of a kind. That of an unknown authority is as it always is.
func setCertificate(o *oktatest.Options, kind string) {
	o.TLS, o.SelfSigned, o.RequireClientCertificate = true, kind == "self-signed", kind == "client-required"
	o.EditCertificate = func(leaf *x509.Certificate) {
		switch kind {
		case "expired":
			leaf.NotBefore, leaf.NotAfter = time.Now().AddDate(0, -3, 0), time.Now().AddDate(0, 0, -1)
		case "not-yet-valid":
			leaf.NotBefore = time.Now().AddDate(0, 0, 1)
		case "wrong-name":
			leaf.DNSNames, leaf.IPAddresses = []string{"another.example"}, []net.IP{net.IPv4(192, 0, 2, 1)}
		}
	}
}

// writeCertificates writes the certificates that a client of a server with TLS needs to a directory of their own. It
// returns the directory, and each variable with its file.
func writeCertificates(server *oktatest.Server) (dir string, variables [][2]string, err error) {
	if server.CAPEM() == nil {
		return "", nil, nil
	}
	if dir, err = os.MkdirTemp("", "okauth-sandbox-"); err != nil {
		return "", nil, err
	}
	cert, key := server.ClientCertificate()
	for _, file := range []struct {
		variable, name string
		text           []byte
	}{
		{"OKAUTH_CA_FILE", "ca.pem", server.CAPEM()},
		{"OKAUTH_CLIENT_CERT", "client.pem", cert},
		{"OKAUTH_CLIENT_KEY", "client-key.pem", key},
	} {
		if file.text == nil {
			continue
		}
		path := filepath.Join(dir, file.name)
		if err := os.WriteFile(path, file.text, 0o600); err != nil {
			return dir, nil, err
		}
		variables = append(variables, [2]string{file.variable, path})
	}
	return dir, variables, nil
}
