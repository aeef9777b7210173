package oktatest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// NamedFault is a Fault that can be switched on from outside, by its name.
type NamedFault struct {
	Name        string // a word that a person can type: "html"
	Description string // what happens to a request, in a few words
	Fault       Fault
}

// DefaultFaultPath is the end of the paths that a fault spoils when nobody says which.
const DefaultFaultPath = "/token"

// FaultNamed is the fault with this name, false if there is none.
func FaultNamed(name string) (Fault, bool) {
	for _, f := range NamedFaults() {
		if f.Name == name {
			return f.Fault, true
		}
	}
	return nil, false
}

// NamedFaults are what networks, proxies and servers really do to a client, and what an attacker might.
func NamedFaults() []NamedFault {
	return append(networkFaults(), append(answerFaults(), refusalFaults()...)...)
}

func networkFaults() []NamedFault {
	return []NamedFault{
		{"slow", "a byte of the headers per second, without end", SlowHeaders(time.Second)},
		{"silent", "the request is read and never answered", Silence()},
		{"cut", "the connection ends after half of the answer", Truncated()},
		{"reset", "the connection is reset in the middle of the answer", Reset()},
		{"lost-answer", "it is done as asked, and the answer is lost", HangUp()},
		{"garbage", "the answer is not HTTP", Raw("SSH-2.0-OpenSSH_9.9\r\n")},
		{"huge", "the answer never ends", Endless()},
		{"gzip-bomb", "50 MB, packed into some 50 kB", Gzip(50 << 20)},
	}
}

func answerFaults() []NamedFault {
	const portal = "<!DOCTYPE html>\n<html><head><title>Guest network</title></head><body><h1>Sign in to the guest network</h1></body></html>\n"
	return []NamedFault{
		{"html", "a captive portal's page, with 200", Respond(http.StatusOK, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, portal)},
		{"empty", "200 and nothing else", Respond(http.StatusOK, nil, "")},
		{"redirect", "307 to another path of this server", Redirect(http.StatusTemporaryRedirect, "/elsewhere")},
		{"redirect-other-host", "307 to another host", Redirect(http.StatusTemporaryRedirect, "https://elsewhere.invalid/")},
		{"wrong-type", "the right answer, said to be text/plain", Header("Content-Type", "text/plain")},
		{"json-twice", "the right answer, twice", altered(func(a *answerBuffer) { a.body.Write(bytes.Clone(a.body.Bytes())) })},
		{"duplicate-member", "the right answer, its first member twice", altered(repeatFirst)},
		{"clock-behind", "the right answer, its Date a day ago", altered(func(a *answerBuffer) { setDate(a.header, dateOf(a.header).AddDate(0, 0, -1)) })},
	}
}

func refusalFaults() []NamedFault {
	const tooMany = "API call exceeded rate limit due to too many requests."
	// "\x1b]0;" sets a terminal's title, "\x1b[2K\r" deletes the line, U+202E writes from right to left.
	const paint = "\x1b[31mred\x1b[0m \x1b]0;title\a \x1b[2K\r\u202eokauth: all is well"
	return []NamedFault{
		{"429", "the org's rate limit is used up, for 2 seconds", usedUp(tooMany)},
		{"429-user", "the user's rate limit is used up", refusing(func() *reply { return oauthError(http.StatusTooManyRequests, "invalid_grant", tooMany) })},
		{"500", "Okta's internal error", refusing(internalError)},
		{"502-html", "a proxy's page: Bad Gateway", HTML(http.StatusBadGateway)},
		{"503-read-only", "Okta is being maintained", refusing(func() *reply {
			return apiError(http.StatusServiceUnavailable, "E0000010", "Service is in read only mode")
		})},
		{"control-characters", "a refusal whose text paints on the terminal", refusing(func() *reply { return oauthError(http.StatusBadRequest, "invalid_scope", paint) })},
	}
}

// refusing answers with one of Okta's refusals; the server is not asked.
func refusing(rep func() *reply) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { writeReply(w, rep()) }
}

// usedUp is 429 with the headers of a bucket that is empty until 2 seconds from now.
func usedUp(text string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		reset := dateOf(w.Header()).Add(2 * time.Second).Unix() // seconds
		w.Header().Set("X-Rate-Limit-Limit", "1200")
		w.Header().Set("X-Rate-Limit-Remaining", "0")
		w.Header().Set("X-Rate-Limit-Reset", strconv.FormatInt(reset, 10))
		writeReply(w, apiError(http.StatusTooManyRequests, "E0000047", text))
	}
}

// dateOf is what the server's clock says, as the answer will tell it.
func dateOf(h http.Header) time.Time {
	date, _ := http.ParseTime(h.Get("Date")) // set by handle
	return date
}

// repeatFirst puts the first member of a JSON object before itself, with the value null: readers differ about which of the two counts.
func repeatFirst(a *answerBuffer) {
	var object members
	if json.Unmarshal(a.body.Bytes(), &object) != nil || len(object) == 0 {
		return
	}
	text := strings.Replace(a.body.String(), "{", "{"+strconv.Quote(object[0].name)+":null,", 1)
	a.body.Reset()
	a.body.WriteString(text)
}
