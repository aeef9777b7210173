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
		secret, name, form, header string
	}{
		{"", "none", "client_id=0oa%3Ab+c%25&grant_type=x", ""},
		{awkward, "client_secret_basic", "grant_type=x", "Basic MG9hJTNBYitjJTI1OmNhbmFyeSslMkIlM0ElMjYlQzMlQTk="},
	} {
		method := ForSecret(secret.New(test.secret))
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
