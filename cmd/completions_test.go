package cmd_test

import (
	"bytes"
	"flag"
	"okauth/cmd/internal/cli"
	"os"
	"path/filepath"
	"testing"

	"okauth/cmd"
)

var update = flag.Bool("update", false, "write the generated files: completions, README.md and docs")

// completions/ is what "okauth completion SHELL" prints, for packages to ship.
func TestCompletionsAreTrue(t *testing.T) {
	t.Parallel()
	for shell, name := range map[string]string{"bash": "okauth.bash", "zsh": "_okauth", "fish": "okauth.fish", "powershell": "okauth.ps1"} {
		var got, errs bytes.Buffer
		env := &cli.Env{Stdout: &got, Stderr: &errs, LookupEnv: func(string) (string, bool) { return "", false }}
		if code := cmd.Main(t.Context(), env, []string{"completion", shell}); code != 0 {
			t.Fatalf("completion %s: exit code %d: %s", shell, code, &errs)
		}
		if got.Len() == 0 {
			t.Fatalf("completion %s prints nothing", shell)
		}
		path := filepath.Join("..", "completions", name)
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("completions/%s is not what okauth completion %s prints: go test ./cmd -update", name, shell)
		}
	}
}
