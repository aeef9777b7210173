package jwt

// ParseObject reads text as one JSON object, as strictly as the parts of a token are read: UTF-8, no name twice on any level, not
// too deep. Members keep their order and values their spelling. The error is a [*FormatError] of reason json.
func ParseObject(text []byte) (Object, error) { return readObject("document", text) }
