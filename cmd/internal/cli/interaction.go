package cli

// How a grant reaches the person who signs in.

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/output"
)

// terminalInteraction asks on the terminal device, and shows on standard error what needs no answer.
type terminalInteraction struct {
	env   *Env
	flags *GlobalFlags
}

var _ grant.Interaction = (*terminalInteraction)(nil)

// CanPrompt reports whether a command other than login may ask: there is a terminal, no other program uses it, and the
// program that runs okauth allows it.
func (i *terminalInteraction) CanPrompt() bool {
	t, err := OpenTerminal(i.env, i.flags, "")
	if err != nil {
		return false
	}
	defer t.Close()
	return !t.Busy() && !gitForbids(i.env)
}

// kubernetesForbids reports whether kubectl, or another client such as k9s, says that no one can be asked. Of "spec" in
// its variable: "interactive ... declares whether stdin has been passed to this exec plugin".
// https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
func kubernetesForbids(env *Env) bool {
	var info struct {
		Spec struct {
			Interactive *bool `json:"interactive"`
		} `json:"spec"`
	}
	err := json.Unmarshal([]byte(env.Getenv(kubernetesInfo)), &info)
	return err == nil && info.Spec.Interactive != nil && !*info.Spec.Interactive
}

const kubernetesInfo = "KUBERNETES_EXEC_INFO"

// gitForbids reports whether git, or the program that runs git, wants no question. "If this Boolean environment
// variable is set to false, git will not prompt on the terminal": https://git-scm.com/docs/git
func gitForbids(env *Env) bool {
	return slices.Contains([]string{"0", "false", "no", "off"}, strings.ToLower(env.Getenv("GIT_TERMINAL_PROMPT")))
}

// AskUsername asks for the user's Okta login.
func (i *terminalInteraction) AskUsername(ctx context.Context) (string, error) {
	t, err := OpenTerminal(i.env, i.flags, "set OKAUTH_USERNAME or use --username, and "+passwordAdvice)
	if err != nil {
		return "", err
	}
	defer t.Close()
	key, err := config.FindKey(config.KeyUsername)
	for err == nil {
		var name string
		if name, err = t.ReadLine(ctx, "Okta username", ""); name != "" {
			return name, key.Check(name)
		}
	}
	return "", err
}

// AskPassword asks for the password, without echo.
func (i *terminalInteraction) AskPassword(ctx context.Context, username string) (okta.Secret, error) {
	t, err := OpenTerminal(i.env, i.flags, passwordAdvice)
	if err != nil {
		return okta.Secret{}, err
	}
	defer t.Close()
	return AskSecret(ctx, t, "Password for "+username, "password")
}

// factorNames are the factors as a menu has them.
func factorNames() map[grant.Factor]string {
	return map[grant.Factor]string{
		grant.FactorPush:  "Okta Verify push: approve on your phone",
		grant.FactorOTP:   "Code from an authenticator app",
		grant.FactorSMS:   "Code in a text message",
		grant.FactorVoice: "Code in a phone call",
	}
}

// ChooseFactor shows a menu.
func (i *terminalInteraction) ChooseFactor(
	ctx context.Context, factors []grant.Factor, last grant.Factor, problem string,
) (grant.Factor, error) {
	t, err := OpenTerminal(i.env, i.flags, factorAdvice)
	if err != nil {
		return "", err
	}
	defer t.Close()
	if problem != "" {
		if err := t.Printf("%s\n", problem); err != nil {
			return "", err
		}
	}
	var names []string
	for _, f := range factors {
		names = append(names, factorNames()[f])
	}
	n, err := t.Choose(ctx, "Second factor:", names, max(slices.Index(factors, last), 0))
	if err != nil {
		return "", err
	}
	return factors[n], nil
}

const factorAdvice = "give the code by OKAUTH_OTP or otp_command, or set factor to push and approve on the phone"

// AskCode asks for a one-time code. It is shown: it works once, and soon not at all.
func (i *terminalInteraction) AskCode(ctx context.Context, f grant.Factor, problem string) (okta.Secret, error) {
	t, err := OpenTerminal(i.env, i.flags, factorAdvice)
	if err != nil {
		return okta.Secret{}, err
	}
	defer t.Close()
	if problem != "" {
		if err := t.Printf("%s\n", problem); err != nil {
			return okta.Secret{}, err
		}
	}
	label := map[grant.Factor]string{
		grant.FactorSMS: "Code from the text message", grant.FactorVoice: "Code from the call",
	}
	for {
		code, err := t.ReadLine(ctx, cmp.Or(label[f], "Code"), "")
		if code != "" || err != nil {
			return okta.NewSecret(code), err
		}
	}
}

// ShowPush says what to do on the phone.
func (i *terminalInteraction) ShowPush(_ context.Context, p grant.Push) (func(), error) {
	text := "approve the sign-in in Okta Verify on your phone"
	if p.Number != "" {
		text += ": choose the number " + p.Number
	}
	i.env.Say(text + " (" + i.left(p.Expires) + ")")
	return i.env.Progress(0, "waiting for the phone"), nil
}

// ShowDeviceCode says where to enter the code.
func (i *terminalInteraction) ShowDeviceCode(_ context.Context, d grant.DeviceCode) (func(), error) {
	i.env.Say("on any device, open " + d.Address + " and enter the code " + d.UserCode + " (" + i.left(d.Expires) + ")")
	return i.env.Progress(0, "waiting for the sign-in"), nil
}

// OpenBrowser shows the address.
func (i *terminalInteraction) OpenBrowser(_ context.Context, b grant.Browser) (func(), error) {
	i.env.Say("sign in at " + b.Address)
	return i.env.Progress(0, "waiting for the browser"), nil
}

// left says how long something is still waited for.
func (i *terminalInteraction) left(until time.Time) string {
	return output.FormatDuration(until.Sub(i.env.Now()).Round(time.Second)) + " left"
}
