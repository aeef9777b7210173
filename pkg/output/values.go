package output

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"okauth/pkg/internal/safetext"
	"okauth/pkg/internal/strictjson"
	"okauth/pkg/jwt"
)

// isTime reports whether the claim called name is a NumericDate.
func isTime(name string) bool {
	return slices.Contains([]string{"exp", "iat", "nbf", "auth_time", "updated_at", "toe"}, name)
}

// value returns the value of a claim for people, on one line.
func (p *page) value(m jwt.Member) string {
	if isTime(m.Name) {
		claim := jwt.Object{m}
		if t, ok := claim.Time(m.Name); ok {
			return p.time(t)
		}
		if t, unit, ok := claim.FinerTime(m.Name); ok {
			return printableJSON(m.Value) + " (looks like " + unit + ": " + p.time(t) + ")"
		}
		return printableJSON(m.Value) + " (not a time)"
	}
	if m.Name == "acr" {
		return withMeaning(scalar(m.Value), acrMeanings())
	}
	if m.Value[0] != '[' {
		return scalar(m.Value)
	}
	var list []json.RawMessage
	if json.Unmarshal(m.Value, &list) != nil || len(list) == 0 {
		return printableJSON(m.Value)
	}
	texts := make([]string, len(list))
	for i, element := range list {
		if element[0] == '[' || element[0] == '{' {
			return printableJSON(m.Value)
		}
		texts[i] = scalar(element)
		if strings.ContainsAny(texts[i], ", ") { // quotes, so that it does not look like two elements
			texts[i] = printableJSON(element)
		}
		if m.Name == "amr" {
			texts[i] = withMeaning(texts[i], amrMeanings())
		}
	}
	return printable(strings.Join(texts, ", "))
}

// withMeaning adds what a value means, if it is known.
func withMeaning(value string, meanings map[string]string) string {
	if meaning := meanings[value]; meaning != "" {
		return value + " (" + meaning + ")"
	}
	return value
}

// scalar returns a string without quotes, unless it is empty, and anything else as JSON.
func scalar(raw json.RawMessage) string {
	if s, ok := strictjson.Unquote(raw); ok {
		if s = printable(s); s != "" {
			return s
		}
	}
	return printableJSON(raw)
}

func printableJSON(raw json.RawMessage) string { return printable(string(appendEscaped(nil, raw))) }

// maxBar is the length of a token's bar on a wide page, in columns.
const maxBar = 50

// lifetime writes from when until when the token is valid and where in that time now is:
//
//	issued ━━━━━━━━━━━━━━━━━━━━●───────────────── expires
//	                          now
//
// There is no bar if a time is missing or they are in the wrong order, and no mark if now lies outside.
func (p *page) lifetime(claims jwt.Object) {
	issued, hasIssued := claims.Time("iat")
	expires, hasExpires := claims.Time("exp")
	p.title("life")
	if hasIssued && hasExpires && issued.Before(expires) {
		p.lifetimeBar(issued, expires)
	}
	if hasIssued {
		p.sentence(2, "", "issued", " "+p.shortTime(issued))
	}
	if notBefore, ok := claims.Time("nbf"); ok && notBefore.After(p.opts.Now) {
		p.sentence(2, "", "not valid before", " "+p.shortTime(notBefore))
	}
	switch {
	case !hasExpires:
		p.WriteString("  no expiry known\n")
	case expires.After(p.opts.Now):
		p.sentence(2, green, "expires", " "+p.shortTime(expires))
	default:
		p.sentence(2, red, "expired", " "+p.shortTime(expires))
	}
}

// lifetimeBar writes the bar, with its ends named if there is room.
func (p *page) lifetimeBar(issued, expires time.Time) {
	start, end := "issued ", " expires"
	columns := p.opts.Width - 2 - len(start) - len(end)
	if columns < 20 {
		start, end, columns = "", "", p.opts.Width-2
	}
	columns = min(maxBar, columns)
	line, now := p.bar(issued, expires, columns)
	p.WriteString("  " + start + strings.Replace(line, "●", p.color(bold, "●"), 1) + end + "\n")
	if strings.Contains(line, "●") {
		shift := max(0, min(now-1, columns-len("now"))) // "now" is centered below the mark, within the bar
		p.WriteString(pad("", 2+len(start)+shift) + "now\n")
	}
}

