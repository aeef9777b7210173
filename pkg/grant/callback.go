package grant

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// callback takes the answer to one sign-in in a browser, at the redirect URI on this machine or from a person who
// pastes the address. Whatever else asks there learns nothing and changes nothing: other programs of this machine, and
// the pages of other sites in the browser.
type callback struct {
	redirect *url.URL
	state    string
	taken    atomic.Bool
	answer   chan url.Values // has room for the one
	outcome  chan outcome    // has room for the one
	shown    chan struct{}   // closed when the browser has the outcome
	server   *http.Server
}

// outcome is what the page says at the end.
type outcome struct{ title, text, next string }

// notAnswer says why a request or a pasted address is not the answer.
type notAnswer struct {
	status  int
	problem string
}

func (e *notAnswer) Error() string { return e.problem }

// receive begins to listen at redirect for the answer with that state.
func receive(ctx context.Context, redirect *url.URL, state string) (*callback, error) {
	cb := &callback{
		redirect: redirect, state: state,
		answer: make(chan url.Values, 1), outcome: make(chan outcome, 1), shown: make(chan struct{}),
	}
	// A client that is slow, or says nothing, has a connection of its own for a few seconds.
	cb.server = &http.Server{
		Handler: cb, ReadTimeout: 5 * time.Second, MaxHeaderBytes: 32 << 10, ErrorLog: log.New(io.Discard, "", 0),
	}
	cb.server.SetKeepAlivesEnabled(false)
	listeners, err := listen(ctx, redirect)
	for _, l := range listeners {
		go cb.server.Serve(l)
	}
	return cb, err
}

// listen opens the port of the redirect URI on loopback addresses alone. localhost stands for both: the browser takes
// either, and another program must not have one of them.
func listen(ctx context.Context, redirect *url.URL) ([]net.Listener, error) {
	port := redirect.Port()
	if port == "" {
		port = "80"
	}
	hosts := []string{redirect.Hostname()}
	if strings.EqualFold(hosts[0], "localhost") {
		hosts = []string{"127.0.0.1", "::1"}
	}
	config := net.ListenConfig{Control: exclusive}
	var listeners []net.Listener
	for _, host := range hosts {
		l, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, port))
		if err == nil {
			listeners = append(listeners, l)
			continue
		}
		if host == "::1" && len(listeners) > 0 && !canListen(ctx, host) {
			continue // this machine has no IPv6
		}
		for _, l := range listeners {
			l.Close()
		}
		return nil, &ListenError{RedirectURI: redirect.String(), Err: err}
	}
	return listeners, nil
}

// CheckRedirectURI finds out whether a browser could come back to a redirect URI now: it opens the port and closes it.
// The error is an *InputError or a *ListenError.
func CheckRedirectURI(ctx context.Context, uri string) error {
	redirect, err := parseRedirectURI(uri)
	if err != nil {
		return err
	}
	listeners, err := listen(ctx, redirect)
	for _, l := range listeners {
		l.Close()
	}
	return err
}

// canListen reports whether there is a free port at an address, so that the address exists.
func canListen(ctx context.Context, host string) bool {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// ListenError says that the browser could not come back, because the port cannot be opened.
type ListenError struct {
	RedirectURI string
	Err         error // of package net
}

func (e *ListenError) Error() string {
	return fmt.Sprintf("listen at the redirect URI %s: %v", e.RedirectURI, e.Err)
}

// Unwrap returns the cause.
func (e *ListenError) Unwrap() error { return e.Err }

// ServeHTTP gives the answer to the sign-in and shows how that has ended.
func (cb *callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	address := &url.URL{Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	switch {
	case !cb.isHere(address), !isNavigation(r.Header):
		http.NotFound(w, r)
		return
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "405 method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if refused := cb.take(address); refused != nil {
		writePage(w, refused.status, outcome{"Not signed in", refused.problem, "You can close this window."})
		return
	}
	defer close(cb.shown)
	select {
	case end := <-cb.outcome:
		writePage(w, http.StatusOK, end)
	case <-r.Context().Done(): // the browser is gone
	}
}

// isHere compares the host and the path with those of the redirect URI. A page of another site whose name leads to this
// machine has another Host (DNS rebinding).
func (cb *callback) isHere(address *url.URL) bool {
	withoutPort := func(host string) string { return strings.TrimSuffix(host, ":80") } // a browser leaves it out
	return strings.EqualFold(withoutPort(address.Host), withoutPort(cb.redirect.Host)) &&
		address.EscapedPath() == cb.redirect.EscapedPath()
}

// isNavigation reports whether the browser opens a page and does not load a part of one for another site.
// https://www.w3.org/TR/fetch-metadata/
func isNavigation(h http.Header) bool {
	mode, dest := h.Get("Sec-Fetch-Mode"), h.Get("Sec-Fetch-Dest")
	return (mode == "" || mode == "navigate") && (dest == "" || dest == "document")
}

// take accepts the first address that is an answer with the right state.
func (cb *callback) take(address *url.URL) *notAnswer {
	query, err := url.ParseQuery(address.RawQuery)
	repeated := false
	for _, values := range query {
		repeated = repeated || len(values) > 1 // "MUST NOT be included more than once": RFC 6749 §3.1
	}
	switch {
	case !cb.isHere(address):
		return &notAnswer{http.StatusNotFound, "The address must begin with " + cb.redirect.String() + "."}
	case err != nil || repeated:
		return &notAnswer{http.StatusBadRequest, "The address is damaged."}
	case subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(cb.state)) != 1:
		return &notAnswer{http.StatusNotFound, "The address belongs to another sign-in than the one that okauth waits for."}
	case (query.Get("code") == "") == (query.Get("error") == ""):
		return &notAnswer{http.StatusBadRequest, "The address has neither a code nor an error."}
	case !cb.taken.CompareAndSwap(false, true):
		return &notAnswer{http.StatusNotFound, "This sign-in is over."}
	}
	cb.answer <- query
	return nil
}

// paste is Browser.Paste. A browser's address bar may leave out the scheme.
func (cb *callback) paste(text string) error {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	address, err := url.Parse(text)
	if err != nil || address.Scheme != "http" {
		address = &url.URL{}
	}
	if refused := cb.take(address); refused != nil {
		return refused
	}
	close(cb.shown) // no browser waits
	return nil
}

// show lets the browser show the end of the sign-in, if it waits for it.
func (cb *callback) show(end outcome) {
	cb.outcome <- end
	select {
	case <-cb.shown:
	case <-time.After(time.Second):
	}
}

func (cb *callback) close() { cb.server.Close() }

//go:embed callback.html
var callbackPage string

// writePage writes a page that loads nothing, runs nothing and stays nowhere: its address has the code.
func writePage(w http.ResponseWriter, status int, o outcome) {
	_, style, _ := strings.Cut(callbackPage, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	header := w.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; "+
		"frame-ancestors 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	page := strings.NewReplacer("{title}", html.EscapeString(o.title), "{text}", html.EscapeString(o.text),
		"{next}", html.EscapeString(o.next)).Replace(callbackPage)
	// The server is closed at once: the page is whole once its last byte has left, with no end of chunks after it.
	header.Set("Content-Length", strconv.Itoa(len(page)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, page)
	_ = http.NewResponseController(w).Flush()
}
