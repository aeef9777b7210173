package oktatest

import (
	"net/http"
	"regexp"
	"time"
)

// NamedFault is a Fault that can be switched on by its name, from outside.
type NamedFault struct {
	Name        string // "html"
	Description string // what happens to a request, in a few words
	Fault       Fault
}

// DefaultFaultPath is the end of the paths that a named fault is for if nothing else is said.
const DefaultFaultPath = "/token"

// FaultNamed returns the fault with this name, false if there is none.
func FaultNamed(name string) (Fault, bool) {
	for _, f := range NamedFaults() {
		if f.Name == name {
			return f.Fault, true
		}
	}
	return nil, false
}

// NamedFaults are what networks, proxies and servers do to a client, and what an attacker might do.
func NamedFaults() []NamedFault {
	// "\x1b]0;" sets a terminal's title, "\x1b[2K\r" deletes the line, U+202E writes from right to left.
	const control = "\x1b[31mred\x1b[0m \x1b]0;title\a \x1b[2K\r\u202eokauth: all is well"
	return []NamedFault{
		{"slow", "a byte of the headers per second, without end", SlowHeaders(time.Second)},
		{"silent", "the request is read and never answered", Silence()},
		{"cut", "the connection ends after half of the answer", Truncated()},
		{"reset", "the connection is reset in the middle of the answer", Reset()},
		{"lost-answer", "the request is carried out, and the answer is lost", HangUp()},
		{"garbage", "the answer is not HTTP", Raw("SSH-2.0-OpenSSH_9.9\r\n")},
		{"huge", "the answer never ends", Endless()},
		{"gzip-bomb", "50 MB, compressed to about 50 kB", Gzip(50 << 20)},

		{"html", "a captive portal's page, with 200", htmlPage(200, "Sign in to the guest network")},
		{"empty", "200 and nothing else", Respond(200, nil, "")},
		{"redirect", "307 to another path of this server", Redirect(307, "/elsewhere")},
		{"redirect-other-host", "307 to another host", Redirect(307, "https://elsewhere.invalid/")},
		{"wrong-type", "the right answer, as text/plain", Header("Content-Type", "text/plain")},
		{"json-twice", "the right answer, twice", Alter(func(res *Response) { res.Body = append(res.Body, res.Body...) })},
		{"duplicate-member", "the right answer, its first member twice", Alter(func(res *Response) {
			first := regexp.MustCompile(`^\{("[^"]+":)`) // parsers differ about which of the two counts
			res.Body = first.ReplaceAll(res.Body, []byte("{${1}null,${1}"))
		})},
		{"clock-behind", "the right answer, its Date a day ago", Alter(func(res *Response) {
			setDate(res.Header, dateOf(res.Header).AddDate(0, 0, -1))
		})},

		{"429", "the org's rate limit is exceeded, for 2 seconds", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			setRateLimit(w.Header(), 1200, 0, dateOf(w.Header()).Add(2*time.Second))
			refusing("too_many_requests")(w, r, next)
		}},
		{"429-user", "the user's rate limit is exceeded", refusing("too_many_attempts")},
		{"500", "Okta's internal error", refusing("internal_error")},
		{"502-html", "a proxy's page: Bad Gateway", HTML(502)},
		{"503-read-only", "Okta's maintenance", refusing("read_only")},
		{"control-characters", "a refusal whose text controls the terminal", Respond(400, jsonHeader(),
			string(marshal(object{{"error", "invalid_scope"}, {"error_description", control}})))},
	}
}

// refusing answers with a refusal of refusals.txt; the server does not see the request.
func refusing(name string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		noStore(w.Header())
		refusal(name).write(w)
	}
}

// dateOf is the time by the server's clock.
func dateOf(h http.Header) time.Time {
	date, _ := http.ParseTime(h.Get("Date")) // set by handle
	return date
}
