package output

import (
	"fmt"
	"io"

	"okauth/pkg/okta"
)

// WriteGitHubOutput makes t the output called name of a step of GitHub Actions. log is the step's standard output, unbuffered; file is
// what GITHUB_OUTPUT names, opened to append.
//
// The mask goes first: "Masking a value prevents a string or variable from being printed in the log", but only from then on. Where log
// does not take it, nothing is written to file. A name must be made of ASCII letters, digits, "_" and "-" and begin with a letter or
// "_", and a value must be a b64token; otherwise nothing is written at all. Neither a mask nor a line of the file needs an escape then,
// for the characters that would (%, CR, LF) are in no token. The error of a write is wrapped.
//
// GitHub does not hand a masked value on from one job to another: the token is for the steps that follow in this job.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#masking-a-value-in-a-log
func WriteGitHubOutput(log, file io.Writer, name string, t Token) error {
	if err := CheckGitHubOutput(name); err != nil {
		return err
	}
	if err := checkValue(t); err != nil {
		return err
	}
	if err := write(log, []byte("::add-mask::"+t.Value.Reveal()+"\n")); err != nil {
		return fmt.Errorf("mask the token in the log: %w", err)
	}
	// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-output-parameter
	if err := write(file, []byte(name+"="+t.Value.Reveal()+"\n")); err != nil {
		return fmt.Errorf("set the output %q: %w", name, err)
	}
	return nil
}

// CheckGitHubOutput returns why a step of GitHub Actions can have no output of that name, or nil.
func CheckGitHubOutput(name string) error {
	if !isName(name, "-") {
		return fmt.Errorf(`output name %q, expected letters, digits, "_" and "-", and a letter or "_" in front`, okta.Sanitize(name, 40))
	}
	return nil
}
