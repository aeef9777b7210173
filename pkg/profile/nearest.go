package profile

// Nearest returns the candidate that word is most likely a slip of the finger
// for, or an empty string when none is near enough.
func Nearest(word string, candidates []string) string { return nearest(word, candidates) }
