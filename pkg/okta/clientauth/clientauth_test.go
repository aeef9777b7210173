package clientauth

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"okauth/pkg/internal/secret"
)

func TestST05_MethodsAddTheirPartAlone(t *testing.T) {
	t.Parallel()
	const awkward = "canary +:&é"
	for _, test := range []struct {
		method             Method
		name, form, header string
	}{
		{ForSecret(secret.New("")), "none", "client_id=0oa%3Ab+c%25&grant_type=x", ""},
		{ForSecret(secret.New(awkward)), "client_secret_basic", "grant_type=x",
			"Basic MG9hJTNBYitjJTI1OmNhbmFyeSslMkIlM0ElMjYlQzMlQTk="},
		{ClientSecretPost{secret.New(awkward)}, "client_secret_post",
			"client_id=0oa%3Ab+c%25&client_secret=canary+%2B%3A%26%C3%A9&grant_type=x", ""},
	} {
		method := test.method
		r := Request{ClientID: "0oa:b c%", Header: http.Header{}, Form: url.Values{"grant_type": {"x"}}}
		if err := method.Authenticate(r); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if method.Name() != test.name || r.Form.Encode() != test.form || r.Header.Get("Authorization") != test.header {
			t.Errorf("%s: got %s, the form %s and the header %v", test.name, method.Name(), r.Form.Encode(), r.Header)
		}
		if shown := fmt.Sprintf("%v %+v %#v", method, method, method); strings.Contains(shown, "canary") {
			t.Errorf("%s shows its secret: %s", test.name, shown)
		}
	}
}
