//go:build linux

package cmd_test

import (
	"os/exec"
	"path/filepath"
	"time"

	"okauth/pkg/oktatest"
)

// otpRecipe signs in with a password and a one-time code that oathtool makes, at a time that stands still: the code of
// another half minute is a wrong one, which okauth does not follow with the next at once.
func otpRecipe(k *kitchen, blocks []block) {
	k.only(blocks, "sh")
	oathtool, err := exec.LookPath("oathtool")
	if err != nil {
		k.t.Skip("oathtool is not installed")
	}
	now := time.Unix(1111111109, 0).UTC()
	k.write(filepath.Join(k.dir, "oathtool"), "#!/bin/sh\nexec "+oathtool+" --now '"+now.Format("2006-01-02 15:04:05 UTC")+"' \"$@\"\n", 0o700)
	k.write(filepath.Join(k.dir, "pass"), `#!/bin/sh
case $2 in
okta/totp) echo GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ ;;
okta/ci) echo `+oktatest.DefaultPassword+` ;;
esac
`, 0o700)
	app, _ := k.server.App(readmeClient)
	app.Grants = append(app.Grants, oktatest.GrantMFAOTP)
	k.server.AddApp(app)
	k.server.AddUser(oktatest.User{Login: readmeUser, Password: oktatest.DefaultPassword, MFA: true,
		Factors: map[string]string{oktatest.FactorOTP: "081804"}}) // RFC 6238, appendix B, the last six digits
	environ := append(k.desk(), "PATH="+k.dir+":"+k.path, "OKAUTH_PASSWORD=")
	stdout, stderr, code := k.runs(environ, k.shell[0], k.strict(blocks[0].text)...)
	if code != 0 || stdout != "" {
		k.t.Errorf("got exit code %d, %q: %s", code, stdout, stderr)
	}
	k.signedIn(2) // the password, and the code
}
