package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// ProxySettingError says that the address of the proxy is unusable: a mistake in the settings, not in the network.
type ProxySettingError struct {
	Reason string // without a word of the address, which may have a password
}

func (e *ProxySettingError) Error() string { return "read the proxy's address: " + e.Reason }

// ProxyError says that the proxy refused to connect, or could not be reached.
type ProxyError struct {
	Host   string // the proxy's, without its password
	Status int    // the HTTP status of its response to CONNECT, 0 for none
	// Basic reports, where Status is 407, whether the proxy accepts a name and a password (HTTP Basic authentication).
	Basic bool
	Err   error // the cause where there is no status; without a word of the proxy's
}

func (e *ProxyError) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("proxy %s answered HTTP %d instead of connecting", e.Host, e.Status)
	}
	return fmt.Sprintf("proxy %s: %v", e.Host, e.Err)
}

// Unwrap returns the cause, nil where the proxy refused.
func (e *ProxyError) Unwrap() error { return e.Err }

// Timeout reports whether the time was up. url.Error asks for it.
func (e *ProxyError) Timeout() bool {
	cause, ok := errors.AsType[net.Error](e.Err)
	return ok && cause.Timeout()
}

// ErrNotProxy says that what answers is not an HTTP proxy. It replaces Go's own error, which may quote the response.
var ErrNotProxy = errors.New("it hung up, or its response is not HTTP")

// environmentProxy is http.ProxyFromEnvironment, but with an error for an address that is not a URL: net/http ignores
// such a variable and connects directly, past the proxy. A "%" in a password that is not percent-encoded is enough.
func environmentProxy(req *http.Request) (*url.URL, error) {
	proxy, err := http.ProxyFromEnvironment(req)
	if err != nil {
		return nil, err
	}
	text := cmp.Or(os.Getenv("HTTPS_PROXY"), os.Getenv("https_proxy"))
	if proxy == nil {
		_, err = url.Parse(text)
		if _, err2 := url.Parse("http://" + text); err == nil || err2 == nil { // the scheme is optional
			return nil, nil
		}
	}
	// docker run --env-file keeps quotes, and what an editor or a secret store adds. A quoted list of hosts matches none.
	switch direct := cmp.Or(os.Getenv("NO_PROXY"), os.Getenv("no_proxy")); {
	case strings.Trim(text, quotes) != text:
		return nil, &ProxySettingError{Reason: "it is in quotes, which the shell has not removed"}
	case strings.TrimSpace(text) != text:
		return nil, &ProxySettingError{Reason: "it has a blank or a line break around it"}
	case strings.ContainsAny(direct, quotes):
		return nil, &ProxySettingError{Reason: "the list of hosts to reach without it is in quotes"}
	case proxy == nil:
		return nil, &ProxySettingError{Reason: notProxyURL}
	}
	return proxy, nil
}

const quotes = "\"'`"

const notProxyURL = "it is not a URL of the form http://host:port"

// checkProxy refuses an address for which http.Transport has no clear error. net/http reads "http://name:pa#ss@host" as
// a host called "http".
func checkProxy(proxy *url.URL) error {
	_, err := strconv.ParseUint(proxy.Port(), 10, 16)
	switch proxy.Scheme {
	case "http", "https", "socks5", "socks5h":
		if proxy.Hostname() == "" || proxy.Port() != "" && err != nil ||
			proxy.RawQuery != "" || proxy.Fragment != "" || proxy.Path != "" && proxy.Path != "/" {
			return &ProxySettingError{Reason: notProxyURL}
		}
		return nil
	}
	reason := fmt.Sprintf("its scheme is %q, expected http, https, socks5 or socks5h", proxy.Scheme)
	return &ProxySettingError{Reason: reason}
}

// proxyAnswered is called with the response to a CONNECT request. If the proxy refuses, it returns the error before
// http.Transport makes one of the proxy's own words.
func proxyAnswered(ctx context.Context, proxy *url.URL, _ *http.Request, response *http.Response) error {
	if response.StatusCode == http.StatusOK {
		routeOf(ctx).open.Store(true)
		return nil
	}
	offers := strings.ToLower(strings.Join(response.Header.Values("Proxy-Authenticate"), ","))
	return &ProxyError{
		Host: proxy.Host, Status: response.StatusCode,
		Basic: offers == "" || strings.Contains(offers, "basic"),
	}
}

// wrapProxyError turns err into a *ProxyError if it is the proxy that failed.
func wrapProxyError(to *route, err error) error {
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
	default:
		err = ErrNotProxy
	}
	return &ProxyError{Host: to.proxy.Host, Err: err}
}
