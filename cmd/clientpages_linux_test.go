package cmd_test

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// clientPages is a web server with the page of a client that runs in a browser, and what signs in for all clients.
type clientPages struct {
	address string
	popup   chan struct{} // the page has opened one
	results chan string   // that the page has sent
}

func serveClientPages(t *testing.T, installed string) *clientPages {
	mux, popup, results := http.NewServeMux(), make(chan struct{}, 1), make(chan string, 1)
	mux.HandleFunc("/visit", visitPages)
	mux.Handle("/clients/", http.FileServer(http.Dir("testdata")))
	mux.Handle("/installed/", http.StripPrefix("/installed/", http.FileServer(http.Dir(installed))))
	mux.HandleFunc("/popup", func(http.ResponseWriter, *http.Request) { popup <- struct{}{} })
	mux.HandleFunc("/results", func(_ http.ResponseWriter, r *http.Request) {
		lines, _ := io.ReadAll(r.Body)
		results <- string(lines)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return &clientPages{server.URL, popup, results}
}

// register adds an app to the sandbox whose answers go to the page.
func (p *clientPages) register(t *testing.T, s *sandbox) {
	t.Helper()
	app := fmt.Sprintf(`{"auth_method": "none", "grants": ["authorization_code"], "redirect_uris": ["%s/"]}`, p.address)
	status, text, err := s.ask(t, http.DefaultClient, http.MethodPut, "/sandbox/apps/0oaOfThePage00000001", app)
	if status != http.StatusNoContent {
		t.Fatalf("the app of the page: got %d %q, %v", status, text, err)
	}
}

// run opens the page in Chromium, and returns the lines that it sends.
func (p *clientPages) run(t *testing.T, domain string) string {
	c := startChromium(t)
	c.open(p.address + "/clients/page.html?domain=" + url.QueryEscape(domain))
	for {
		select {
		case <-p.popup:
			var windows []string
			c.call(http.MethodGet, "/window/handles", nil, &windows)
			c.call(http.MethodPost, "/window", map[string]string{"handle": windows[len(windows)-1]}, nil)
			c.element("//h1[normalize-space()='Sign in']")
			c.types(oktatest.DefaultUser + "\t")
			c.types(oktatest.DefaultPassword + "\n")
		case lines := <-p.results:
			return lines
		case <-time.After(time.Minute):
			t.Error("the page in Chromium sends no results")
			return ""
		}
	}
}

var (
	formField = regexp.MustCompile(`<(?:input|button)[^>]* name="([^"]+)"(?:[^>]* value="([^"]*)")?`)
	formPage  = regexp.MustCompile(`<form method="post" action="/signin">`)
)

// visitPages is a browser for the clients: it goes through the pages of the sandbox that begin at the parameter url,
// as its user, and answers with the address of another server that they lead to, or of the last page.
func visitPages(w http.ResponseWriter, r *http.Request) {
	jar, _ := cookiejar.New(nil) // never fails
	start, err := url.Parse(r.FormValue("url"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	client := http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	answer, err := client.Get(start.String())
	for range 10 {
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		page, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if !formPage.Match(page) {
			break
		}
		form := url.Values{}
		for _, field := range formField.FindAllStringSubmatch(string(page), -1) {
			if !form.Has(field[1]) { // the first of two buttons
				form.Set(field[1], field[2])
			}
		}
		if form.Has("password") {
			form.Set("username", oktatest.DefaultUser)
			form.Set("password", oktatest.DefaultPassword)
		}
		answer, err = client.PostForm(start.ResolveReference(&url.URL{Path: "/signin"}).String(), form)
	}
	fmt.Fprint(w, cmp.Or(answer.Header.Get("Location"), answer.Request.URL.String()))
}
