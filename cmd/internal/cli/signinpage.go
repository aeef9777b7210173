package cli

// Signing in on a page: in a browser here, or on another device.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"okauth/pkg/browser"
	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/prompt"
)

// ShowDeviceCode says where to enter the code, and shows both as a QR code.
func (i *terminalInteraction) ShowDeviceCode(_ context.Context, d grant.DeviceCode) (func(), error) {
	text := "open " + d.Address + " on any device" + i.env.leftWithoutCountdown(d.Expires) + " and enter:"
	i.env.Say(text)
	i.env.large(d.UserCode)
	columns, _ := i.env.stderrSize()
	otherRows := strings.Count(output.Wrap("okauth: "+text, 0, 2, columns), "\n") + 5 // the code, and the wait
	code := i.env.qrCode(cmp.Or(d.FullAddress, d.Address), otherRows)
	i.env.above(func() { io.WriteString(i.env.Stderr, code) })
	return i.env.Countdown("waiting for the sign-in", d.Expires), nil
}

// OpenBrowser opens the browser. Where that fails, or the browser is on another machine, it shows the address and takes
// the one that the browser ends at.
func (i *terminalInteraction) OpenBrowser(ctx context.Context, b grant.Browser) (func(), error) {
	ctx, cancel := context.WithCancel(ctx)
	ended, err := i.open(b.Address)
	if err == nil {
		i.env.Say("sign in in the browser that opens now" + i.env.leftWithoutCountdown(b.Expires) +
			"; if none does, press Ctrl-C and add --no-browser")
	} else {
		i.showAddress(b, err)
	}
	wait := inBackground(func(stop <-chan struct{}) {
		if err == nil {
			failed := i.awaitBrowser(b, ended, stop)
			if failed == nil {
				return
			}
			i.showAddress(b, failed)
		}
		if !i.askAddress(ctx, b) {
			defer i.env.Countdown("waiting for the browser", b.Expires)()
		}
		<-stop
	})
	return func() { cancel(); wait() }, nil
}

// awaitBrowser waits for stop, or returns why the program that opens the browser has failed.
func (i *terminalInteraction) awaitBrowser(b grant.Browser, ended <-chan error, stop <-chan struct{}) error {
	defer i.env.Countdown("waiting for the browser", b.Expires)()
	select {
	case err := <-ended:
		if err != nil {
			return err
		}
		<-stop // the window is in another process
	case <-stop:
	}
	return nil
}

// open opens an address in the browser that BROWSER names, else in that of the system.
func (i *terminalInteraction) open(address string) (ended <-chan error, err error) {
	if i.noBrowser {
		return nil, browser.ErrNone
	}
	o := i.env.browserOptions()
	if ended, err = browser.Open(address, o); err != nil && o.Commands != "" {
		err = fmt.Errorf("BROWSER: %w", err)
	}
	return ended, err
}

// browserOptions say which browser is opened.
func (e *Env) browserOptions() browser.Options {
	here := runtime.GOOS == "linux" || e.Getenv("SSH_CONNECTION") == "" // others have no DISPLAY to say so
	o := browser.Options{
		Commands: e.Getenv("BROWSER"), Path: e.Getenv("PATH"), Environ: []string{}, Home: e.Getenv("HOME"),
		Desktop: here && (e.Desktop() || e.Getenv("WSL_DISTRO_NAME") != ""),
	}
	if e.Environ != nil { // without the variables that hold secrets, see withoutSecrets
		o.Environ = e.Environ()
	}
	return o
}

// FindBrowser returns the program that opens the browser here. The error is that of browser.Open.
func (e *Env) FindBrowser() (string, error) { return browser.Find(e.browserOptions()) }

// showAddress shows the address, because of problem.
func (i *terminalInteraction) showAddress(b grant.Browser, problem error) {
	if !errors.Is(problem, browser.ErrNone) {
		i.env.Note("the browser was not opened: " + problem.Error())
	}
	i.env.Say("open this address in a browser and sign in" + left(b.Expires) + ":")
	i.env.above(func() { fmt.Fprintf(i.env.Stderr, "\n%s\n\n", okta.Sanitize(b.Address, len(b.Address))) })
}

// askAddress asks for the address that the browser ends at, until it is right or the sign-in has ended. It reports
// whether there was one to ask.
func (i *terminalInteraction) askAddress(ctx context.Context, b grant.Browser) bool {
	if b.Paste == nil {
		return false
	}
	t, err := OpenTerminal(i.env, i.flags, "")
	if err != nil {
		return false
	}
	defer t.Close()
	if t.Busy() { // a process in the background that asks is stopped, and would miss the answer of the browser
		return false
	}
	i.env.Say("if the browser runs on another machine, it ends at a page that does not open: copy the address of that " +
		"page, and paste it here")
	for {
		address, err := t.ReadLine(ctx, "Address", "")
		switch {
		case err == nil && address == "":
			continue
		case err == nil:
			if err = b.Paste(address); err == nil {
				return true
			}
		case !errors.Is(err, prompt.ErrTooLong):
			return ctx.Err() != nil
		}
		if err := t.Printf("%v\n", err); err != nil {
			return false
		}
	}
}
