package jwt

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// wrapped collects lines that may be one token, which an editor, a mail program or a terminal has broken into lines.
// All but the last of these are equally long, or end with the dot of a part.
type wrapped struct {
	lines []line // as they stand, without white space around them
	size  int    // bytes of all
	dots  int    // in all
}

// add takes a line, which is the first one or continues the others.
func (w *wrapped) add(l line) {
	w.lines = append(w.lines, l)
	w.size += len(l.token)
	w.dots += strings.Count(l.token, ".")
}

// take returns what was collected, and forgets it: one token if that is what the lines are, else a token from each.
func (w *wrapped) take(to []line) []line {
	first := len(to)
	if w.whole() {
		to = append(to, line{number: w.lines[0].number, token: w.join()})
	} else {
		to = append(to, w.lines...)
	}
	for i := range to[first:] {
		l := &to[first+i]
		l.token = TrimToken(l.token)
	}
	*w = wrapped{lines: w.lines[:0]}
	return to
}

// whole reports whether the lines together have the parts of a signed or an encrypted token.
func (w *wrapped) whole() bool { return len(w.lines) > 1 && (w.dots == 2 || w.dots == 4) }

func (w *wrapped) join() string {
	var b strings.Builder
	for _, l := range w.lines {
		b.WriteString(l.token)
	}
	return b.String()
}

// jsonStart is how the JSON of a header begins in base64url: {"
const jsonStart = "eyJ"

// beginsWrapped reports whether a line, of which token is what [TrimToken] leaves, may be the first of several: it
// begins as a token does and lacks parts, or has the width of a text and only the start of a signature.
func beginsWrapped(token string) bool {
	const (
		narrowest    = 60 // columns
		shortestHMAC = 43 // characters of the shortest signature, that of HS256
	)
	switch dots := strings.Count(token, "."); {
	case dots > 2 || !strings.HasPrefix(strings.TrimLeft(token, `"'`), jsonStart):
		return false
	case dots == 2:
		signature := len(token) - 1 - strings.LastIndexByte(token, '.')
		return len(token) >= narrowest && 0 < signature && signature < shortestHMAC
	}
	return true
}

// waits reports whether there are lines that may go on.
func (w *wrapped) waits() bool { return len(w.lines) > 0 }

// complete reports whether no line can follow: the last one is shorter than the others.
func (w *wrapped) complete() bool {
	first, last := w.lines[0].token, w.lines[len(w.lines)-1].token
	return len(last) != len(first) && !strings.HasSuffix(last, ".")
}

// continues reports whether the token may go on with a line of a text that may have other tokens.
func (w *wrapped) continues(text string) bool {
	first, last := w.lines[0].token, w.lines[len(w.lines)-1].token
	partEnds := strings.HasSuffix(last, ".")
	switch {
	case text == "" || w.size+len(text) > maxLine || TrimToken(text) != text || w.complete():
		return false
	case !partEnds && len(text) > len(first):
		return false
	}
	return !w.another(text)
}

// another reports whether a line begins another token. One within the claims may begin with an object, as a token does,
// but where that is a header, it ends at the dot.
func (w *wrapped) another(text string) bool {
	header, _, dot := strings.Cut(text, ".")
	last := w.lines[len(w.lines)-1].token
	switch {
	case !strings.HasPrefix(header, jsonStart), w.dots < 2 && strings.HasSuffix(last, "."):
		return false
	case !dot:
		return w.dots >= 2
	}
	raw, err := base64.RawURLEncoding.DecodeString(header)
	return err == nil && json.Valid(raw)
}

// unwrap returns a text of several lines as one token, if it is one, and else as it is.
func unwrap(text string) string {
	var w wrapped
	for part := range strings.Lines(text) {
		part = strings.TrimSpace(part)
		if w.waits() && w.another(part) {
			return text
		}
		w.add(line{token: part})
	}
	if !w.whole() {
		return text
	}
	return w.join()
}
