package output_test

import (
	"errors"
	"strings"
	"testing"

	"okauth/pkg/jwt"
	"okauth/pkg/output"
)

const pathClaims = `{"sub":"jane@example.com","exp":9007199254740993,"n":1.0e2,"ok":true,"none":null,"empty":"","groups":["dev","a \"b\" <c>"],` +
	`"address":{"country":"NZ", "lines":["one",{"two":2}]},"https://example.com/role":"admin","a.b":"dotted","a":{"b":"deep","c":"beside"},` +
	`"a.b.c":{"d":"long"},"spaces":"Jane  Doe ","accent":"é\u00a0漢😀","list.0":"name","":"nameless"}`

func TestWriteClaim(t *testing.T) {
	t.Parallel()
	u := parse(t, `{"alg":"RS256","kid":"k.1"}`, pathClaims)
	for path, want := range map[string]string{
		"sub": "jane@example.com", "exp": "9007199254740993", "n": "1.0e2", "ok": "true", "none": "null", "empty": "",
		"groups": `["dev","a \"b\" <c>"]`, "groups.0": "dev", "groups.1": `a "b" <c>`, "address": `{"country":"NZ","lines":["one",{"two":2}]}`,
		"address.country": "NZ", "address.lines.0": "one", "address.lines.1.two": "2", "https://example.com/role": "admin",
		"a.b": "dotted", "a.c": "beside", "a.b.c": `{"d":"long"}`, "a.b.c.d": "long", "spaces": "Jane  Doe ", "accent": "é\u00a0漢😀",
		"list.0": "name", "": "nameless", "header": `{"alg":"RS256","kid":"k.1"}`, "header.kid": "k.1",
	} {
		var w oneWrite
		if err := output.WriteClaim(&w, u, path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if w.String() != want+"\n" || w.calls > 1 {
			t.Errorf("%s: %d writes, got %q, want %q", path, w.calls, w.String(), want)
		}
	}
}

// A shorter name counts where the way down from a longer one leads nowhere, and a claim called header hides the header.
func TestWriteClaim_Precedence(t *testing.T) {
	t.Parallel()
	u := parse(t, `{"alg":"RS256"}`, `{"a.b":1,"a":{"b":{"c":"found"}},"header":{"x":"y"}}`)
	for path, want := range map[string]string{"a.b.c": "found\n", "a.b": "1\n", "header.x": "y\n", "header.alg": ""} {
		var w oneWrite
		err := output.WriteClaim(&w, u, path)
		if w.String() != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q and %v, want %q", path, w.String(), err, want)
		}
	}
}

func TestWriteClaim_Missing(t *testing.T) {
	t.Parallel()
	u := parse(t, `{"alg":"RS256"}`, `{"sub":"canary-jane","groups":["canary"],"address":{"country":"NZ"},"n":1,"\u001b[2J":0,"o":{},"l":[]}`)
	const whole = ""
	const known = "sub, groups, address, n, \x1b[2J, o, l"
	for path, want := range map[string][2]string{
		"exp":              {`claim "exp": there is none`, known},
		"x":                {`claim "x": there is none`, known},
		".":                {`claim ".": there is none`, known},
		"o.x":              {`claim "o.x": there is none`, whole},
		"sub.x":            {`claim "sub.x": there is nothing below a string`, whole},
		"n.x":              {`claim "n.x": there is nothing below a number`, whole},
		"groups.1":         {`claim "groups.1": expected the number of an element, 0 to 0`, whole},
		"groups.-1":        {`claim "groups.-1": expected the number of an element, 0 to 0`, whole},
		"groups.x":         {`claim "groups.x": expected the number of an element, 0 to 0`, whole},
		"groups.0.x":       {`claim "groups.0.x": there is nothing below a string`, whole},
		"groups.99999999":  {`claim "groups.99999999": expected the number of an element, 0 to 0`, whole},
		"l.0":              {`claim "l.0": the list is empty`, whole},
		"Sub":              {`claim "Sub": there is none`, `sub? ` + known},
		"suv":              {`claim "suv": there is none`, `sub? ` + known},
		"su":               {`claim "su": there is none`, `sub? ` + known},
		"usb":              {`claim "usb": there is none`, `sub? ` + known},
		"subject":          {`claim "subject": there is none`, `sub? ` + known},
		"grous":            {`claim "grous": there is none`, `groups? ` + known},
		"addr":             {`claim "addr": there is none`, `address? ` + known},
		"address.contry":   {`claim "address.contry": there is none`, `address.country? country`},
		"adress.country":   {`claim "adress.country": there is none`, `address.country? ` + known},
		"headers.alg":      {`claim "headers.alg": there is none`, `header.alg? ` + known},
		"header.algorithm": {`claim "header.algorithm": there is none`, `header.alg? alg`},
		"\x1b[2J\n":        {"claim \"\ufffd[2J\": there is none", "\x1b[2J? " + known},
	} {
		var w oneWrite
		err := output.WriteClaim(&w, u, path)
		claim, ok := errors.AsType[*output.ClaimError](err)
		if !ok || w.calls > 0 {
			t.Errorf("%s: got %v and %q, want a *ClaimError", path, err, w.String())
			continue
		}
		got := strings.Join(claim.Names, ", ")
		if claim.Suggestion != "" {
			got = claim.Suggestion + "? " + got
		}
		if claim.Path != path || claim.Error() != want[0] || got != want[1] {
			t.Errorf("%s: got %q, %q, want %q", path, claim, got, want)
		}
		wantPrintable(t, claim.Error())
	}
}

