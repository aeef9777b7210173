package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/valkey-io/valkey-go"

	"okauth/pkg/internal/safetext"
	"okauth/pkg/store"
)

// ServerError is an error that the server answered with.
type ServerError struct {
	Code string // its first word, such as "NOPERM"
	text string
}

func (e *ServerError) Error() string { return "the server answered: " + safetext.Sanitize(e.text, 300) }

// fatalError is an error of the settings, with which no call can succeed.
type fatalError struct{ error }

func (e *fatalError) Unwrap() error { return e.error }

// isCode reports whether err is an answer of the server that begins with one of the codes.
func isCode(err error, codes ...string) bool {
	answer, ok := valkey.IsValkeyErr(err)
	return ok && slices.Contains(codes, code(answer.Error()))
}

// inScript finds the code of an error that a script of Redis 6 passes on: "Error running script (…): @user_script:1:
// -READONLY You can't write…". Later servers begin with it.
var inScript = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:ERR )?Error running script.*user_script: ?\d+: -?([A-Z]+) `)
})

// code returns the code of an error, which the library has without "ERR".
func code(text string) string {
	if inner := inScript().FindStringSubmatch(text); inner != nil {
		return inner[1]
	}
	if strings.Contains(text, "user executing the script can't run this command") { // Redis 7.0
		return "NOPERM"
	}
	first, _, _ := strings.Cut(text, " ")
	return first
}

// errShape says that the server, or something before it, does not answer as Redis does.
var errShape = errors.New("the server's answer has another form than expected")

// mayPass reports whether the same call may succeed on another connection: this one failed, or the server starts, or is
// no longer the master, or does not have the key, or its cluster changes.
func mayPass(err error) bool {
	answer, answered := valkey.IsValkeyErr(err)
	dns, isDNS := errors.AsType[*net.DNSError](err)
	switch {
	case err == nil, valkey.IsValkeyNil(err), errors.Is(err, context.Canceled):
		return false
	case answered:
		return strings.Contains(answer.Error(), "max number of clients") || isCode(err, "READONLY", "LOADING",
			"MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK", "NOREPLICAS", "BUSY", "UNBLOCKED")
	case isDNS && dns.IsNotFound, is[*tls.CertificateVerificationError](err), is[tls.RecordHeaderError](err):
		return false
	}
	return !is[*fatalError](err)
}

// awayError returns the error of a call whose time is over; last is that of its last attempt, nil if none has ended.
func awayError(ended, last error) error {
	slow, isNet := errors.AsType[net.Error](last)
	switch {
	case errors.Is(ended, context.Canceled):
		return ended
	case last == nil, isNet && slow.Timeout():
		return store.NewError(store.Unreachable, "", fmt.Errorf("the server does not answer: %w", ended))
	}
	return store.NewError(store.Unreachable, "", &repeatedError{plain(last), ended})
}

// repeatedError is the error of the last attempt, at the end of the time for more.
type repeatedError struct{ last, ended error }

func (e *repeatedError) Error() string {
	return e.last.Error() + ", again and again until the time limit"
}
func (e *repeatedError) Unwrap() []error { return []error{e.last, e.ended} }

// plain returns err without the library's types.
func plain(err error) error {
	if answer, ok := valkey.IsValkeyErr(err); ok {
		return &ServerError{code(answer.Error()), answer.Error()}
	}
	return err
}

// addOp makes the error of a method a *store.Error that says what failed. account is "" where it is about none.
func (c *Client) addOp(err *error, op, account string) {
	if *err == nil || is[*store.PausedError](*err) {
		return
	}
	kind := store.Failed
	switch {
	case isCode(*err, "NOAUTH", "WRONGPASS", "NOPERM"):
		kind = store.Denied
	case is[*net.DNSError](*err), is[*tls.CertificateVerificationError](*err), is[tls.RecordHeaderError](*err):
		kind = store.Unreachable
	}
	if !is[*store.Error](*err) && !errors.Is(*err, store.ErrNotFound) {
		*err = store.NewError(kind, "", plain(*err))
	}
	if account != "" {
		op += " " + strconv.Quote(account) + " at"
	}
	*err = store.WithOp(op+" "+c.Location(), *err)
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
