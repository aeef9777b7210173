package cli

// A QR code on a terminal.

import (
	"runtime"
	"strings"

	"rsc.io/qr"
)

// qrCode returns text as a QR code for standard error, "" where it does not fit between so many other rows, or where
// the terminal may not show the blocks it is made of. A character is two modules, one above the other.
func (e *Env) qrCode(text string, otherRows int) string {
	columns, rows := e.stderrSize()
	if columns == 0 || e.Getenv("TERM") == "dumb" || !e.utf8() {
		return ""
	}
	code, err := qr.Encode(text, qr.L)
	if err != nil { // too long
		return ""
	}
	// ISO/IEC 18004 wants four light modules on each side; readers are content with two.
	for _, margin := range []int{4, 2} {
		side := code.Size + 2*margin
		if side <= columns && (side+1)/2+otherRows <= rows {
			return drawQR(code, margin, e.Getenv("NO_COLOR") == "")
		}
	}
	return ""
}

// drawQR draws black on white, which is right on a dark and on a light terminal. Without colors it draws what is
// light, for a dark terminal; on a light one the code is inverted, which the cameras of phones read, too.
func drawQR(code *qr.Code, margin int, color bool) string {
	begin, end := "", ""
	if color { // numbers of a fixed palette; a theme changes the first sixteen
		begin, end = "\x1b[38;5;16;48;5;231m", "\x1b[0m"
	}
	blocks := map[[2]bool]string{{false, false}: " ", {true, false}: "▀", {false, true}: "▄", {true, true}: "█"}
	var b strings.Builder
	for y := -margin; y < code.Size+margin; y += 2 {
		b.WriteString(begin)
		for x := -margin; x < code.Size+margin; x++ {
			b.WriteString(blocks[[2]bool{code.Black(x, y) == color, code.Black(x, y+1) == color}])
		}
		b.WriteString(end + "\n")
	}
	return b.String()
}

// utf8 reports whether the terminal takes UTF-8, as its locale says. Consoles of Windows do.
// https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html#tag_08_02
func (e *Env) utf8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := strings.ToLower(e.Getenv(name)); locale != "" {
			return strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
		}
	}
	return runtime.GOOS == "windows"
}
