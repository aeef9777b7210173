package oktatest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// outcome is what reaches a client of a spoilt answer.
type outcome struct {
	status int
	header http.Header
	text   string
	err    error
}

func (o outcome) is(status int, header, text string) bool {
	name, value, _ := strings.Cut(header, ": ")
	return o.err == nil && o.status == status && o.header.Get(name) == value && strings.Contains(o.text, text)
}

// Each named fault does what it says.
func TestNamedFaults(t *testing.T) {
	t.Parallel()
	const jsonType, tokens = "Content-Type: application/json", `"token_type":"Bearer"`
	tests := map[string]func(outcome) bool{
		"slow":   func(o outcome) bool { return errors.Is(o.err, context.DeadlineExceeded) && o.status == 0 },
		"silent": func(o outcome) bool { return errors.Is(o.err, context.DeadlineExceeded) && o.status == 0 },
		"huge":   func(o outcome) bool { return o.err == nil && o.status == 200 && len(o.text) == enough },
		"cut": func(o outcome) bool {
			return errors.Is(o.err, io.ErrUnexpectedEOF) && strings.HasPrefix(o.text, `{"token_type"`)
		},
		"reset":   func(o outcome) bool { return o.err != nil && !errors.Is(o.err, context.DeadlineExceeded) },
		"garbage": func(o outcome) bool { return o.err != nil && strings.Contains(o.err.Error(), "SSH-2.0") },
		"lost-answer": func(o outcome) bool {
			return errors.Is(o.err, io.EOF) && o.status == 0
		},
		"gzip-bomb": func(o outcome) bool {
			return o.is(200, "Content-Encoding: gzip", "") && len(o.text) > 10<<10 && len(o.text) < 1<<20
		},
		"html":                func(o outcome) bool { return o.is(200, "Content-Type: text/html; charset=utf-8", "guest network") },
		"empty":               func(o outcome) bool { return o.is(200, "", "") && o.text == "" },
		"redirect":            func(o outcome) bool { return o.is(307, "Location: /elsewhere", "") },
		"redirect-other-host": func(o outcome) bool { return o.is(307, "Location: https://elsewhere.invalid/", "") },
		"wrong-type":          func(o outcome) bool { return o.is(200, "Content-Type: text/plain", tokens) },
		"json-twice": func(o outcome) bool {
			return o.is(200, jsonType, `}{"token_type"`) && strings.Count(o.text, tokens) == 2
		},
		"duplicate-member": func(o outcome) bool { return o.is(200, jsonType, `{"token_type":null,"token_type":"Bearer",`) },
		"clock-behind":     func(o outcome) bool { return o.is(200, "Date: Fri, 31 Jul 2026 12:00:00 GMT", tokens) },
		"429": func(o outcome) bool {
			reset := strconv.FormatInt(testTime.Add(2*time.Second).Unix(), 10)
			return o.is(429, "X-Rate-Limit-Reset: "+reset, `"errorCode":"E0000047"`) && o.header.Get("X-Rate-Limit-Remaining") == "0" &&
				o.header.Get("Date") == testTime.Format(http.TimeFormat)
		},
		"429-user":      func(o outcome) bool { return o.is(429, jsonType, `{"error":"invalid_grant",`) },
		"500":           func(o outcome) bool { return o.is(500, jsonType, `"errorCode":"E0000009"`) },
		"502-html":      func(o outcome) bool { return o.is(502, "Content-Type: text/html; charset=utf-8", "Bad Gateway") },
		"500-factor":    func(o outcome) bool { return o.is(500, jsonType, `"error":"server_error"`) },
		"503-read-only": func(o outcome) bool { return o.is(503, jsonType, `"errorCode":"E0000010"`) },
		"control-characters": func(o outcome) bool {
			return o.is(400, jsonType, `\u001b[31m`) && strings.Contains(o.text, `\u001b]0;`) && strings.Contains(o.text, "\u202e")
		},
	}
	seen := map[string]bool{}
	for _, f := range oktatest.NamedFaults() {
		check := tests[f.Name]
		if check == nil || seen[f.Name] || f.Description == "" {
			t.Errorf("%q is unknown, or there twice, or says nothing", f.Name)
			continue
		}
		seen[f.Name] = true
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.FailAlways(oktatest.DefaultFaultPath, f.Fault)
			for range 2 { // until it is switched off
				if got := spoilt(t, s, f.Name == "slow" || f.Name == "silent"); !check(got) {
					t.Errorf("got %d %v %.300q %v", got.status, got.header, got.text, got.err)
				}
			}
			s.ClearFaults()
			s.Clock().Advance(time.Second)
			if got := send(t, s, good(t, s)); got.Status != 200 {
				t.Errorf("after it: got %d %s", got.Status, got.Text)
			}
		})
	}
	for name := range tests {
		if !seen[name] {
			t.Errorf("there is no fault %q", name)
		}
	}
}

// enough is as much of an answer as anybody reads here, in bytes.
const enough = 4 << 20

// spoilt asks for tokens; an answer that never comes gets a third of a second.
func spoilt(t *testing.T, s *oktatest.Server, never bool) outcome {
	t.Helper()
	patience := 20 * time.Second
	if never {
		patience = time.Second / 3
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client := s.Client()
	client.Transport.(*http.Transport).DisableCompression = true
	res, err := client.Do(good(t, s).WithContext(ctx))
	if err != nil {
		return outcome{err: err}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, enough))
	return outcome{res.StatusCode, res.Header, string(text), err}
}

// A fault may be for any path but those of the control, and the newest counts.
func TestFaultsWhileItRuns(t *testing.T) {
	t.Parallel()
	control := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	s := start(t, oktatest.Options{Control: func(*oktatest.Server) http.Handler { return control }})
	statuses := func() (got []int) {
		s.Clock().Advance(time.Second)
		for _, path := range []string{"/oauth2/default/v1/keys", "/oauth2/default/.well-known/openid-configuration", "/sandbox/x"} {
			got = append(got, get(t, s, s.URL()+path, "").Status)
		}
		return append(got, send(t, s, good(t, s)).Status)
	}
	fail := func(suffix string, status int) func() {
		return func() { s.FailAlways(suffix, oktatest.HTML(status)) }
	}
	for i, step := range []struct {
		change func()
		want   []int
	}{
		{fail("/keys", 500), []int{500, 200, 204, 200}},
		{fail("/token", 502), []int{500, 200, 204, 502}},
		{fail("", 503), []int{503, 503, 204, 503}},
		{s.ClearFaults, []int{200, 200, 204, 200}},
	} {
		step.change()
		if got := statuses(); !slices.Equal(got, step.want) {
			t.Errorf("step %d: got %v, want %v", i, got, step.want)
		}
	}
	if got := s.Requests(); got[2].Path != "/sandbox/x" || got[2].Status != 204 {
		t.Errorf("got %v", got)
	}
}
