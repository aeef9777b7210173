package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// ProxySettingError says that the address of the proxy makes no sense: a mistake in the settings, not in the network.
type ProxySettingError struct {
	Variable string // the environment variable, or "proxy" where the caller chose it
	Reason   string // without a word of the address, which may have a password
}

func (e *ProxySettingError) Error() string { return "read " + e.Variable + ": " + e.Reason }

// Hint says how the address is written.
func (e *ProxySettingError) Hint() string {
	return "write " + e.Variable + " as http://host:port, or http://name:password@host:port with @, :, /, # and % of the password percent-encoded (@ is %40); unset it to connect directly"
}

// ProxyError says that a proxy would not connect us, or could not be reached.
type ProxyError struct {
	Host   string // the proxy's, without its password
	Status int    // the HTTP status of its answer to CONNECT, 0 for none
	Err    error  // the cause where there is no status; without a word of the proxy's

	basic bool // it takes a name and a password as okauth sends them
}

func (e *ProxyError) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("proxy %s answered HTTP %d instead of connecting", e.Host, e.Status)
	}
	return fmt.Sprintf("proxy %s: %v", e.Host, e.Err)
}

func (e *ProxyError) Unwrap() error { return e.Err }

// Timeout reports whether the time was up. url.Error asks for it.
func (e *ProxyError) Timeout() bool {
	cause, ok := errors.AsType[net.Error](e.Err)
	return ok && cause.Timeout()
}

// Hint says where the proxy comes from and what its answer usually asks for.
func (e *ProxyError) Hint() string {
	_, badCert := errors.AsType[*tls.CertificateVerificationError](e.Err)
	switch {
	case e.Status == http.StatusProxyAuthRequired && !e.basic:
		return "the proxy wants a sign-in that okauth does not speak, as Kerberos or NTLM: run a local proxy that speaks it (Px, Cntlm) and name that one in HTTPS_PROXY"
	case e.Status == http.StatusProxyAuthRequired:
		return "the proxy wants a name and a password: write them into HTTPS_PROXY as http://name:password@host:port, special characters percent-encoded (@ is %40)"
	case e.Status != 0:
		return "the proxy does not lead to this host: ask who runs it, or check HTTPS_PROXY and NO_PROXY; NO_PROXY takes the hosts to reach directly"
	case badCert:
		return "okauth does not trust the proxy's own certificate: set ca_file to the certificate of its authority (PEM), or name the proxy in HTTPS_PROXY as its certificate does"
	case errors.Is(e.Err, errNotProxy), errors.Is(e.Err, io.EOF), errors.Is(e.Err, io.ErrUnexpectedEOF):
		return "what listens there is no HTTP proxy, or wants another scheme: check host, port and http:// or https:// in HTTPS_PROXY"
	}
	return "check host and port in HTTPS_PROXY; NO_PROXY takes the hosts to reach directly"
}

// errNotProxy stands for Go's own error, which quotes what came.
var errNotProxy = errors.New("its answer is not HTTP")

// environmentProxy is http.ProxyFromEnvironment, but a variable that cannot be read is an error: Go would connect directly, past the proxy that
// somebody wanted. It is one also for a host in NO_PROXY.
func environmentProxy(req *http.Request) (*url.URL, error) {
	proxy, err := http.ProxyFromEnvironment(req)
	if err != nil {
		return nil, err
	}
	if proxy == nil && isLoopback(req.URL.Hostname()) {
		return nil, nil
	}
	for _, name := range []string{strings.ToUpper(req.URL.Scheme) + "_PROXY", req.URL.Scheme + "_proxy"} {
		if text := os.Getenv(name); text != "" {
			return proxy, checkProxyText(name, text)
		}
	}
	return proxy, nil
}

func isLoopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

// checkProxyText refuses an address that Go would ignore, or misread: "http://name:pass#word@host" becomes a host called "http".
func checkProxyText(variable, text string) error {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	proxy, err := url.Parse(text)
	if err != nil { // its text has the password
		return &ProxySettingError{Variable: variable, Reason: "it is not a URL"}
	}
	err = checkProxy(proxy)
	if wrong, ok := errors.AsType[*ProxySettingError](err); ok {
		wrong.Variable = variable
	}
	return err
}

// checkProxy refuses what http.Transport would not refuse by a name of its own.
func checkProxy(proxy *url.URL) error {
	reason := ""
	port, err := strconv.ParseUint(proxy.Port(), 10, 16)
	switch {
	case proxy.Scheme != "http" && proxy.Scheme != "https" && proxy.Scheme != "socks5" && proxy.Scheme != "socks5h":
		reason = fmt.Sprintf("its scheme is %q, expected http, https, socks5 or socks5h", proxy.Scheme)
	case proxy.Hostname() == "":
		reason = "it has no host"
	case proxy.Port() != "" && (err != nil || port == 0):
		reason = "its port is not a number from 1 to 65535"
	case proxy.RawQuery != "" || proxy.Fragment != "" || strings.Trim(proxy.Path, "/") != "":
		reason = "something follows the host and port"
	default:
		return nil
	}
	return &ProxySettingError{Variable: "proxy", Reason: reason}
}

// proxyAnswered is called with the response to a CONNECT request. It returns an error, before http.Transport makes one out
// of the proxy's own words, if the proxy refuses.
func proxyAnswered(ctx context.Context, proxy *url.URL, _ *http.Request, response *http.Response) error {
	if response.StatusCode == http.StatusOK {
		routeOf(ctx).open.Store(true)
		return nil
	}
	e := &ProxyError{Host: proxy.Host, Status: response.StatusCode}
	offers := response.Header.Values("Proxy-Authenticate")
	for _, offer := range offers {
		e.basic = e.basic || strings.Contains(strings.ToLower(offer), "basic")
	}
	e.basic = e.basic || len(offers) == 0
	return e
}

// proxyError turns err into a *ProxyError if it is the proxy that failed.
func proxyError(to *route, err error) error {
	if _, known := errors.AsType[*ProxyError](err); known {
		return err
	}
	op, isOp := errors.AsType[*net.OpError](err)
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	// "proxyconnect tcp" and "socks connect" say nothing that ProxyError does not say.
	case isOp && (op.Op == "proxyconnect" || strings.HasPrefix(op.Op, "socks ")):
		err = op.Err
	case to.open.Load():
		return err
	case isOp, isNet && timeout.Timeout():
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("it hung up instead of connecting: %w", err)
	default:
		err = errNotProxy
	}
	return &ProxyError{Host: to.proxy.Host, Err: err}
}
