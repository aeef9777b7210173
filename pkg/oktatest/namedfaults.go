package oktatest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// NamedFault is a Fault that programs in any language can switch on by its name.
type NamedFault struct {
	Name        string // "html"
	Description string // what happens to a request, in a few words
	Fault       Fault
}

// DefaultFaultPath is the end of the paths that a named fault spoils unless another is given.
const DefaultFaultPath = "/token"

// FaultNamed returns the fault with this name; false if there is none.
func FaultNamed(name string) (Fault, bool) {
	for _, f := range NamedFaults() {
		if f.Name == name {
			return f.Fault, true
		}
	}
	return nil, false
}

// NamedFaults returns what networks, proxies and servers do to a client, and what an attacker might.
func NamedFaults() []NamedFault {
	const tooMany = "API call exceeded rate limit due to too many requests."
	// "\x1b]0;" sets a terminal's title, "\x1b[2K\r" deletes the line, U+202E writes from right to left.
	const paint = "\x1b[31mred\x1b[0m \x1b]0;title\a \x1b[2K\r\u202eokauth: all is well"
	return []NamedFault{
		{"slow", "a byte of the headers per second, without end", SlowHeaders(time.Second)},
		{"silent", "the request is read and never answered", Silence()},
		{"cut", "the connection ends after half of the answer", Truncated()},
		{"reset", "the connection is reset in the middle of the answer", Reset()},
		{"lost-answer", "it is done as asked, and the answer is lost", HangUp()},
		{"garbage", "the answer is not HTTP", Raw("SSH-2.0-OpenSSH_9.9\r\n")},
		{"huge", "the answer never ends", Endless()},
		{"gzip-bomb", "50 MB, packed into some 50 kB", Gzip(50 << 20)},

		{"html", "a captive portal's page, with 200", page(200, "Guest network", "Sign in to the guest network")},
		{"empty", "200 and nothing else", Respond(200, nil, "")},
		{"redirect", "307 to another path of this server", Redirect(307, "/elsewhere")},
		{"redirect-other-host", "307 to another host", Redirect(307, "https://elsewhere.invalid/")},
		{"wrong-type", "the right answer, said to be text/plain", Header("Content-Type", "text/plain")},
		{"json-twice", "the right answer, twice", altered(func(a *heldAnswer) { a.body = append(a.body, a.body...) })},
		{"duplicate-member", "the right answer, its first member twice", alteredObject(repeatFirst)},
		{"clock-behind", "the right answer, its Date a day ago", altered(func(a *heldAnswer) {
			setDate(a.header, dateOf(a.header).AddDate(0, 0, -1))
		})},

		{"429", "the org's rate limit is used up, for 2 seconds", usedUp(refusing(429, "E0000047", tooMany))},
		{"429-user", "the user's rate limit is used up", refusing(429, "invalid_grant", tooMany)},
		{"500", "Okta's internal error", refusing(500, "E0000009", "Internal Server Error")},
		{"502-html", "a proxy's page: Bad Gateway", HTML(502)},
		{"503-read-only", "Okta is being maintained", refusing(503, "E0000010", "Service is in read only mode")},
		{"control-characters", "a refusal whose text paints on the terminal", refusing(400, "invalid_scope", paint)},
	}
}

// refusing answers with a refusal of Okta's instead of the server, in the shape that its code has.
func refusing(status int, code, text string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		if strings.HasPrefix(code, "E") {
			writeReply(w, apiError(status, code, text))
			return
		}
		writeReply(w, oauthError(status, code, text))
	}
}

// usedUp adds the headers of a rate limit that is used up until 2 seconds from now.
func usedUp(refuse Fault) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		setRateLimit(w.Header(), 1200, 0, dateOf(w.Header()).Add(2*time.Second))
		refuse(w, r, next)
	}
}

func setRateLimit(h http.Header, limit, remaining int, reset time.Time) {
	h.Set("X-Rate-Limit-Limit", strconv.Itoa(limit))
	h.Set("X-Rate-Limit-Remaining", strconv.Itoa(remaining))
	h.Set("X-Rate-Limit-Reset", strconv.FormatInt(reset.Unix(), 10)) // seconds
}

// dateOf returns the server's time in the headers of an answer.
func dateOf(h http.Header) time.Time {
	date, _ := http.ParseTime(h.Get("Date")) // set by handle
	return date
}

// repeatFirst puts a copy of the first member, with the value null, before it: readers differ about which one counts.
func repeatFirst(a *heldAnswer, object members) {
	if len(object) > 0 {
		again := "{" + strconv.Quote(object[0].name) + ":null,"
		a.body = []byte(strings.Replace(string(a.body), "{", again, 1))
	}
}