// TestWriteClaim_Near names what was probably meant, and nothing where that is anybody's guess.
func TestWriteClaim_Near(t *testing.T) {
	t.Parallel()
	u := parse(t, `{}`, `{"email_verified":true,"email":"e","cid":"c","scp":[],"preferred_username":"p","exp":1,"a.b":{"country":"NZ"},"":0,"é":0,"né":1}`)
	for path, want := range map[string]string{
		"emai": "email", "emial": "email", "EMAIL": "email", "xemail": "email", "e-mail": "email", "emakl": "email", "email_": "email",
		"emiall": "", "emeel": "", "email_v": "email_verified", "expires": "exp", "client": "cid", "scopes": "scp", "login": "preferred_username",
		"ex": "exp", "e": "", "x": "", "c": "", "É": "é", "a.b.contry": "a.b.country", "a.c": "a.b", "a.x.country": "", "cdi.x": "cid.x",
	} {
		err := output.WriteClaim(new(oneWrite), u, path)
		if claim, ok := errors.AsType[*output.ClaimError](err); !ok || claim.Suggestion != want {
			t.Errorf("%s: got %+v, want %q", path, err, want)
		}
	}
}

// TestAT52_WriteClaim prints nothing raw that a terminal acts on or that a script could take for two lines.
func TestAT52_WriteClaim(t *testing.T) {
	t.Parallel()
	for _, text := range []string{hostile, `a\nb`, `\u001b[2J`, "\u009b31m", "\u202e", `\u2028`, `\u2029`, `\u0000`, `a\tb`, `\r`, "\u200f", "\U000e0041"} {
		var w oneWrite
		err := output.WriteClaim(&w, parse(t, `{}`, `{"canary":"canary-`+text+`","list":["canary-`+text+`"]}`), "canary")
		if _, ok := errors.AsType[*output.ClaimError](err); !ok || w.calls > 0 || strings.Contains(err.Error(), "canary-") {
			t.Errorf("%q: got %v and %q, want a *ClaimError", text, err, w.String())
		}
		if err := output.WriteClaim(&w, parse(t, `{}`, `{"list":["canary-`+text+`"]}`), "list"); err != nil {
			t.Error(err)
		}
		wantPrintable(t, strings.TrimSuffix(w.String(), "\n"))
	}
}

// FuzzWriteClaim holds for every path: one line that nothing acts on, or an error and no output.
func FuzzWriteClaim(f *testing.F) {
	f.Add(pathClaims, "address.lines.1.two")
	f.Add(`{"a":[[["x"]]]}`, "a.0.0.0")
	f.Add(`{"":{"":{"":1}}}`, "..")
	f.Add(`{"a":"\u202e"}`, "a")
	f.Fuzz(func(t *testing.T, claims, path string) {
		if len(claims) > 10_000 || len(path) > 1_000 {
			return
		}
		u, err := jwt.Parse(compact(`{}`, claims))
		if err != nil {
			return
		}
		var w oneWrite
		err = output.WriteClaim(&w, u, path)
		if (err == nil) != (w.calls == 1) {
			t.Fatalf("error %v and output %q", err, w.String())
		}
		if err != nil {
			wantPrintable(t, err.Error())
			return
		}
		if line, found := strings.CutSuffix(w.String(), "\n"); !found || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x9b || r == 0x202e }) {
			t.Errorf("got %q", w.String())
		}
	})
}
