package cli

// How a grant reaches the person who signs in.

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"okauth/pkg/config"
	"okauth/pkg/grant"
)

// terminalInteraction asks on the terminal device, and shows on standard error what needs no answer.
type terminalInteraction struct {
	env       *Env
	flags     *GlobalFlags
	noBrowser bool // the browser is on another machine
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
