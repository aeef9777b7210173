package output

import "time"

// encodeRaw gives the token and one newline, for $(okauth token).
func encodeRaw(t Token, _ time.Time) ([]byte, error) {
	return append([]byte(t.Value.Reveal()), '\n'), nil
}
