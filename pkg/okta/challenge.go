package okta

import "strings"

// challenge is one way to authenticate, as a server offers or demands it. Names are in lower case, values as they came, without quotes.
type challenge struct {
	scheme string
	params map[string]string
}

// readChallenges reads the values of WWW-Authenticate headers: 1#( auth-scheme [ 1*SP ( token68 / #auth-param ) ] ).
// What does not fit ends its header. RFC 9110 §11.6.1: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
func readChallenges(headers []string) []challenge {
	var all []challenge
	for _, rest := range headers {
		begin := len(all)
		for {
			rest = strings.TrimLeft(rest, ", \t")
			name, after := cutToken(rest)
			if name == "" {
				break
			}
			value, behind, isParam := cutValue(after)
			if !isParam {
				all, rest = append(all, challenge{scheme: name, params: map[string]string{}}), after
				continue
			}
			if len(all) == begin {
				break
			}
			// "token68==" looks like a parameter too, and harms nobody as one.
			last := all[len(all)-1].params
			if _, twice := last[name]; !twice {
				last[name] = value
			}
			rest = behind
		}
	}
	return all
}

// cutToken splits off a token at the beginning, in lower case.
func cutToken(text string) (token, rest string) {
	end := 0
	for end < len(text) && text[end] > ' ' && text[end] < 0x7f && !strings.ContainsRune(`",=()<>@:;\[]?{}`, rune(text[end])) {
		end++
	}
	return strings.ToLower(text[:end]), text[end:]
}

// cutValue splits off "=" and a token or a quoted string, with white space round the sign, as it must be taken.
func cutValue(text string) (value, rest string, ok bool) {
	text, ok = strings.CutPrefix(strings.TrimLeft(text, " \t"), "=")
	if !ok {
		return "", text, false
	}
	text = strings.TrimLeft(text, " \t")
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, ", \t")
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], true
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:], true
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", true // it has no end, so that nobody knows what it says
}
