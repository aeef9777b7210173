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
	now := p.opts.Now
	switch {
	case now.Before(issued):
		p.text.WriteString("  " + start + strings.Repeat("─", columns) + end + "\n")
	case !now.Before(expires):
		p.text.WriteString("  " + start + strings.Repeat("━", columns) + end + "\n")
	default:
		// Seconds, because a Duration can't hold the life of a token from the year 1 to the year 9999.
		passed, whole := float64(now.Unix()-issued.Unix()), float64(max(1, expires.Unix()-issued.Unix()))
		at := min(columns-1, int(passed/whole*float64(columns)))
		p.text.WriteString("  " + start + strings.Repeat("━", at) + p.paint(bold, "●") + strings.Repeat("─", columns-1-at) + end + "\n")
		// "now" is centred under the mark, but stays within the bar.
		shift := max(0, min(at-1, columns-len("now")))
		p.text.WriteString(strings.Repeat(" ", 2+len(start)+shift) + "now\n")
	}
}

// moment writes a line on what happens at t, with the date only where it is not today. The SGR code colours what, if there is one.
func (p *page) moment(what, code string, t time.Time) {
	local, now := t.In(p.opts.Location), p.opts.Now.In(p.opts.Location)
	layout := time.DateTime
	if local.Year() == now.Year() && local.YearDay() == now.YearDay() {
		layout = time.TimeOnly
	}
	line := p.wrap(what+" "+local.Format(layout)+", "+Relative(t, now), 2)
	if code != "" {
		line = strings.Replace(line, what, p.paint(code, what), 1)
	}
	p.text.WriteString("  " + line)
}
