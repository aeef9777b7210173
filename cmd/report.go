package cmd

// How errors reach the user. Commands return them; this file prints them, once:
//
//   - "okauth: error: …", then "okauth: hint: …" where there is one, on standard error
//   - or one JSON object, with -o json and OKAUTH_ERRORS=json
//   - lower case, no full stop, one line but for the width of a terminal; foreign text
//     is made harmless first
//   - the exit code comes from the error's type, never from its text

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"unicode/utf8"

	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/jwt"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/prompt"
	"okauth/pkg/session"
	"okauth/pkg/store"
	"okauth/pkg/transport"
)

// usageError is a mistake on the command line.
type usageError struct{ message, hint string }

func (e *usageError) Error() string { return e.message }

// Hint tells what to type instead.
func (e *usageError) Hint() string { return e.hint }

// codedError gives an error an exit code and a hint of the command's own.
type codedError struct {
	err  error
	code int
	hint string
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }
func (e *codedError) Hint() string  { return e.hint }

// exitCode maps an error to the process's exit code.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if s, ok := errors.AsType[SignalError](err); ok {
		return exitSignal + int(s.Signal)
	}
	if c, ok := errors.AsType[*codedError](err); ok {
		return c.code
	}
	if is[*session.SaveError](err) { // whatever the reason: a token has been handed out
		return exitStorage
	}
	if s, ok := errors.AsType[silentError](err); ok {
		return s.code
	}
	if errors.Is(err, syscall.EPIPE) {
		return exitSignal + int(syscall.SIGPIPE) // as if it had ended us
	}
	if is[*session.LoginRequiredError](err) { // it may tell of Okta's refusal
		return exitLoginRequired
	}
	if e, ok := errors.AsType[*okta.Error](err); ok {
		if e.IsRejection() {
			return exitRefused
		}
		return exitNetwork
	}
	switch {
	case is[*usageError](err), is[*config.Error](err), is[*store.KeyError](err), is[*grant.InputError](err), is[*transport.CAFileError](err),
		is[*transport.ClientCertError](err), is[*transport.ProxySettingError](err), is[*jwt.ConfigError](err):
		return exitUsage
	case is[*okta.NetworkError](err), is[*okta.ResponseError](err), is[*okta.IssuerError](err), is[*jwt.KeySetError](err):
		return exitNetwork
	case is[*session.MissingTokenError](err), errors.Is(err, prompt.ErrNoTerminal):
		return exitLoginRequired
	case is[*store.Error](err):
		return exitStorage
	case is[*jwt.FormatError](err):
		return exitInvalidToken
	}
	return exitFailure
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// hint returns what the outermost error that has one says should be done.
func hint(err error) string {
	for h, ok := errors.AsType[hinter](err); ok; h, ok = errors.AsType[hinter](errors.Unwrap(h)) {
		if advice := h.Hint(); advice != "" {
			return advice
		}
	}
	return ""
}

type hinter interface {
	error
	Hint() string
}

// report prints err to standard error. A broken context is reported as the
// signal that broke it, quietly: who presses Ctrl-C knows.
func report(env *Env, err error, global *globalFlags, asJSON bool) {
	if is[silentError](err) || (is[SignalError](err) || errors.Is(err, syscall.EPIPE)) && !asJSON {
		return
	}
	w := env.Stderr
	message, advice := okta.Sanitize(err.Error(), 2000), okta.Sanitize(hint(err), 2000)
	if strings.Contains(advice, " config use ") { // the profile that this was about is the mistake
		elsewhere := *global
		elsewhere.profile = ""
		global = &elsewhere
	}
	if flags := global.again(); flags != "" {
		// A command to type must be about the profile that this one was about.
		for _, command := range []string{" config ", " login"} {
			advice = strings.ReplaceAll(advice, "okauth"+command, "okauth"+flags+command)
		}
	}
	if !asJSON {
		width := 0
		if env.StderrIsTTY {
			width = env.Width
		}
		fmt.Fprintln(w, wrap("okauth: error: "+message, width))
		if advice != "" {
			fmt.Fprintln(w, wrap("okauth: hint: "+advice, width))
		}
		return
	}
	// Standard error has nobody to report its own errors to.
	_ = output.JSON(w, map[string]any{"error": errorObject(err, message, advice)})
}

// wrap breaks text between words, so that no line is wider than width columns
// where that can be; a width of 0 leaves it alone.
func wrap(text string, width int) string {
	if width == 0 {
		return text
	}
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		length := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+length > width:
			b.WriteString("\n  ")
			column = 2
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += length
	}
	return b.String()
}

// errorJSON is the shape of an error for programs.
type errorJSON struct {
	Code    string     `json:"code"`
	Exit    int        `json:"exit"`
	Message string     `json:"message"`
	Hint    string     `json:"hint,omitempty"`
	Okta    *oktaError `json:"okta,omitempty"`
}

type oktaError struct {
	Status      int    `json:"status"`
	Error       string `json:"error"`
	Description string `json:"description"`
	RequestID   string `json:"request_id,omitempty"`
}

func errorObject(err error, message, advice string) errorJSON {
	code := exitCode(err)
	object := errorJSON{Code: exitName(code), Exit: code, Message: message, Hint: advice}
	if e, ok := errors.AsType[*okta.Error](err); ok {
		object.Okta = &oktaError{Status: e.Status, Error: e.Code, Description: e.Description, RequestID: e.RequestID}
	}
	return object
}
