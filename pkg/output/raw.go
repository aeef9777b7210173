package output

// encodeRaw gives the token and one newline, for $(okauth token).
func encodeRaw(t Token, _ TokenOptions) ([]byte, error) {
	return append([]byte(t.Value.Reveal()), '\n'), nil
}
