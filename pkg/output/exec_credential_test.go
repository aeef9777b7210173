package output_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"okauth/pkg/output"
)

const (
	execV1      = "client.authentication.k8s.io/v1"
	execV1beta1 = "client.authentication.k8s.io/v1beta1"
)

// execCredential has the members that a plugin may answer with, as the reference has them; it leaves out client
// certificates. https://kubernetes.io/docs/reference/config-api/client-authentication.v1/, the same as v1beta1
type execCredential struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Status     *struct {
		ExpirationTimestamp *time.Time `json:"expirationTimestamp"` // metav1.Time: RFC 3339
		Token               string     `json:"token"`
	} `json:"status"`
}

func credential(t *testing.T, o output.TokenOptions, token output.Token) string {
	t.Helper()
	o.Format = "exec-credential"
	var b bytes.Buffer
	if err := o.Write(&b, token); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestExecCredential_Schema(t *testing.T) {
	t.Parallel()
	for asked, want := range map[string]string{"": execV1, execV1: execV1, execV1beta1: execV1beta1} {
		for _, known := range []bool{true, false} {
			id := token()
			id.Type = "id"
			if !known {
				id.ExpiresAt = time.Time{}
			}
			text := credential(t, output.TokenOptions{APIVersion: asked}, id)
			strict := json.NewDecoder(strings.NewReader(text))
			strict.DisallowUnknownFields()
			var got execCredential
			if err := strict.Decode(&got); err != nil || got.Status == nil {
				t.Fatalf("%v in %s", err, text)
			}
			if got.APIVersion != want || got.Kind != "ExecCredential" || got.Status.Token != id.Value.Reveal() {
				t.Errorf("got %s, want API version %s", text, want)
			}
			at := got.Status.ExpirationTimestamp
			if known && (at == nil || !at.Equal(id.ExpiresAt.Truncate(time.Second)) || at.Location() != time.UTC) || !known && strings.Contains(text, "expiration") {
				t.Errorf("got %s, want it to expire at %v", text, id.ExpiresAt)
			}
		}
	}
	refuses(t, output.TokenOptions{Format: "exec-credential", APIVersion: "client.authentication.k8s.io/v1alpha1\x1b"},
		`write access token as exec-credential: API version "client.authentication.k8s.io/v1alpha1�", expected "`+execV1+`" or "`+execV1beta1+`"`)
}

func TestExecAPIVersion(t *testing.T) {
	t.Parallel()
	for info, want := range map[string]string{
		"": "",
		`{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false}}`: execV1,
		`{"apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"cluster":{"server":"https://a"}}}`:       execV1beta1,
	} {
		if got, err := output.ExecAPIVersion(info); got != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", info, got, err, want)
		}
	}
	for _, info := range []string{"x", "{", "[]", "{}", "null", `{"apiVersion":1}`, `{"apiVersion":"v1"}`, `{"apiVersion":"client.authentication.k8s.io/v1alpha1"}`, "{} {}"} {
		if got, err := output.ExecAPIVersion(info); got != "" || err == nil {
			t.Errorf("%s: got %q, %v, want an error", info, got, err)
		}
	}
}

// TestExecCredential_ReadByKubectl has the real kubectl run a plugin that answers with the document, and looks at what
// the cluster gets.
func TestExecCredential_ReadByKubectl(t *testing.T) {
	t.Parallel()
	kubectl := installed(t, "kubectl")
	got := make(chan string, 1)
	mux := http.NewServeMux() // kubectl asks for more than it is told to
	mux.HandleFunc("/ping", func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("Authorization")
		_, _ = w.Write([]byte("pong"))
	})
	cluster := httptest.NewTLSServer(mux)
	t.Cleanup(cluster.Close)
	for _, version := range []string{execV1, execV1beta1} {
		id := token()
		id.ExpiresAt = time.Now().Add(time.Hour)
		home := t.TempDir()
		answer, kubeconfig := filepath.Join(home, "answer.json"), filepath.Join(home, "config")
		config := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],
"clusters":[{"name":"c","cluster":{"server":%q,"insecure-skip-tls-verify":true}}],
"users":[{"name":"u","user":{"exec":{"apiVersion":%q,"command":"cat","args":[%q],"interactiveMode":"Never"}}}]}`, cluster.URL, version, answer)
		for path, text := range map[string]string{answer: credential(t, output.TokenOptions{APIVersion: version}, id), kubeconfig: config} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c := exec.CommandContext(t.Context(), kubectl, "get", "--raw", "/ping", "--kubeconfig", kubeconfig)
		c.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
		var stderr bytes.Buffer
		c.Stderr = &stderr
		if text, err := c.Output(); err != nil || string(text) != "pong" {
			t.Fatalf("%s: %v: %s %s", version, err, text, stderr.String())
		}
		if header := <-got; header != "Bearer "+id.Value.Reveal() {
			t.Errorf("%s: the cluster got %q", version, header)
		}
	}
}
