package cmd

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"okauth/pkg/oktatest"
)

// demoBrowser stands between okauth and standard error, and plays the person who opens the address of the sign-in page.
type demoBrowser struct {
	io.Writer
	open func(address string)
}

// Write opens the address once it is shown.
func (b *demoBrowser) Write(text []byte) (int, error) {
	n, err := b.Writer.Write(text)
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); b.open != nil && strings.HasPrefix(line, "http") {
			go b.open(line)
			b.open = nil
		}
	}
	return n, err
}

// signInWithBrowser runs okauth login for a browser, which the demo plays itself.
func (d *demo) signInWithBrowser(ctx context.Context) {
	if d.err == nil {
		d.redirectURI, d.err = registerRedirectURI(d.server)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	page := make(chan string, 1)
	env := d.env
	env.Stderr = &demoBrowser{Writer: d.out, open: func(address string) {
		title, err := d.browse(ctx, address)
		if err != nil {
			cancel(fmt.Errorf("demo: the browser: %w", err))
		}
		page <- title
	}}
	d.run(ctx, env, []string{"login", "--grant", "authorization-code"}, "")
	if err := context.Cause(ctx); err != nil {
		d.err = err
	}
	if d.err == nil {
		d.print("The browser shows: %s\n", <-page)
	}
}

// registerRedirectURI gives the default app a redirect URI with a port that is free.
func registerRedirectURI(server *oktatest.Server) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	app, _ := server.App(oktatest.DefaultClientID)
	app.RedirectURIs = []string{"http://" + l.Addr().String() + "/callback"}
	server.AddApp(app)
	return app.RedirectURIs[0], l.Close()
}

// browse opens the address of the sign-in page, fills in its form, and returns the heading of the page at the end.
func (d *demo) browse(ctx context.Context, address string) (heading string, err error) {
	client := *d.server.Client()
	client.CheckRedirect = nil // a browser follows them, to okauth in the end
	if client.Jar, err = cookiejar.New(nil); err != nil {
		return "", err
	}
	text, err := fetch(ctx, &client, address, nil)
	if err != nil {
		return "", err
	}
	form := url.Values{"username": {oktatest.DefaultUser}, "password": {oktatest.DefaultPassword}}
	for _, field := range regexp.MustCompile(`type="hidden" name="(\w+)" value="(\w+)"`).FindAllStringSubmatch(text, -1) {
		form.Set(field[1], field[2])
	}
	action := regexp.MustCompile(`action="(/\w+)"`).FindStringSubmatch(text)
	if action == nil {
		return "", errors.New("the page has no form")
	}
	if text, err = fetch(ctx, &client, d.server.URL()+action[1], form); err != nil {
		return "", err
	}
	found := regexp.MustCompile(`<h1[^>]*>([^<]*)</h1>`).FindStringSubmatch(text)
	if found == nil {
		return "", errors.New("the last page has no heading")
	}
	return html.UnescapeString(found[1]), nil
}

// fetch gets a page, or sends a form.
func fetch(ctx context.Context, client *http.Client, address string, form url.Values) (string, error) {
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the page answered %s", answer.Status)
	}
	return string(body), err
}