// bar returns a bar from issued to expires with a mark where now is, and the column of the mark.
func (p *page) bar(issued, expires time.Time, columns int) (line string, column int) {
	switch now := p.opts.Now; {
	case now.Before(issued):
		return strings.Repeat("─", columns), -1
	case !now.Before(expires):
		return strings.Repeat("━", columns), columns
	default:
		// Seconds, because no Duration holds the time from the year 1 to the year 9999.
		passed, all := float64(now.Unix()-issued.Unix()), float64(max(1, expires.Unix()-issued.Unix()))
		column = min(columns-1, int(passed/all*float64(columns)))
		return strings.Repeat("━", column) + "●" + strings.Repeat("─", columns-1-column), column
	}
}

// TimeFormats returns the values of [TextOptions].Time, the default first.
func TimeFormats() []string { return []string{"local", "utc", "rfc3339", "relative", "unix"} }

const fullTime = "2006-01-02 15:04:05 MST"

// time returns t in the format of the page.
func (p *page) time(t time.Time) string {
	relative := FormatRelative(t, p.opts.Now)
	switch p.opts.Time {
	case "utc":
		return t.UTC().Format(fullTime) + ", " + relative
	case "rfc3339":
		return t.UTC().Format(time.RFC3339)
	case "relative":
		return relative
	case "unix":
		return strconv.FormatInt(t.Unix(), 10)
	}
	return t.In(p.opts.Location).Format(fullTime) + ", " + relative
}

// shortTime is time, but local times have no zone, and a date only if it is not today.
func (p *page) shortTime(t time.Time) string {
	if p.opts.Time != "" && p.opts.Time != TimeFormats()[0] {
		return p.time(t)
	}
	local, now := t.In(p.opts.Location), p.opts.Now.In(p.opts.Location)
	layout := time.DateTime
	if local.Year() == now.Year() && local.YearDay() == now.YearDay() {
		layout = time.TimeOnly
	}
	return local.Format(layout) + ", " + FormatRelative(t, now)
}

// FormatRelative returns where t lies as seen from now: "in 41 minutes", "3 days ago" or "now". It works for times that
// are further apart than a Duration can hold.
func FormatRelative(t, now time.Time) string {
	switch seconds := t.Unix() - now.Unix(); {
	case seconds > 0:
		return "in " + formatSeconds(seconds)
	case seconds < 0:
		return formatSeconds(seconds) + " ago"
	}
	return "now"
}

// ShortDuration returns d as a flag takes it, without units that are zero: "1h", "1m30s".
func ShortDuration(d time.Duration) string { return safetext.Duration(d) }

// FormatDuration returns the length of d, whatever its sign, for people: "41 minutes", "2 hours 5 minutes", "3 days".
// It names at most two units and rounds towards zero, so that it never promises too much.
func FormatDuration(d time.Duration) string { return formatSeconds(int64(d / time.Second)) }

// formatSeconds names the largest unit and the one below it, but no seconds from ten minutes on, and no hours from a
// week on.
func formatSeconds(s int64) string {
	const (
		minute = 60
		hour   = 60 * minute
		day    = 24 * hour
		year   = 31556952 // 365.2425 days, the mean of the Gregorian calendar
	)
	if s < 0 {
		s = -s
	}
	switch {
	case s < minute:
		return count(s, "second")
	case s < 10*minute:
		return twoUnits(count(s/minute, "minute"), s%minute, "second")
	case s < hour:
		return count(s/minute, "minute")
	case s < day:
		return twoUnits(count(s/hour, "hour"), s%hour/minute, "minute")
	case s < 7*day:
		return twoUnits(count(s/day, "day"), s%day/hour, "hour")
	case s < year:
		return count(s/day, "day")
	}
	return twoUnits(count(s/year, "year"), s%year/day, "day")
}

func count(n int64, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

func twoUnits(first string, n int64, unit string) string {
	if n == 0 {
		return first
	}
	return first + " " + count(n, unit)
}
