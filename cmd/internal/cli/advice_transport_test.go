package cli

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"

	"okauth/pkg/okta"
	"okauth/pkg/transport"
)

func TestTransportAdvice(t *testing.T) {
	t.Parallel()
	proxy := func(err error) error { return &transport.ProxyError{Host: "proxy.test:3128", Err: err} }
	untrusted := &tls.CertificateVerificationError{Err: errors.New("unknown authority")}
	for _, test := range []struct {
		err  error
		want string
	}{
		{&transport.FileError{Setting: "ca_file", File: "ca.pem"}, "OKAUTH_CA_FILE"},
		{&transport.FileError{File: "none.pem", Err: errors.New("no such file")}, "OKAUTH_CLIENT_CERT"},
		{&transport.FileError{File: "my key", Err: transport.ErrKeyEncrypted}, "openssl pkey -in 'my key' -out"},
		{&transport.FileError{File: "key", Err: fmt.Errorf("mode 0644: %w", transport.ErrKeyNotPrivate)}, "`chmod 600 key`"},
		{&transport.ProxySettingError{Reason: "it is not a URL"}, "HTTPS_PROXY as http://"},
		{&transport.ProxyError{Status: 407}, "Cntlm"},
		{&transport.ProxyError{Status: 407, Basic: true}, "name:password@"},
		{&transport.ProxyError{Status: 403}, "NO_PROXY"},
		{proxy(untrusted), "ca_file"},
		{proxy(transport.ErrNotProxy), "not an HTTP proxy"},
		{proxy(errors.New("connection refused")), "host and port in HTTPS_PROXY"},
		{errors.New("anything else"), ""},
	} {
		for _, err := range []error{test.err, fmt.Errorf("wrapped: %w", test.err), &okta.NetworkError{Err: test.err}} {
			if _, network := err.(*okta.NetworkError); network && !Is[*transport.ProxyError](err) {
				continue // pkg/okta explains its own errors
			}
			if got := Hint(err); !strings.Contains(got, test.want) || test.want == "" && got != "" {
				t.Errorf("%v: got %q, want %q", err, got, test.want)
			}
		}
	}
	wrapped := &ExitError{Err: &transport.FileError{Setting: "ca_file", File: "ca.pem"}, Advice: "its own"}
	if got := Hint(wrapped); got != "its own" {
		t.Errorf("got %q", got)
	}
}
