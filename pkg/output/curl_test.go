package output_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"okauth/pkg/okta"
	"okauth/pkg/output"
)

// TestAT76_ReadByCurl has the real curl read the token from standard input, as the recipes do, and looks at what the
// server gets.
func TestAT76_ReadByCurl(t *testing.T) {
	t.Parallel()
	curl := installed(t, "curl")
	got := make(chan []string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.Header.Values("Authorization") }))
	t.Cleanup(server.Close)
	long := strings.Repeat("canary.", 64<<10/7) // the longest token there is, nearly
	for _, value := range []string{"canary.a_~+/-09==", "-", "/", long} {
		for format, arguments := range map[string][]string{"curl": {"-K", "-"}, "header": {"-H", "@-"}} {
			var text bytes.Buffer
			if err := in(format).Write(&text, output.Token{Value: okta.NewSecret(value), Type: "access", TokenType: "Bearer"}); err != nil {
				t.Fatal(err)
			}
			c := exec.CommandContext(t.Context(), curl, append([]string{"-q", "-sS", "--fail", "--noproxy", "*", server.URL}, arguments...)...)
			c.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
			c.Stdin = &text
			if answer, err := c.CombinedOutput(); err != nil || len(answer) > 0 {
				t.Fatalf("%s: %v: %s", format, err, answer)
			}
			if header := <-got; len(header) != 1 || header[0] != "Bearer "+value {
				t.Errorf("%s: the server got %.100q, want Bearer %.80s", format, header, value)
			}
		}
	}
}
