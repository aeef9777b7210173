package cli

// The second factor, as a person meets it.

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/prompt"
)

// factorAdvice says how to give one of factors where no one can be asked.
func factorAdvice(factors ...grant.Factor) string {
	advice := "sign in on a terminal with: okauth login"
	if slices.Contains(factors, grant.FactorPush) {
		advice += "; or approve on your phone: okauth login --factor push"
	}
	if slices.Contains(factors, grant.FactorOTP) {
		advice += "; or " + giveCode
	}
	return advice
}

const giveCode = "give a one-time code by OKAUTH_OTP or otp_command"

// ChooseFactor shows a menu.
func (i *terminalInteraction) ChooseFactor(
	ctx context.Context, factors []grant.Factor, last grant.Factor, problem string,
) (grant.Factor, error) {
	t, err := i.openFor(problem, factorAdvice(factors...))
	if err != nil {
		return "", err
	}
	defer t.Close()
	n, err := t.Choose(ctx, "Second factor:", FactorMenu(factors), max(slices.Index(factors, last), 0))
	if err != nil {
		return "", err
	}
	return factors[n], nil
}

// FactorMenu returns what a menu calls factors.
func FactorMenu(factors []grant.Factor) (names []string) {
	for _, f := range factors {
		names = append(names, cmp.Or(map[grant.Factor]string{
			grant.FactorPush:  "Okta Verify push: approve on your phone",
			grant.FactorOTP:   "One-time code from an app or a key",
			grant.FactorSMS:   "Code in a text message",
			grant.FactorVoice: "Code in a phone call",
		}[f], string(f)))
	}
	return names
}

// AskCode asks for a one-time code, with echo: it works once, and soon not at all.
func (i *terminalInteraction) AskCode(ctx context.Context, f grant.Factor, problem string) (okta.Secret, error) {
	t, err := i.openFor(problem, factorAdvice(f))
	if err != nil {
		return okta.Secret{}, err
	}
	defer t.Close()
	labels := map[grant.Factor]string{
		grant.FactorSMS:   "Code from the text message",
		grant.FactorVoice: "Code from the phone call",
	}
	for {
		code, err := t.ReadLine(ctx, cmp.Or(labels[f], "One-time code"), "")
		if err != nil {
			return okta.Secret{}, err
		}
		if code = strings.ReplaceAll(code, " ", ""); code != "" { // apps show 123 456
			return okta.NewSecret(code), nil
		}
	}
}

// openFor opens the terminal to ask about the second factor, and says what was wrong with the answer before.
func (i *terminalInteraction) openFor(problem, advice string) (*prompt.Terminal, error) {
	t, err := OpenTerminal(i.env, i.flags, advice)
	if err != nil {
		return nil, fmt.Errorf("a factor is missing, such as a one-time code: %w", err)
	}
	if problem == "" {
		return t, nil
	}
	columns, _ := i.env.stderrSize()
	if err := t.Printf("%s\n", output.Wrap(problem, 0, 0, columns)); err != nil {
		_ = t.Close()
		return nil, err
	}
	return t, nil
}

// ShowPush says what to do on the phone.
func (i *terminalInteraction) ShowPush(_ context.Context, p grant.Push) (func(), error) {
	text := "approve the sign-in in Okta Verify on your phone"
	if p.Number != "" {
		text += ", and choose this number there"
	}
	i.env.Say(text + i.env.leftWithoutCountdown(p.Expires))
	i.env.large(p.Number)
	return i.env.Countdown("waiting for the phone", p.Expires), nil
}

// large prints text for a person to read from afar and type elsewhere, unless it is empty.
func (e *Env) large(text string) {
	if text == "" {
		return
	}
	bold, plain := "", ""
	if e.draws() {
		bold, plain = "\x1b[1m", "\x1b[0m"
	}
	e.above(func() { fmt.Fprintf(e.Stderr, "\n    %s%s%s\n\n", bold, okta.Sanitize(text, 100), plain) })
}

// leftWithoutCountdown says how long something is still waited for, where no countdown does.
func (e *Env) leftWithoutCountdown(until time.Time) string {
	if e.draws() {
		return ""
	}
	return left(until)
}

func left(until time.Time) string {
	return " (" + output.FormatDuration(max(time.Until(until), 0).Round(time.Second)) + " left)"
}
