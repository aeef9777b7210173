package output_test

import (
	"io"
	"strings"
	"testing"

	"okauth/pkg/jwt"
	"okauth/pkg/output"
)

// TestReportText_Prefix counts what stands before the report, and does not take a word of it for the verdict.
func TestReportText_Prefix(t *testing.T) {
	t.Parallel()
	for width := 30; width < 200; width++ {
		opts := output.TextOptions{Width: width, Prefix: "line 1234: ", Location: cest}
		for _, v := range []jwt.Report{verified(t, exampleHeader, expiredClaims), verifiedText(t, "canary")} {
			got := reportText(t, v, opts)
			wantNarrow(t, got, width)
			if !strings.HasPrefix(got, "line 1234: not valid: ") {
				t.Errorf("%d columns: got %q", width, got)
			}
		}
	}
}

// TestText_NoWidth breaks no line where the width is 0: programs read those.
func TestText_NoWidth(t *testing.T) {
	t.Parallel()
	report := verified(t, exampleHeader, expiredClaims)
	long := strings.Repeat("https://example.okta.com word ", 40)
	check := output.DiagnosisCheck{Name: "dns", State: "fail", Detail: long, Hint: long}
	status := output.Status{Reason: long}
	for name, write := range map[string]func(io.Writer, output.TextOptions) error{
		"report": func(w io.Writer, o output.TextOptions) error { return output.WriteReportText(w, report, o) },
		"decode": func(w io.Writer, o output.TextOptions) error {
			return output.WriteDecodedText(w, parse(t, exampleHeader, `{"sub":"`+long+`"}`), o)
		},
		"object": func(w io.Writer, o output.TextOptions) error {
			return output.WriteObjectText(w, []byte(`{"name":"`+long+`"}`), o)
		},
		"check":  func(w io.Writer, o output.TextOptions) error { return output.WriteDiagnosisCheck(w, check, o) },
		"status": func(w io.Writer, o output.TextOptions) error { return output.WriteStatusText(w, status, now, o) },
	} {
		var none, wide strings.Builder
		opts := output.TextOptions{Now: now, Location: cest}
		if err := write(&none, opts); err != nil {
			t.Fatal(err)
		}
		opts.Width = 100_000
		if err := write(&wide, opts); err != nil {
			t.Fatal(err)
		}
		if none.String() != wide.String() {
			t.Errorf("%s: got\n%s\nwant\n%s", name, none.String(), wide.String())
		}
	}
}
