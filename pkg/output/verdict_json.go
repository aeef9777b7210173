package output

import (
	"io"
	"slices"

	"okauth/pkg/jwt"
)

// VerdictJSON writes v as one line, with one Write call:
//
//	{"valid":false,"reason":"exp","type":"access","checks":[{"name":"exp","ok":false,"expected":"…","got":"…","why":"…"}…]}
//
// reason is the name of the first check that failed, or null. ok is null for a check that was skipped. What a check has nothing to
// say of is left out. The error is that of the write.
func VerdictJSON(w io.Writer, v jwt.Report) error { return write(w, AppendVerdictJSON(nil, v)) }

// AppendVerdictJSON appends what [VerdictJSON] writes. A stream has one for each of its tokens, so that encoding/json would be felt.
func AppendVerdictJSON(dst []byte, v jwt.Report) []byte {
	dst = slices.Grow(dst, 2048) // most verdicts fit
	dst = append(dst, `{"valid":`...)
	dst = appendBool(dst, v.Valid())
	dst = append(dst, `,"reason":`...)
	if reason := v.Reason(); reason != "" {
		dst = appendText(dst, reason)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"type":`...)
	dst = appendText(dst, kindName(v.Kind))
	dst = append(dst, `,"checks":[`...)
	for i := range v.Checks {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendCheck(dst, &v.Checks[i])
	}
	return append(dst, "]}\n"...)
}

// kindName is the kind as --type has it.
func kindName(kind jwt.TokenKind) string {
	if kind == jwt.KindID {
		return "id"
	}
	return "access"
}

func appendCheck(dst []byte, c *jwt.Check) []byte {
	dst = append(dst, `{"name":`...)
	dst = appendText(dst, c.Name)
	dst = append(dst, `,"ok":`...)
	if c.State == jwt.Skipped {
		dst = append(dst, "null"...)
	} else {
		dst = appendBool(dst, c.State == jwt.Passed)
	}
	for _, member := range [...]struct{ name, value string }{{`,"expected":`, c.Expected}, {`,"got":`, c.Got}, {`,"why":`, c.Why}} {
		if member.value != "" {
			dst = appendText(append(dst, member.name...), member.value)
		}
	}
	return append(dst, '}')
}
