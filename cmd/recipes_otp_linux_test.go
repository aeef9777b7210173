//go:build linux

package cmd_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// totp returns the code of RFC 6238 at a time, as an authenticator shows it: six digits, SHA-1, 30 seconds.
// https://www.rfc-editor.org/rfc/rfc6238#section-4, https://www.rfc-editor.org/rfc/rfc4226#section-5.3
func totp(secret string, at time.Time) string {
	mac := hmac.New(sha1.New, []byte(secret))
	_ = binary.Write(mac, binary.BigEndian, at.Unix()/30)
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1_000_000)
}

// RFC 6238, appendix B.
func TestTOTP(t *testing.T) {
	t.Parallel()
	if got := totp("12345678901234567890", time.Unix(1111111109, 0)); got != "081804" {
		t.Errorf("got %s, want 081804", got)
	}
}

// otpRecipe signs in with a password and a one-time code that oathtool makes. Okta expects the code of the same half
// minute: where that has ended meanwhile, the recipe runs once more.
func otpRecipe(k *kitchen, blocks []block) {
	k.only(blocks, "sh")
	installedOrSkip(k.t, "oathtool")
	const secret = "12345678901234567890"
	k.write(filepath.Join(k.dir, "pass"), `#!/bin/sh
case $2 in
okta/totp) echo GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ ;;
okta/ci) echo `+oktatest.DefaultPassword+` ;;
esac
`, 0o700)
	app, _ := k.server.App(readmeClient)
	app.Grants = append(app.Grants, oktatest.GrantMFAOTP)
	k.server.AddApp(app)
	environ := append(k.desk(), "PATH="+k.dir+":"+path()[len("PATH="):], "OKAUTH_PASSWORD=")
	for range 2 {
		began := time.Now()
		k.server.AddUser(oktatest.User{Login: readmeUser, Password: oktatest.DefaultPassword, MFA: true,
			Factors: map[string]string{oktatest.FactorOTP: totp(secret, began)}})
		stdout, stderr, code := k.runs(environ, "bash", "-euo", "pipefail", "-c", blocks[0].text)
		if time.Now().Unix()/30 != began.Unix()/30 {
			k.posts()
			continue
		}
		if code != 0 || stdout != "" {
			k.t.Errorf("got exit code %d, %q: %s", code, stdout, stderr)
		}
		k.signedIn(2) // the password, and the code
		return
	}
}
