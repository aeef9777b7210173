package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"time"

	"okauth/cmd/internal/cli"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/session"
)

const (
	// A timer stands still while the machine sleeps, and knows nothing of a clock that is set: so the watch looks at the
	// clock, and at the file, once in this time.
	lookEvery    = time.Minute
	longestPause = time.Minute // between attempts after failures
	clockSlack   = time.Minute // how far a clock may be set back without consequence
)

// watch keeps the file of "token --file" fresh.
type watch struct {
	o     *tokenOptions
	sleep func(context.Context, time.Duration) error
	// next returns the token that comes after last.
	next func(ctx context.Context, last okta.Secret) (output.Token, error)

	last           okta.Secret   // token; zero: there is none yet
	text           []byte        // of the file, with the last token
	unwritten      bool          // the file does not have it
	got, due, ends time.Time     // of the last token; due is when it is renewed
	pause          time.Duration // before the next attempt; 0 after a success
	said           string        // the last warning
}

// keepFresh writes the file, and again before its token ends, until a signal. It asks a person for the first token
// only.
func (o *tokenOptions) keepFresh(ctx context.Context) error {
	o.session.Serves = true
	client, err := o.session.Open(o.env)
	if err != nil {
		return err
	}
	if client.Settings().DPoP() && o.headers() {
		return errProofInFile()
	}
	w := &watch{o: o, sleep: okta.Sleep, next: func(ctx context.Context, last okta.Secret) (output.Token, error) {
		return o.next(ctx, client, last)
	}}
	err = cli.UntilStopped(ctx, o.env, func(ctx context.Context) error { return w.run(ctx, client.Settings().MinTTL()) })
	if !w.last.IsZero() && cli.Is[cli.SignalError](err) {
		return nil // a service that was stopped has not failed
	}
	return err
}

// next gets the token that comes after last, or the first one if last is zero.
func (o *tokenOptions) next(ctx context.Context, client *okauth.Client, last okta.Secret) (output.Token, error) {
	token, err := cli.Uninterrupted(ctx, o.env, func(ctx context.Context) (session.CachedToken, error) {
		switch {
		case !last.IsZero():
			return client.Next(ctx, o.kind, last)
		case o.refresh:
			return client.Renew(ctx, o.kind, true)
		}
		return client.Get(ctx, o.kind)
	})
	return o.session.Result(o.env, client, token, err)
}

// run returns the error of the first token, or of the last attempt to renew one that has ended, or the cause of ctx's
// end. minTTL is how long before its end a token is renewed at the latest.
func (w *watch) run(ctx context.Context, minTTL time.Duration) error {
	if err := w.renew(ctx, minTTL); err != nil {
		return err
	}
	defer w.end()
	w.o.session.NoInput = true // from now on
	if w.o.env.StderrIsTTY {
		w.o.env.Say(fmt.Sprintf("keeping %q fresh until Ctrl-C", w.o.path))
	}
	for wait := w.due.Sub(w.now()); ; {
		if w.sleep(ctx, min(wait, lookEvery)) != nil {
			return context.Cause(ctx)
		}
		err := w.restore()
		if now := w.now(); err == nil && (!now.Before(w.due) || now.Before(w.got.Add(-clockSlack))) {
			err = w.renew(ctx, minTTL)
		}
		switch {
		case err == nil:
			wait = w.succeeded()
		case ctx.Err() != nil:
			return context.Cause(ctx)
		default:
			if wait, err = w.failed(err); err != nil {
				return err
			}
		}
	}
}

// end is the end of the watch, by a signal or after an error. The token may be good for an hour, and no one needs it.
func (w *watch) end() {
	notify(w.o.env, "STOPPING=1")
	if w.o.keep {
		return
	}
	if err := output.RemoveFile(w.o.path); err != nil {
		w.o.env.Warn(err.Error())
	}
}

// now returns the time by the wall clock, which goes on while the machine sleeps.
func (w *watch) now() time.Time { return w.o.env.Now().Round(0) }

// restore writes what could not be written, and a file that is gone while its token is good.
func (w *watch) restore() error {
	_, err := os.Lstat(w.o.path)
	if w.unwritten || errors.Is(err, fs.ErrNotExist) && w.now().Before(w.ends) {
		return w.write()
	}
	return nil
}

// renew gets the next token and writes it to the file.
func (w *watch) renew(ctx context.Context, minTTL time.Duration) error {
	token, err := w.next(ctx, w.last)
	if cli.Is[*session.SaveError](err) { // the token is good
		w.o.env.Warn(err.Error())
		err = nil
	}
	if err != nil {
		return err
	}
	if w.last.IsZero() {
		w.o.env.WarnBound(token)
	}
	text, err := w.o.render(token)
	if err != nil {
		return err
	}
	w.last, w.text, w.got, w.ends = token.Value, text, w.now(), token.ExpiresAt
	w.due = w.got.Add(untilRenewal(w.ends.Sub(w.got), minTTL))
	return w.write()
}

// write writes the token to the file.
func (w *watch) write() error {
	err := output.WriteFile(w.o.path, w.text)
	if w.unwritten = err != nil; err == nil {
		notify(w.o.env, "READY=1\nSTATUS=the token is valid until "+w.ends.Local().Format(time.DateTime))
	}
	return err
}

// untilRenewal returns when to renew a token that is valid for left: after half of that, or minTTL before its end if
// that is earlier. Tokens that never live much longer than minTTL are not renewed without a pause.
func untilRenewal(left, minTTL time.Duration) time.Duration {
	return jitter(max(min(left/2, max(left-minTTL, 10*time.Second)), time.Second), 10)
}

// jitter makes d shorter by up to a part of it, so that many watches do not act at once.
func jitter(d time.Duration, part time.Duration) time.Duration { return d - rand.N(d/part+1) }

// succeeded returns how long to wait after a success.
func (w *watch) succeeded() time.Duration {
	if w.pause > 0 {
		w.o.env.Note(fmt.Sprintf("%q is fresh again", w.o.path))
	}
	w.pause, w.said = 0, ""
	return w.due.Sub(w.now())
}

// failed returns how long to wait after an attempt that ended with err, or err if another one is of no use: the last
// token has ended, and only a person can help or the pauses have grown to the longest. It says once that a person
// is needed: okauth login elsewhere is enough.
func (w *watch) failed(err error) (time.Duration, error) {
	left := w.ends.Sub(w.now())
	person := cli.ExitCode(err) == cli.ExitLoginRequired
	if left <= 0 && (person || w.pause == longestPause) {
		return 0, err
	}
	w.pause = min(max(2*w.pause, time.Second), longestPause)
	wait, state := jitter(w.pause, 2), "the last token has ended"
	if left > 0 {
		wait, state = min(wait, left), "the last token is valid for "+output.FormatDuration(left.Round(time.Second))
	}
	text := err.Error()
	if advice := w.o.session.Hint(w.o.env, err); advice != "" {
		text += "; " + advice
	}
	if !person || text != w.said {
		w.o.env.Warn(text + "; " + state + ", next attempt in " +
			output.FormatDuration(max(wait.Round(time.Second), time.Second)))
	}
	w.said = text
	notify(w.o.env, "STATUS="+okta.Sanitize(text, maxStatus))
	return wait, nil
}

const maxStatus = 300 // bytes
