package jwt

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// tokensOf returns what a stream takes for the tokens of a text.
func tokensOf(t testing.TB, in io.Reader) (tokens []string) {
	t.Helper()
	s := newStream(in, io.Discard, func(_ context.Context, dst []byte, _ int, text string) ([]byte, error, error) {
		tokens = append(tokens, text)
		return append(dst, '\n'), nil, nil
	})
	s.Workers = 1
	if _, err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return tokens
}

// wrap breaks a text into lines of so many columns.
func wrap(text string, columns int) string {
	var b strings.Builder
	for len(text) > columns {
		b.WriteString(text[:columns] + "\n")
		text = text[columns:]
	}
	return b.String() + text + "\n"
}

func longToken(header, claims string, signature int) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return part(header) + "." + part(claims) + "." + part(strings.Repeat("\xa5\x5c\xf0", signature/3+1)[:signature])
}

// wrappedTokens are what people wrap: Okta's, one whose claims are full of objects, which begin as a header does, one
// without a signature, an encrypted one.
func wrappedTokens() map[string]string {
	header := `{"kid":"U5R8cHbGw445Qbq8zVO1PcCpXL8yG6IcovVa3laCoxM","alg":"RS256"}`
	claims := `{"ver":1,"iss":"https://dev-1.okta.com/oauth2/default","aud":"api://default","scp":["openid","profile"],` +
		`"sub":"alice@example.com","groups":["` + strings.Repeat(`team","`, 40) + `x"]}`
	return map[string]string{
		"Okta":      longToken(header, claims, 256),
		"small":     longToken(`{"alg":"ES256","kid":"k"}`, `{"sub":"a"}`, 64),
		"objects":   longToken(header, `{"a":[`+strings.Repeat(`{"b":1},{"cc":2},{"ddd":3},`, 20)+`{}]}`, 256),
		"unsecured": longToken(header, claims, 0),
		"encrypted": longToken(`{"alg":"RSA-OAEP-256","enc":"A256GCM"}`, "\xf0"+claims, 12) + longToken("", "\xf0"+claims, 16),
	}
}

// A token that was wrapped at any column is one token, alone and between others.
func TestWrappedTokens(t *testing.T) {
	t.Parallel()
	line := longToken(`{"alg":"RS256"}`, `{"sub":"bob"}`, 256)
	for name, token := range wrappedTokens() {
		// A first line passes for a token where it has two dots and nothing behind them, or enough for a signature.
		passes := func(start string) bool {
			third := len(start) - 1 - strings.LastIndexByte(start, '.')
			dots := strings.Count(start, ".")
			return dots > 2 || dots == 2 && (third == 0 || third >= 43)
		}
		for columns := 61; columns < len(token); columns++ {
			if passes(token[:columns]) || passes(token[:columns-1]) { // the latter where it is quoted
				continue
			}
			text := wrap(token, columns)
			if got := tokensOf(t, strings.NewReader(text)); !slices.Equal(got, []string{token}) {
				t.Fatalf("%s, %d columns: got %d tokens, want one", name, columns, len(got))
			}
			if got := TrimToken("Bearer " + strings.ReplaceAll(text, "\n", "\r\n  ")); got != token {
				t.Fatalf("%s, %d columns: TrimToken does not join it: %.90q", name, columns, got)
			}
			quoted := wrap(`"`+token+`"`, columns)
			want := []string{line, token, token, line, token, "opaque", token}
			in := line + "\n" + text + text + line + "\n" + quoted + "\nopaque\n" + strings.ReplaceAll(text, "\n", "\r\n")
			if got := tokensOf(t, strings.NewReader(in)); !slices.Equal(got, want) {
				t.Fatalf("%s, %d columns: got %d tokens, want %d", name, columns, len(got), len(want))
			}
		}
	}
	parts := strings.ReplaceAll(line, ".", ".\n")
	if got := tokensOf(t, strings.NewReader(parts+"\n"+parts)); !slices.Equal(got, []string{line, line}) {
		t.Errorf("a part per line: got %q", got)
	}
}

