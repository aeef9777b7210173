package jwt

import "strings"

// State is the result of one check. Its zero value is Failed.
type State uint8

// The states of a [Check].
const (
	Failed  State = iota // the token is not valid
	Passed               // nothing is wrong with this part of the token
	Skipped              // could not be checked because another check failed, or there is nothing to check
)

// String returns "failed", "passed" or "skipped".
func (s State) String() string { return [...]string{"failed", "passed", "skipped"}[s] }

// Check is one thing that a verifier checks.
type Check struct {
	// Name is one of these words, which are stable and come in this order: format, type, org_server (only where it
	// applies), alg, crit, kid, key, signature, iss, aud, cid, sub, exp, nbf, iat, at_hash.
	Name  string
	State State
	// Expected is short and printable; "" where there is nothing to expect.
	Expected string
	// Got is what the token has, printable and cut to 200 runes: text that anyone could have written. A string is without
	// quotes where a string is expected; anything else is JSON. "" where the token has nothing.
	Got string
	// Why is a sentence without full stop for people: why the check did not pass, or a note.
	Why string
}

// Report is the result of [Verifier.Check]: every check, not only the first that failed.
type Report struct {
	Kind   TokenKind    // the kind of token that was asked for
	Checks []Check      // in the order that Check.Name gives; all of them, whatever the token is
	Token  Unverified   // what was checked; zero when it could not be decoded
	Format *FormatError // why it could not be decoded; nil when it could
}

// Valid reports whether the token is valid: its signature is good and no check failed.
func (r Report) Valid() bool {
	signed := false
	for i := range r.Checks {
		switch c := &r.Checks[i]; {
		case c.State == Failed:
			return false
		case c.Name == "signature":
			signed = c.State == Passed
		}
	}
	return signed
}

// Reason returns the name of the first check that failed. It is "" when none did.
func (r Report) Reason() string {
	for i := range r.Checks {
		if r.Checks[i].State == Failed {
			return r.Checks[i].Name
		}
	}
	return ""
}

// InvalidError is the error of [Verifier.Verify] for a token that is not valid. Its text names every check that failed,
// with the reason, and shows no claim.
type InvalidError struct {
	Report Report
}

// Error returns one printable line.
func (e *InvalidError) Error() string {
	var reasons []string
	for _, c := range e.Report.Checks {
		if c.State == Failed {
			reasons = append(reasons, c.Name+": "+c.Why)
		}
	}
	return "token is not valid: " + strings.Join(reasons, "; ")
}
