package transport

import (
	"encoding/base64"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// A child's proxy variables, all of them: those of this process must not count.
func proxyVariables(env ...string) []string {
	none := []string{"HTTPS_PROXY=", "https_proxy=", "HTTP_PROXY=", "http_proxy=", "NO_PROXY=", "no_proxy=", "ALL_PROXY=", "REQUEST_METHOD="}
	return append(none, env...)
}

// example.com is in the certificate of httptest, and is not a loopback name, which would go round the proxy.
func TestAT06_ProxyFromEnvironment(t *testing.T) {
	t.Parallel()
	server, caFile := startTLS(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })
	proxy := &connectProxy{target: server.Listener.Addr().String(), status: http.StatusOK}
	at := strings.TrimPrefix(startProxy(t, proxy), "http://")
	const outside = "https://example.com/"
	const inside = "https://sub..example.test/" // it fails before a name server is asked
	for _, test := range []struct {
		name, target string
		env          []string
		proxied      bool
		auth         string // what the proxy is told, decoded
	}{
		{"upper case", outside, []string{"HTTPS_PROXY=http://" + at}, true, ""},
		{"lower case", outside, []string{"https_proxy=http://" + at}, true, ""},
		{"no scheme", outside, []string{"HTTPS_PROXY=" + at}, true, ""},
		{"upper case first", outside, []string{"HTTPS_PROXY=" + at, "https_proxy=http://127.0.0.1:1"}, true, ""},
		{"name and password", outside, []string{"HTTPS_PROXY=http://someone:canary-proxy-password@" + at}, true, "someone:canary-proxy-password"},
		{"percent-encoded", outside, []string{"HTTPS_PROXY=http://some%40one:canary%3A%2F%23%25@" + at}, true, "some@one:canary:/#%"},
		{"name and password, no scheme", outside, []string{"HTTPS_PROXY=someone:canary-word@" + at}, true, "someone:canary-word"},
		{"NO_PROXY for others", outside, []string{"HTTPS_PROXY=" + at, "NO_PROXY=example.org,.example.com,10.0.0.0/8"}, true, ""},
		{"NO_PROXY for us", inside, []string{"HTTPS_PROXY=" + at, "NO_PROXY=example.test"}, false, ""},
		{"no_proxy for all", inside, []string{"HTTPS_PROXY=" + at, "no_proxy=*"}, false, ""},
		{"HTTP_PROXY is for http", inside, []string{"HTTP_PROXY=" + at}, false, ""},
		{"ALL_PROXY is not read", inside, []string{"ALL_PROXY=http://" + at}, false, ""},
		{"loopback", server.URL, []string{"HTTPS_PROXY=" + at}, false, ""},
		{"loopback, the variable malformed", server.URL, []string{"HTTPS_PROXY=http://a b"}, false, ""},
	} {
		if runtime.GOOS == "windows" && test.name == "upper case first" {
			continue // there they are one variable
		}
		before := proxy.connects.Load()
		out := runChild(t, append(proxyVariables(test.env...), childVar+"="+test.target, "TRANSPORT_TEST_CHILD_CA="+caFile)...)
		if proxied := proxy.connects.Load() != before; proxied != test.proxied {
			t.Errorf("%s: through the proxy: %v, want %v\n%s", test.name, proxied, test.proxied, out)
		}
		if strings.Contains(out, "canary") {
			t.Errorf("%s: leaked %s", test.name, out)
		}
		if answered := strings.Contains(out, "child: HTTP/1.1"); answered != (test.proxied || test.target == server.URL) {
			t.Errorf("%s: got %s", test.name, out)
		}
		if named := strings.Contains(out, "via proxy "+at); named != test.proxied {
			t.Errorf("%s: the trace names the proxy: %v\n%s", test.name, named, out)
		}
		if !test.proxied {
			continue
		}
		proxy.mu.Lock()
		want := ""
		if test.auth != "" {
			want = "Basic " + base64.StdEncoding.EncodeToString([]byte(test.auth))
		}
		if proxy.asked != "example.com:443" || proxy.auth != want {
			t.Errorf("%s: proxy was asked for %q with authorization %q, want %q", test.name, proxy.asked, proxy.auth, want)
		}
		proxy.mu.Unlock()
	}
}

// Go would go round a proxy whose address it cannot read, or to a host that is called "http".
func TestAT06_ProxySettingMistakes(t *testing.T) {
	t.Parallel()
	const notURL = "it is not a URL"
	for _, test := range []struct{ variable, value, want string }{
		{"HTTPS_PROXY", "http://some one:canary-word@proxy.test:3128", notURL},
		{"HTTPS_PROXY", "http://someone:canary#word@proxy.test:3128", notURL},
		{"HTTPS_PROXY", "http://someone:canary/word@proxy.test:3128", notURL},
		{"https_proxy", "http://someone:canary%zz@proxy.test", notURL},
		{"HTTPS_PROXY", "ftp://someone:canary-word@proxy.test", "its scheme is \"ftp\""},
		{"HTTPS_PROXY", "socks4://proxy.test", "its scheme is \"socks4\""},
		{"HTTPS_PROXY", `"http://proxy.test:3128"`, "it is in quotes"}, {"https_proxy", `'proxy.test:3128'`, "it is in quotes"},
		{"HTTPS_PROXY", `"http://someone:canary-word@proxy.test:3128`, "it is in quotes"},
		{"HTTPS_PROXY", `"proxy.test"`, "it is in quotes"}, {"HTTPS_PROXY", `http://proxy.test:3128/"`, "it is in quotes"},
		{"HTTPS_PROXY", " http://proxy.test:3128", "it has a blank"}, {"HTTPS_PROXY", "http://proxy.test:3128 ", "it has a blank"},
		{"HTTPS_PROXY", "http://proxy.test:3128/ ", "it has a blank"}, {"HTTPS_PROXY", "http://proxy.test\r", "it has a blank"},
		{"https_proxy", "proxy.test:3128\n", "it has a blank"}, {"HTTPS_PROXY", " ", "it has a blank"},
		{"NO_PROXY", `"localhost,.example.test"`, "the list of hosts to reach without it is in quotes"},
		{"no_proxy", `'.test'`, "the list of hosts to reach without it is in quotes"},
		{"HTTPS_PROXY", "http://:3128", notURL},
		{"HTTPS_PROXY", "http://", notURL},
		{"HTTPS_PROXY", "http://proxy.test:99999", notURL},
		{"HTTPS_PROXY", "http://proxy.test:3128/canary/path", notURL},
		{"HTTPS_PROXY", "http://proxy.test:3128?canary", notURL},
	} {
		other := "HTTPS_PROXY="
		if strings.EqualFold(test.variable, "NO_PROXY") {
			other += "http://127.0.0.1:1"
		}
		out := runChild(t, append(proxyVariables(other, test.variable+"="+test.value), childVar+"=https://okta.example.test/")...)
		if !strings.Contains(out, "child: setting: read the proxy's address: "+test.want) || strings.Contains(out, "canary") {
			t.Errorf("%s=%s: got %s", test.variable, test.value, out)
		}
	}
}
