package okta

import "okauth/pkg/internal/safetext"

// Sanitize makes foreign text safe to show: one line of at most limit runes, without control or format characters.
func Sanitize(text string, limit int) string { return safetext.Sanitize(text, limit) }
