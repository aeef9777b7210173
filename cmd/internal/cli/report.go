package cli

// How errors, warnings and notes reach the user. Commands return errors; this file prints them, once:
//
//   - "okauth: error: …", then "okauth: hint: …" where there is one, on standard error
//   - or one JSON object, with -o json and OKAUTH_ERRORS=json
//   - lower case, no full stop, one line, broken only at the width of a terminal; text from outside is made safe first
//   - the exit code comes from the error's type, never from its text

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"okauth/pkg/config"
	"okauth/pkg/jwt"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/prompt"
)

// ExitError gives an error an exit code and a hint of the command's own.
type ExitError struct {
	Err    error
	Code   int
	Advice string
}

func (e *ExitError) Error() string { return e.Err.Error() }
func (e *ExitError) Unwrap() error { return e.Err }

// Exit returns err as an *ExitError. advice may be "".
func Exit(code int, err error, advice string) error { return &ExitError{err, code, advice} }

// Usage returns the error of a mistake on the command line. advice may be "".
func Usage(message, advice string) error { return Exit(ExitUsage, errors.New(message), advice) }

// SilentError ends the process with a code and no message: the result is on standard output.
type SilentError struct{ Code int }

func (SilentError) Error() string { return "see the output" }

// Report prints err to standard error. After a signal it prints nothing, unless as JSON.
func Report(env *Env, err error, global *GlobalFlags, asJSON bool) {
	if Is[SilentError](err) || (Is[SignalError](err) || outputClosed(err)) && !asJSON {
		return
	}
	advice := global.Hint(env, err)
	if !asJSON {
		env.Say("error: " + err.Error())
		env.Advise(advice)
		return
	}
	message, advice := okta.Sanitize(err.Error(), maxMessage), okta.Sanitize(advice, maxMessage)
	_ = output.JSON(env.Stderr, map[string]any{"error": errorObject(err, message, advice)})
}

const maxMessage = 2000 // bytes of one message

// Print prints what a command did on standard error: a sentence, and below it rows of names and values.
func (e *Env) Print(text string, rows ...[]string) {
	width, _ := e.stderrSize()
	e.above(func() {
		fmt.Fprintln(e.Stderr, output.Wrap(okta.Sanitize(text, maxMessage), 0, 2, width))
		if len(rows) > 0 {
			_ = output.Table(e.Stderr, rows, width) // there is nowhere to report an error of standard error
		}
	})
}

// Say prints a message that may stand among those of other programs.
func (e *Env) Say(text string) { e.Print("okauth: " + text) }

// Warn prints a warning.
func (e *Env) Warn(text string) { e.Say("warning: " + text) }

// WarnBound prints a warning about a token that goes where no one makes the proofs for it.
func (e *Env) WarnBound(token output.Token) {
	if token.Prover != nil {
		e.Warn("the access token is bound to a key (DPoP), so alone it opens nothing: each request needs a proof, " +
			"which okauth proxy makes, or okauth token -o curl --url")
	}
}

// Note prints what is good to know.
func (e *Env) Note(text string) { e.Say("note: " + text) }

// Advise prints a hint, unless it is empty.
func (e *Env) Advise(text string) {
	if text != "" {
		e.Say("hint: " + text)
	}
}

// stderrSize returns the columns and rows of standard error, 0 unless it is a terminal. Standard output may be a pipe.
func (e *Env) stderrSize() (columns, rows int) {
	if f, ok := e.Stderr.(*os.File); ok && e.StderrIsTTY {
		return prompt.Size(f)
	}
	return 0, 0
}

// Hint returns what the user should do about err, or "".
func (g *GlobalFlags) Hint(env *Env, err error) string { return g.Commands(env, Hint(err)) }

// Commands makes the commands in text work here: they use the same configuration file and profile, unless they name a
// profile of their own or sign in to that of SignInProfile, and a setting that a variable overrides is set by that
// variable.
func (g *GlobalFlags) Commands(env *Env, text string) string {
	text = g.withKey(env, text)
	set := regexp.MustCompile(`okauth config set ([a-z_]+) ("[^"]*"|'[^']*'|[\w./][\w.:/-]*)`)
	text = set.ReplaceAllStringFunc(text, func(command string) string {
		words := set.FindStringSubmatch(command)
		key, err := config.FindKey(words[1])
		if err != nil {
			return command
		}
		for _, name := range key.Env {
			if env.Getenv(name) != "" {
				return "export " + name + "=" + words[2]
			}
		}
		return command
	})
	command := regexp.MustCompile(`okauth( -p \S+)? (config use|config|login)`)
	return command.ReplaceAllStringFunc(text, func(text string) string {
		flags := *g
		switch {
		case strings.Contains(text, " -p "), strings.HasSuffix(text, " use"):
			flags.Profile = ""
		case strings.HasSuffix(text, " login"):
			flags.Profile = cmp.Or(g.SignInProfile, g.Profile)
		}
		return "okauth" + flags.Again() + strings.TrimPrefix(text, "okauth")
	})
}

// errorJSON is the shape of an error for programs.
type errorJSON struct {
	Code    string     `json:"code"`
	Exit    int        `json:"exit"`
	Message string     `json:"message"`
	Hint    string     `json:"hint,omitempty"`
	Reason  jwt.Reason `json:"reason,omitempty"` // why a text is not a token
	Okta    *oktaError `json:"okta,omitempty"`
}

type oktaError struct {
	Status      int    `json:"status"`
	Error       string `json:"error"`
	Description string `json:"description"`
	RequestID   string `json:"request_id,omitempty"`
}

func errorObject(err error, message, advice string) errorJSON {
	code := ExitCode(err)
	object := errorJSON{Code: exitName(code), Exit: code, Message: message, Hint: advice}
	if e, ok := errors.AsType[*okta.Error](err); ok {
		object.Okta = &oktaError{Status: e.Status, Error: e.Code, Description: e.Description, RequestID: e.RequestID}
	}
	if e, ok := errors.AsType[*jwt.FormatError](err); ok {
		object.Reason = e.Reason
	}
	return object
}

// WriteErrorJSON writes err as one line, the answer to a line of standard input that is not a token.
func WriteErrorJSON(w io.Writer, err error) error {
	return output.JSON(w, map[string]any{"error": errorObject(err, err.Error(), Hint(err))})
}
