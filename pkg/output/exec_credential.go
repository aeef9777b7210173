package output

import (
	"cmp"
	"encoding/json"
	"fmt"

	"okauth/pkg/okta"
)

// The versions of ExecCredential that kubectl asks for; v1alpha1 is gone since Kubernetes 1.24.
const (
	execV1      = "client.authentication.k8s.io/v1"
	execV1beta1 = "client.authentication.k8s.io/v1beta1"
)

// execCredential is what kubectl reads from a credential plugin. It has no spec: that is for the way there.
// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#input-and-output-formats
type execCredential struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Status     struct {
		Token string `json:"token"`
		// RFC 3339, UTC. Without it kubectl keeps the token for as long as it runs, or until the cluster answers 401.
		ExpirationTimestamp *string `json:"expirationTimestamp,omitempty"`
	} `json:"status"`
}

// encodeExecCredential gives one line of JSON, for the exec section of a kubeconfig.
func encodeExecCredential(t Token, o TokenOptions) ([]byte, error) {
	doc := execCredential{APIVersion: cmp.Or(o.APIVersion, execV1), Kind: "ExecCredential"}
	if err := checkExecVersion(doc.APIVersion); err != nil {
		return nil, err
	}
	// "Token is a bearer token used by the client for request authentication."
	// https://kubernetes.io/docs/reference/config-api/client-authentication.v1/#client-authentication-k8s-io-v1-ExecCredentialStatus
	if err := checkBearer(t); err != nil {
		return nil, err
	}
	doc.Status.Token, doc.Status.ExpirationTimestamp = t.Value.Reveal(), knownTime(t.ExpiresAt)
	return encodeLine(doc)
}

// ExecAPIVersion reads from info, the value of KUBERNETES_EXEC_INFO, which version of ExecCredential is asked for: "The API version
// returned by the plugin MUST match". Without info it returns "", which stands for the default. It returns an error for what is no
// JSON object and for a version that cannot be written; the user mends it in the kubeconfig.
// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#configuration
func ExecAPIVersion(info string) (string, error) {
	if info == "" {
		return "", nil
	}
	var asked struct {
		APIVersion string `json:"apiVersion"`
	}
	err := json.Unmarshal([]byte(info), &asked)
	if err == nil {
		err = checkExecVersion(asked.APIVersion)
	}
	if err != nil {
		return "", fmt.Errorf("read KUBERNETES_EXEC_INFO: %w", err)
	}
	return asked.APIVersion, nil
}

func checkExecVersion(version string) error {
	if version != execV1 && version != execV1beta1 {
		return fmt.Errorf("API version %q, expected %q or %q", okta.Sanitize(version, 60), execV1, execV1beta1)
	}
	return nil
}
