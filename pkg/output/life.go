package output

import (
	"strings"
	"time"

	"okauth/pkg/jwt"
)

// maxBar is how long the bar gets on a wide terminal, in columns.
const maxBar = 50

// life shows from when until when the token lives and where in that time now is:
//
//	issued ━━━━━━━━━━━━━━━━━━━━●───────────────── expires
//	                          now
//
// The bar is left out where a time is missing or they are in the wrong order, and the mark where now lies outside.
func (p *page) life(claims jwt.Object) {
	issued, hasIssued := claims.Time("iat")
	expires, hasExpires := claims.Time("exp")
	p.title("life")
	if hasIssued && hasExpires && issued.Before(expires) {
		p.bar(issued, expires)
	}
	if hasIssued {
		p.moment("issued", "", issued)
	}
	notBefore, ok := claims.Time("nbf")
	if ok && notBefore.After(p.opts.Now) {
		p.moment("not valid before", "", notBefore)
	}
	switch {
	case !hasExpires:
		p.text.WriteString("  no expiry known\n")
	case expires.After(p.opts.Now):
		p.moment("expires", green, expires)
	default:
		p.moment("expired", red, expires)
	}
}

// bar draws the line from issued to expires, with its ends named where there is room.
func (p *page) bar(issued, expires time.Time) {
	const left, right = "issued ", " expires"
	start, end, columns := left, right, p.opts.Width-2-len(left)-len(right)
	if columns < 20 {
		start, end, columns = "", "", p.opts.Width-2
	}
	columns = min(maxBar, columns)
	at := p.mark(issued, expires, columns)
	p.text.WriteString("  " + start + strings.Replace(strip(at, columns), "●", p.paint(bold, "●"), 1) + end + "\n")
	if at >= 0 && at < columns {
		// "now" is centred under the mark, but stays within the bar.
		shift := max(0, min(at-1, columns-len("now")))
		p.text.WriteString(strings.Repeat(" ", 2+len(start)+shift) + "now\n")
	}
}

// mark says at which of the columns from issued to expires now is: -1 before the first, columns after the last.
func (p *page) mark(issued, expires time.Time, columns int) int {
	now := p.opts.Now
	switch {
	case now.Before(issued):
		return -1
	case !now.Before(expires):
		return columns
	}
	// Seconds, because a Duration can't hold the life of a token from the year 1 to the year 9999.
	passed, whole := float64(now.Unix()-issued.Unix()), float64(max(1, expires.Unix()-issued.Unix()))
	return min(columns-1, int(passed/whole*float64(columns)))
}

// strip draws the bar itself, with the mark in column at, if that is one of the columns.
func strip(at, columns int) string {
	switch {
	case at < 0:
		return strings.Repeat("─", columns)
	case at >= columns:
		return strings.Repeat("━", columns)
	}
	return strings.Repeat("━", at) + "●" + strings.Repeat("─", columns-1-at)
}

// moment writes a line on what happens at t. The SGR code colours what, if there is one.
func (p *page) moment(what, code string, t time.Time) {
	line := p.wrap(what+" "+p.at(t), 2)
	p.text.WriteString("  " + strings.Replace(line, what, p.paint(code, what), 1))
}

// at gives t in local time and relative to now, with the date only where it is not today, unless opts.Time wants another form.
func (p *page) at(t time.Time) string {
	if p.opts.Time != "" && p.opts.Time != TimeFormats()[0] {
		return p.time(t)
	}
	local, now := t.In(p.opts.Location), p.opts.Now.In(p.opts.Location)
	layout := time.DateTime
	if local.Year() == now.Year() && local.YearDay() == now.YearDay() {
		layout = time.TimeOnly
	}
	return local.Format(layout) + ", " + Relative(t, now)
}
