package cli

// The exit code and the advice of each typed error. To give an error of pkg a code or a hint, add its row.

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"okauth/pkg/grant"
	"okauth/pkg/jwt"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/prompt"
	"okauth/pkg/proxy"
	"okauth/pkg/session"
	"okauth/pkg/transport"
)

// errorRow gives the code and the advice of one type of error, and ok false for others.
type errorRow func(error) (code int, advice string, ok bool)

// on makes the row of the errors of type E. advice may be nil.
func on[E error](code int, advice func(E) string) errorRow {
	return onCode(func(E) int { return code }, advice)
}

// onCode is on for a type whose exit code depends on the error.
func onCode[E error](code func(E) int, advice func(E) string) errorRow {
	return func(err error) (int, string, bool) {
		e, ok := errors.AsType[E](err)
		if !ok {
			return 0, "", false
		}
		text := ""
		if advice != nil {
			text = advice(e)
		}
		return code(e), text, true
	}
}

// is makes the row of one error.
func is(code int, one error, advice string) errorRow {
	return func(err error) (int, string, bool) { return code, advice, errors.Is(err, one) }
}

// errorRows lists the typed errors. The first row that matches gives the exit code: an error that wraps another stands
// before it. The first advice that is not empty is the hint.
func errorRows() []errorRow {
	return []errorRow{
		onCode(func(e SignalError) int { return exitSignal + int(e.Signal) }, nil),
		onCode(func(e *ExitError) int { return e.Code }, func(e *ExitError) string { return e.Advice }),
		on[*session.SaveError](ExitStorage, nil), // whatever the reason, the caller got a token
		onCode(func(e SilentError) int { return e.Code }, nil),

		on(ExitLoginRequired, func(e *okauth.LoginRequiredError) string {
			return map[session.NoStore]string{
				session.StoreOff:         "storage is none, so no session is kept: " + orVariables + keepInFile,
				session.StoreUnavailable: "there is no keychain here, so no session is kept: " + orVariables + keepInFile,
				"":                       "sign in with: okauth login",
			}[e.NoStore]
		}),
		on(exitRefused, func(e *session.PasswordBlockedError) string {
			return "correct the " + e.What + ", or type it: okauth login"
		}),
		on(exitRefused, func(*session.OtherUserError) string {
			return "sign out of Okta in the browser and sign in again as the user of this profile, or use another profile"
		}),
		on(ExitStorage, func(*okauth.StorageOffError) string {
			return noLoginNeeded + keepInFile
		}),
		on(ExitLoginRequired, func(*grant.ExpiredError) string { return "run okauth login again" }),
		onCode(func(e *okta.Error) int {
			if e.IsRejection() {
				return exitRefused
			}
			return exitNetwork
		}, oktaAdvice),
		on(exitNetwork, func(*session.RateLimitedError) string { return "wait for the time given, then try again" }),

		on(exitNetwork, upstreamAdvice), // within it may be an error of package transport
		on[*proxy.AddressError](ExitUsage, nil),
		on(ExitFailure, addressAdvice),
		on(ExitUsage, privateKeyAdvice),
		is(ExitUsage, output.ErrNoRequest, "name it, as in: --url https://api.example.com/v1/orders --method GET"),
		is(ExitFailure, output.ErrBound, "use a token that is not bound, such as the ID token (--type id), or a client "+
			"without DPoP"),
		on(ExitUsage, configAdvice),
		on(ExitUsage, func(*okauth.ResourceServerError) string {
			return "give the issuer of a custom authorization server (Admin Console, Security › API), or use a profile of " +
				"that org"
		}),
		on(ExitUsage, keyAdvice),
		on(ExitUsage, inputAdvice),
		on(ExitUsage, pemFileAdvice),
		on(ExitUsage, proxySettingAdvice),
		on[*jwt.ConfigError](ExitUsage, nil),

		on(exitNetwork, func(e *okta.NetworkError) string { return explain(e, e.RequestInfo) }),
		on(exitNetwork, func(e *transport.ProxyError) string { return explain(e, okta.RequestInfo{}) }),
		on(exitNetwork, func(e *okta.ResponseError) string { return explain(e, e.RequestInfo) }),
		on(exitNetwork, issuerAdvice),
		on(exitNetwork, func(*jwt.KeySetError) string {
			return `the issuer's jwks_uri must answer with a JSON object that has the member "keys"`
		}),

		on(exitNetwork, idTokenAdvice), // within it is an error of package jwt

		on(ExitLoginRequired, missingTokenAdvice),
		on(ExitLoginRequired, interactionAdvice),
		on(ExitLoginRequired, noAnswerAdvice),
		on(ExitFailure, listenAdvice),
		is(ExitLoginRequired, prompt.ErrNoTerminal, ""),
		on(ExitStorage, storeAdvice),
		onCode(fileCode, fileAdvice),
		on(ExitInvalidToken, formatAdvice),
		on(ExitFailure, claimAdvice),
	}
}

// ExitCode returns the process's exit code for err.
func ExitCode(err error) int {
	switch {
	case err == nil:
		return ExitOK
	case outputClosed(err) && !Is[*session.SaveError](err):
		return exitSignal + int(syscall.SIGPIPE) // as if the signal had ended the process
	}
	for _, row := range errorRows() {
		if code, _, ok := row(err); ok {
			return code
		}
	}
	return ExitFailure
}

// outputClosed reports whether err says that no one reads the program's own output any more. A keychain's or a server's
// socket may break too, and that is an error like any other.
func outputClosed(err error) bool {
	e, ok := errors.AsType[*fs.PathError](err)
	return ok && isErrno(e, syscall.EPIPE) && (e.Path == os.Stdout.Name() || e.Path == os.Stderr.Name())
}

// Hint returns what the user should do about err, or "".
func Hint(err error) string {
	if advice := ownerAdvice(err); advice != "" {
		return advice
	}
	for _, row := range errorRows() {
		if _, advice, ok := row(err); ok && advice != "" {
			return advice
		}
	}
	return ""
}

// Is reports whether err is or wraps an E.
func Is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