// Lines that are no wrapped token are answered one by one: tokens that a log has cut, opaque ones, several tokens.
func TestNotWrapped(t *testing.T) {
	t.Parallel()
	token := wrappedTokens()["Okta"]
	short := longToken(`{"alg":"RS256"}`, `{"sub":"bob"}`, 30)
	for name, lines := range map[string][]string{
		"cut within the header":   {token[:80], token[:80], token[:80]},
		"cut within the claims":   {token[:300], token[:300], token[:200]},
		"cut, then whole":         {token[:300], short},
		"cut after the header":    {token[:strings.IndexByte(token, '.')+1], "opaque-opaque"},
		"cut, then opaque":        {token[:300], "opaque-opaque", "opaque"},
		"opaque, of one length":   {"abcdefgh", "ijklmnop", "q.r.s"},
		"cut, then with a scheme": {token[:300], "DPoP " + short},
		"as long as a token":      {jsonStart + strings.Repeat("a", MaxSize/2), strings.Repeat("b", MaxSize/2), strings.Repeat(".", MaxSize/4)},
	} {
		want := slices.Clone(lines)
		for i := range want {
			want[i] = TrimToken(want[i])
		}
		if got := tokensOf(t, strings.NewReader(strings.Join(lines, "\n"))); !slices.Equal(got, want) {
			t.Errorf("%s: got %.400q, want %.400q", name, got, want)
		}
	}
	for _, text := range []string{short + "\n" + short, "a\nb", token[:80] + "\n" + short, "a.b\n\n.c.d"} {
		if got := TrimToken(text); got != text {
			t.Errorf("%.200q: TrimToken makes it %.200q", text, got)
		}
	}
}

// A wrapped token is answered when its last line is there, and not when the next token is.
func TestWrappedAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	token := wrappedTokens()["Okta"]
	stdin, write := io.Pipe()
	answered := make(chan string)
	go func() {
		_, _ = newStream(stdin, io.Discard, func(_ context.Context, dst []byte, _ int, text string) ([]byte, error, error) {
			answered <- text
			return append(dst, '\n'), nil, nil
		}).Run(t.Context())
	}()
	for range 3 {
		if _, err := io.WriteString(write, wrap(token, 80)); err != nil {
			t.Fatal(err)
		}
		if got := <-answered; got != token {
			t.Fatalf("got %q", got)
		}
	}
	write.Close()
}

// What editors and PowerShell write around ASCII is named.
func TestCharset(t *testing.T) {
	t.Parallel()
	token := longToken(`{"alg":"RS256"}`, `{"sub":"bob"}`, 30)
	var little, big []byte
	for _, c := range []byte(token + "\r\n" + token + "\r\n") {
		little, big = append(little, c, 0), append(big, 0, c)
	}
	for name, text := range map[string]string{
		"UTF-16": "\xff\xfe" + string(little), "UTF-16, without a mark": string(little),
		"UTF-16, big endian": "\xfe\xff" + string(big), "UTF-16, big endian, without a mark": string(big),
	} {
		var out bytes.Buffer
		sum, err := newStream(strings.NewReader(text), &out, echo).Run(t.Context())
		if format, ok := errors.AsType[*FormatError](err); !ok || format.Reason != ReasonCharset || sum.Count != 0 || out.Len() > 0 {
			t.Errorf("%s: got %+v, %v, %q", name, sum, err, out.String())
		}
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), "UTF-16") {
			t.Errorf("%s: Parse: got %v", name, err)
		}
	}
	_, err := Parse(TrimToken(utf8Mark + token))
	if format, ok := errors.AsType[*FormatError](err); !ok || format.Reason != ReasonCharset || !strings.Contains(err.Error(), "byte order mark") {
		t.Errorf("UTF-8 with a mark: got %v", err)
	}
}

// No text makes more tokens than lines, and lines that are whole tokens stay so.
func FuzzStream(f *testing.F) {
	for _, token := range wrappedTokens() {
		f.Add([]byte(wrap(token, 80)))
	}
	f.Add([]byte("eyJ\neyJ.\n.\n\n.eyJ"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if isUTF16(string(text)) {
			return
		}
		whole := longToken(`{"alg":"RS256"}`, `{"sub":"bob"}`, 30)
		got := tokensOf(t, io.MultiReader(bytes.NewReader(text), strings.NewReader("\n\n"+whole+"\n")))
		if lines := bytes.Count(text, []byte("\n")) + 2; len(got) > lines || got[len(got)-1] != whole {
			t.Errorf("%q: got %d tokens of %d lines, the last %q", text, len(got), lines, got[len(got)-1])
		}
	})
}
