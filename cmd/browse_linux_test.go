package cmd_test

import (
	"bufio"
	"errors"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// browse signs a user in on the pages of the sandbox, from address on, as a person does in a browser. It returns the
// address that the browser is sent to in the end, without going there; "" where the last page is the sandbox's.
func browse(t *testing.T, address, login string) (end string) {
	t.Helper()
	return browseBy(t, nil, address, login)
}

// browseBy is browse with a transport of its own.
func browseBy(t *testing.T, transport http.RoundTripper, address, login string) (end string) {
	t.Helper()
	start, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	jar, _ := cookiejar.New(nil) // never fails
	browser := http.Client{Transport: transport, Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host != start.Host {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	answers := map[string]string{
		"username": login, "password": oktatest.DefaultPassword, "code": "123456", "decision": "allow",
	}
	response, err := browser.Get(address)
	for range 6 { // pages
		if err != nil {
			t.Fatal(err)
		}
		text, unread := io.ReadAll(response.Body)
		if err := errors.Join(unread, response.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if response.StatusCode/100 == 3 {
			return response.Header.Get("Location")
		}
		form := url.Values{}
		for _, input := range regexp.MustCompile(`<(?:input|button)\s[^>]*>`).FindAllString(string(text), -1) {
			attribute := func(name string) string {
				found := regexp.MustCompile(`\s` + name + `="([^"]*)"`).FindStringSubmatch(input)
				return html.UnescapeString(append(found, "", "")[1])
			}
			name, value := attribute("name"), attribute("value")
			if answer, ok := answers[name]; ok && attribute("type") != "hidden" {
				value = answer
			}
			if name != "" {
				form.Set(name, value)
			}
		}
		if len(form) == 0 {
			return ""
		}
		response, err = browser.PostForm(start.Scheme+"://"+start.Host+"/signin", form)
	}
	t.Fatal("the pages do not end")
	return ""
}

// inBrowser makes a user's application take sign-ins in a browser, and BROWSER a program that does nothing. opened
// waits for that and returns the address that it was run with.
func (u *user) inBrowser(t *testing.T) (opened func() string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") // a free port
	if err != nil {
		t.Fatal(err)
	}
	u.vars["OKAUTH_REDIRECT_URI"] = "http://" + l.Addr().String() + "/callback"
	l.Close()
	app, _ := u.server.App(oktatest.DefaultClientID)
	app.RedirectURIs = append(slices.Clone(app.RedirectURIs), u.vars["OKAUTH_REDIRECT_URI"])
	u.server.AddApp(app)
	u.vars["OKAUTH_GRANT"] = "authorization-code"
	delete(u.vars, "OKAUTH_PASSWORD")
	dir := t.TempDir()
	pipe, script := filepath.Join(dir, "address"), filepath.Join(dir, "browser")
	err = errors.Join(syscall.Mkfifo(pipe, 0o600),
		os.WriteFile(script, []byte("#!/bin/sh\nprintf '%s\\n' \"$1\" >"+pipe+"\n"), 0o700))
	if err != nil {
		t.Fatal(err)
	}
	u.vars["BROWSER"] = script
	end, err := os.OpenFile(pipe, os.O_RDWR, 0) // does not wait for a writer
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end.Close() })
	return func() string {
		end.SetReadDeadline(time.Now().Add(20 * time.Second))
		address, err := bufio.NewReader(end).ReadString('\n')
		if err != nil {
			t.Fatalf("no browser was opened: %v", err)
		}
		return strings.TrimSpace(address)
	}
}
