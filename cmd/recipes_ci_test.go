//go:build linux

package cmd_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"okauth/pkg/oktatest"
)

// runner is the environment of a CI job: no keychain, nothing of okauth's.
func (k *kitchen) runner(vars ...string) []string {
	environ := append(k.network(), "PATH="+k.path, "HOME="+k.home, "TEST_LOCKS="+filepath.Join(k.home, "locks"), exitAtOnce, "CI=true")
	return append(environ, vars...)
}

// githubRecipe does with the job what a runner does: a step gets the variables of
// the job and its own, and its outputs are there for the steps behind it. The
// token must be masked before it can be in the log.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
func githubRecipe(k *kitchen, blocks []block) {
	k.only(blocks, "yaml")
	job := at(k.t, readYAML(k.t, blocks[0].text), "jobs", "orders").(map[string]any)
	known := map[string]string{"secrets.OKTA_CLIENT_SECRET": oktatest.DefaultClientSecret, "secrets.OKTA_PASSWORD": oktatest.DefaultPassword}
	steps := at(k.t, job, "steps").([]any)
	var log strings.Builder
	for _, step := range steps {
		step := step.(map[string]any)
		output, script := filepath.Join(k.dir, "output"), filepath.Join(k.dir, "step.sh")
		k.write(output, "", 0o600)
		k.write(script, at(k.t, step, "run").(string), 0o600)
		environ := k.runner("GITHUB_ACTIONS=true", "GITHUB_OUTPUT="+output)
		for _, part := range []map[string]any{job, step} {
			vars, _ := part["env"].(map[string]any)
			for name, value := range vars {
				environ = append(environ, name+"="+k.filledIn(value.(string), known))
			}
		}
		// "When no shell is specified: bash -e {0}", on everything but Windows.
		stdout, stderr, code := k.runs(environ, "bash", "-e", script)
		if log.WriteString(stdout + stderr); code != 0 || stderr != "" {
			k.t.Fatalf("exit code %d: %s", code, stderr)
		}
		text, err := os.ReadFile(output)
		if err != nil {
			k.t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			known["steps."+at(k.t, step, "id").(string)+".outputs."+name] = value
		}
	}
	token := known["steps.okta.outputs.token"]
	if orders := k.ordered("/v1/orders"); len(orders) == 1 && orders[0].token != token {
		k.t.Error("the API got another token than the step put out")
	}
	if want := "::add-mask::" + token + "\n" + ordersAnswer; log.String() != want {
		k.t.Errorf("the log is not the mask of the token and the answer, but %d bytes, want %d", log.Len(), len(want))
	}
	k.signedIn(1)
}

// filledIn replaces the expressions in a value of a workflow.
func (k *kitchen) filledIn(text string, known map[string]string) string {
	return regexp.MustCompile(`\$\{\{ (.*?) \}\}`).ReplaceAllStringFunc(text, func(expression string) string {
		value, ok := known[strings.Trim(expression, "${ }")]
		if !ok {
			k.t.Errorf("%s stands for nothing", expression)
		}
		return value
	})
}

// gitlabRecipe does with the job what a runner does whose container has been given
// the project with umask 0. https://gitlab.com/gitlab-org/gitlab-runner/-/issues/1736
func gitlabRecipe(k *kitchen, blocks []block) {
	k.only(blocks, "yaml")
	job := at(k.t, readYAML(k.t, blocks[0].text), "orders")
	folder := filepath.Join(k.home, "orders.tmp")
	if err := errors.Join(os.Mkdir(folder, 0o700), os.Chmod(folder, 0o777)); err != nil {
		k.t.Fatal(err)
	}
	secret := filepath.Join(folder, "OKAUTH_PASSWORD_FILE")
	k.write(secret, oktatest.DefaultPassword, 0o666)
	environ := k.runner("GITLAB_CI=true", "OKAUTH_CLIENT_SECRET="+oktatest.DefaultClientSecret, "OKAUTH_PASSWORD_FILE="+secret)
	for name, value := range at(k.t, job, "variables").(map[string]any) {
		environ = append(environ, name+"="+value.(string))
	}
	var script []string
	for _, line := range at(k.t, job, "script").([]any) {
		script = append(script, line.(string))
	}
	k.cooks(environ, strings.Join(script, "\n"), ordersAnswer+"answer to /v1/invoices\n")
	k.ordered("/v1/orders", "/v1/invoices")
	k.signedIn(1)

	// The copy is there for a reason.
	k.write(secret, oktatest.DefaultPassword, 0o666)
	if _, stderr, code := k.runs(append(environ, "OKAUTH_STORAGE=none"), "okauth", "token"); code != 2 || !strings.Contains(stderr, "chmod") {
		k.t.Errorf("a file that everybody may write to: got exit code %d and %q", code, stderr)
	}
}

// readYAML reads a recipe.
func readYAML(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// at follows keys and indexes into what readYAML has read.
func at(t *testing.T, value any, way ...any) any {
	t.Helper()
	for _, part := range way {
		switch v := value.(type) {
		case map[string]any:
			key, _ := part.(string)
			next, ok := v[key]
			if !ok {
				t.Fatalf("no %q among %q", key, slices.Sorted(maps.Keys(v)))
			}
			value = next
		case []any:
			value = v[part.(int)]
		default:
			t.Fatalf("nothing in %q is called %v", value, part)
		}
	}
	return value
}
