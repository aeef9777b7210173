package cmd_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// chromium is a headless Chromium, driven by WebDriver (https://www.w3.org/TR/webdriver2/) as a person with a keyboard
// would. It reaches loopback addresses alone.
type chromium struct {
	t       *testing.T
	session string // its address at the driver
	pages   int    // that were seen
}

// startChromium skips the test where Chromium or its driver is not installed.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	for _, program := range []string{"chromium", "chromedriver"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not installed")
		}
	}
	home, err := os.MkdirTemp("", "chromium") // short: a socket below it has 107 bytes for its path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	driver := exec.Command("chromedriver", "--port=0")
	driver.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home}
	driver.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := driver.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := driver.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // the browser, too
		syscall.Kill(-driver.Process.Pid, syscall.SIGKILL)
		driver.Wait()
	})
	c := &chromium{t: t}
	for lines := bufio.NewScanner(stdout); c.session == "" && lines.Scan(); {
		if _, port, ok := strings.Cut(lines.Text(), "started successfully on port "); ok {
			c.session = "http://127.0.0.1:" + strings.TrimSuffix(port, ".")
		}
	}
	go io.Copy(io.Discard, stdout)
	var started struct{ SessionID string }
	c.call(http.MethodPost, "/session", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"acceptInsecureCerts": true, // the authority of the test is known to okauth alone
		"timeouts":            map[string]int{"implicit": 20_000, "pageLoad": 60_000},
		"goog:chromeOptions": map[string]any{"args": []string{
			"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
			"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir=" + home,
			"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
		}},
	}}}, &started)
	c.session += "/session/" + started.SessionID
	t.Cleanup(func() { c.call(http.MethodDelete, "", nil, nil) })
	return c
}

// call makes one call of the driver and reads its value.
func (c *chromium) call(method, path string, body, value any) {
	c.t.Helper()
	if err := c.try(method, path, body, value); err != nil {
		c.t.Fatal(err)
	}
}

func (c *chromium) try(method, path string, body, value any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	if body == nil {
		text = []byte("{}")
	}
	request, err := http.NewRequest(method, c.session+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	response, err := (&http.Client{Timeout: 90 * time.Second}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct{ Value json.RawMessage }
	err = json.NewDecoder(response.Body).Decode(&answer)
	if err == nil && response.StatusCode != 200 {
		err = fmt.Errorf("HTTP %d", response.StatusCode)
	}
	if err == nil && value != nil {
		err = json.Unmarshal(answer.Value, value)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w: %.200s", method, path, err, answer.Value)
	}
	return nil
}

// open goes to a page and waits until it is there.
func (c *chromium) open(address string) {
	c.t.Helper()
	c.call(http.MethodPost, "/url", map[string]string{"url": address}, nil)
}

// element returns the one that xpath finds, once it is there.
func (c *chromium) element(xpath string) string {
	c.t.Helper()
	return c.find("xpath", xpath)
}

func (c *chromium) find(using, what string) string {
	c.t.Helper()
	var found map[string]string
	err := c.try(http.MethodPost, "/element", map[string]string{"using": using, "value": what}, &found)
	for _, id := range found {
		return "/element/" + id
	}
	var source, address string
	c.call(http.MethodGet, "/source", nil, &source)
	c.call(http.MethodGet, "/url", nil, &address)
	c.t.Fatalf("%v; the page at %s is %.2000s", err, address, source)
	return ""
}

// sees waits for a page with that heading and texts, and looks at it in the narrowest window and in a wide one.
func (c *chromium) sees(heading string, texts ...string) {
	c.t.Helper()
	c.element("//h1[normalize-space()='" + heading + "']")
	var got string
	c.call(http.MethodGet, c.element("//body")+"/text", nil, &got)
	for _, text := range texts {
		if !strings.Contains(got, text) {
			c.t.Errorf("the page %q lacks %q: %s", heading, text, got)
		}
	}
	c.pages++
	for _, width := range []int{320, 1024} {
		for _, scheme := range []string{"light", "dark"} {
			c.look(width, scheme, heading)
		}
	}
}

// look lays the page out anew. Nothing of it may stick out. OKAUTH_TEST_SCREENSHOTS names a directory for what people
// would see.
func (c *chromium) look(width int, scheme, name string) {
	c.t.Helper()
	devtools := func(command string, params map[string]any) {
		c.t.Helper()
		c.call(http.MethodPost, "/goog/cdp/execute", map[string]any{"cmd": command, "params": params}, nil)
	}
	devtools("Emulation.setDeviceMetricsOverride",
		map[string]any{"width": width, "height": 640, "deviceScaleFactor": 1, "mobile": false})
	devtools("Emulation.setEmulatedMedia",
		map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}})
	var wide int
	c.call(http.MethodPost, "/execute/sync", map[string]any{
		"script": "return document.documentElement.scrollWidth", "args": []string{}}, &wide)
	if wide > width {
		c.t.Errorf("the page %q is %d px wide in a window of %d px", name, wide, width)
	}
	if dir := os.Getenv("OKAUTH_TEST_SCREENSHOTS"); dir != "" {
		var encoded string
		c.call(http.MethodGet, "/screenshot", nil, &encoded)
		image, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			c.t.Fatal(err)
		}
		file := fmt.Sprintf("%s-%d-%s-%d-%s.png", c.t.Name(), c.pages, strings.Trim(name, "?"), width, scheme)
		if err := os.WriteFile(filepath.Join(dir, strings.ReplaceAll(file, "/", "-")), image, 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
}

// types types into what has the focus, once the page has put it somewhere. "\n" is Enter, "\t" the next field.
func (c *chromium) types(text string) {
	c.t.Helper()
	keys := strings.NewReplacer("\n", "\ue007", "\t", "\ue004").Replace(text)
	c.call(http.MethodPost, c.find("css selector", ":focus")+"/value", map[string]string{"text": keys}, nil)
}

// clicks clicks a button.
func (c *chromium) clicks(button string) {
	c.t.Helper()
	c.call(http.MethodPost, c.element("//button[normalize-space()='"+button+"']")+"/click", nil, nil)
}
