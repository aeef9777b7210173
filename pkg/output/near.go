package output

import "strings"

// nearest returns the one of names that asked was probably meant to be, or nothing: a slip of the finger first, then another way to
// call the same claim.
func nearest(asked string, names []string) string {
	asked = strings.ToLower(asked)
	for _, alike := range [...]func(asked, name string) bool{slipped, sameMeaning} {
		for _, name := range names {
			if alike(asked, name) {
				return name
			}
		}
	}
	return ""
}

// slipped reports whether asked is name but for case or for one character that was added, left out, changed or swapped with the next.
func slipped(asked, name string) bool {
	a, b := asked, strings.ToLower(name)
	longer := max(len(a), len(b))
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	switch {
	case a == b:
		return true
	case longer < 3: // any two short names are that near
		return false
	case len(a) == 2 && len(b) == 2:
		return a[0] == b[1] && a[1] == b[0]
	}
	return len(a) <= 1 && len(b) <= 1
}

// sameMeaning reports whether asked is what name stands for ("issuer" for iss), or one is the start of the other ("group", "groups").
func sameMeaning(asked, name string) bool {
	const least = 3 // a start shorter than that is chance
	name = strings.ToLower(name)
	switch {
	case asked == "":
		return false
	case asked == claimWord(name), len(asked) >= least && strings.HasPrefix(name, asked):
		return true
	}
	// What follows a dot may be meant as a step down.
	return len(name) >= least && strings.HasPrefix(asked, name) && !strings.Contains(asked, ".")
}
