package output_test

import (
	"cmp"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"

	"okauth/pkg/output"
)

func exampleDiagnosis() output.Diagnosis {
	return output.Diagnosis{Profile: "dev", Checks: []output.DiagnosisCheck{
		{Name: "configuration", State: "ok", Detail: `profile "dev" (flag --profile); domain example.okta.com (file); client_id 0oa1exampleClntAx1d7 (file)`},
		{Name: "proxy", State: "note", Detail: "none"},
		{Name: "clock", State: "warn", Detail: "this machine's clock is 4 minutes behind Okta's", Hint: "set the clock"},
		{Name: "client", State: "fail", Detail: "Okta refused the client secret", Hint: "okauth config set client_secret: it is in the Admin Console under Applications > the application > General"},
		{Name: "grant", State: "skip", Detail: "not reached"},
	}}
}

func diagnosisText(t testing.TB, r output.Diagnosis, opts output.TextOptions) string {
	t.Helper()
	opts.Width = cmp.Or(opts.Width, 80)
	var text string
	part := func(write func(io.Writer) error) {
		t.Helper()
		var w oneWrite
		if err := write(&w); err != nil {
			t.Fatal(err)
		}
		if w.calls != 1 {
			t.Errorf("%d Write calls, want 1", w.calls)
		}
		text += w.String()
	}
	for _, f := range r.Checks {
		part(func(w io.Writer) error { return output.WriteDiagnosisCheck(w, f, opts) })
	}
	part(func(w io.Writer) error { return output.WriteDiagnosisSummary(w, r, opts) })
	return text
}

func TestDiagnosisText(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		opts output.TextOptions
		want string
	}{
		"80 columns": {output.TextOptions{}, `  ok   configuration  profile "dev" (flag --profile); domain example.okta.com
                      (file); client_id 0oa1exampleClntAx1d7 (file)
  note proxy          none
  warn clock          this machine's clock is 4 minutes behind Okta's
                      hint: set the clock
  FAIL client         Okta refused the client secret
                      hint: okauth config set client_secret: it is in the Admin
                      Console under Applications > the application > General
  skip grant          not reached

1 problem, 1 warning (5 checks)
`},
		"80 columns, in colour": {output.TextOptions{Color: true}, `  (green)✓(off) configuration  profile "dev" (flag --profile); domain example.okta.com
                   (file); client_id 0oa1exampleClntAx1d7 (file)
  (dim)–(off) proxy          none
  (yellow)!(off) clock          this machine's clock is 4 minutes behind Okta's
                   hint: set the clock
  (red)✗(off) client         Okta refused the client secret
                   hint: okauth config set client_secret: it is in the Admin
                   Console under Applications > the application > General
  (dim)–(off) grant          not reached

(red)1 problem(off), 1 warning (5 checks)
`},
		"40 columns": {output.TextOptions{Width: 40}, `  ok   configuration
    profile "dev" (flag --profile);
    domain example.okta.com (file);
    client_id 0oa1exampleClntAx1d7
    (file)
  note proxy
    none
  warn clock
    this machine's clock is 4 minutes
    behind Okta's
    hint: set the clock
  FAIL client
    Okta refused the client secret
    hint: okauth config set
    client_secret: it is in the Admin
    Console under Applications > the
    application > General
  skip grant
    not reached

1 problem, 1 warning (5 checks)
`},
		"40 columns, in colour": {output.TextOptions{Width: 40, Color: true}, `  (green)✓(off) configuration
    profile "dev" (flag --profile);
    domain example.okta.com (file);
    client_id 0oa1exampleClntAx1d7
    (file)
  (dim)–(off) proxy
    none
  (yellow)!(off) clock
    this machine's clock is 4 minutes
    behind Okta's
    hint: set the clock
  (red)✗(off) client
    Okta refused the client secret
    hint: okauth config set
    client_secret: it is in the Admin
    Console under Applications > the
    application > General
  (dim)–(off) grant
    not reached

(red)1 problem(off), 1 warning (5 checks)
`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := diagnosisText(t, exampleDiagnosis(), test.opts); got != painted(test.want) {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// What was found stands below a name that is wider than its column.
func TestWriteDiagnosisCheck_LongName(t *testing.T) {
	t.Parallel()
	var w oneWrite
	if err := output.WriteDiagnosisCheck(&w, output.DiagnosisCheck{Name: "a-name-of-more-columns", State: "ok", Detail: "below"}, output.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if want := "  ok   a-name-of-more-columns\n    below\n"; w.String() != want {
		t.Errorf("got %q, want %q", w.String(), want)
	}
}

func TestDiagnosis_OK(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]bool{"ok": true, "note": true, "warn": true, "skip": true, "fail": false} {
		r := output.Diagnosis{Checks: []output.DiagnosisCheck{{State: "ok"}, {State: state}}}
		if r.OK() != want {
			t.Errorf("%s: got %v, want %v", state, r.OK(), want)
		}
		headline := map[string]string{"warn": "1 warning (2 checks)\n", "fail": "1 problem (2 checks)\n"}[state]
		if headline == "" {
			headline = "all is well (2 checks)\n"
		}
		if got := diagnosisText(t, r, output.TextOptions{}); !strings.Contains(got, "\n\n"+headline) {
			t.Errorf("%s: got\n%s\nwant %q", state, got, headline)
		}
	}
}

func TestDiagnosisJSON(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		report output.Diagnosis
		want   string
	}{
		{output.Diagnosis{}, `{"ok":true,"profile":null,"checks":[]}`},
		{output.Diagnosis{Profile: "dev", Checks: []output.DiagnosisCheck{
			{Name: "dns", State: "ok", Detail: "192.0.2.1 & ::1"}, {Name: "tls", State: "fail", Detail: "\x1b[2J\u202e", Hint: "set ca_file"},
		}}, `{"ok":false,"profile":"dev","checks":[{"name":"dns","state":"ok","detail":"192.0.2.1 & ::1"},` +
			`{"name":"tls","state":"fail","detail":"\u001b[2J\u202e","hint":"set ca_file"}]}`},
	} {
		var w oneWrite
		if err := output.WriteDiagnosisJSON(&w, test.report); err != nil {
			t.Fatal(err)
		}
		if w.String() != test.want+"\n" || w.calls != 1 {
			t.Errorf("%d writes\ngot  %s\nwant %s", w.calls, w.String(), test.want)
		}
		var back struct {
			Profile string
			Checks  []output.DiagnosisCheck
		}
		if err := json.Unmarshal(w.Bytes(), &back); err != nil {
			t.Fatal(err)
		}
		if back.Profile != test.report.Profile || len(back.Checks) != len(test.report.Checks) || len(back.Checks) > 0 && !reflect.DeepEqual(back.Checks, test.report.Checks) {
			t.Errorf("got %+v back, want %+v", back, test.report)
		}
	}
}

func TestAT52_Diagnosis(t *testing.T) {
	t.Parallel()
	text := foreign().Checks[0].Got
	r := output.Diagnosis{Profile: text, Checks: []output.DiagnosisCheck{{Name: text, State: text, Detail: text, Hint: text}}}
	for _, width := range []int{20, 80} {
		for line := range strings.SplitSeq(diagnosisText(t, r, output.TextOptions{Width: width}), "\n") {
			wantPrintable(t, line)
		}
	}
	var w oneWrite
	if err := output.WriteDiagnosisJSON(&w, r); err != nil {
		t.Fatal(err)
	}
	wantPrintable(t, strings.TrimSuffix(w.String(), "\n"))
}

func TestAT94_DiagnosisOnAnyTerminal(t *testing.T) {
	t.Parallel()
	for width := 1; width < 200; width++ {
		wantNarrow(t, diagnosisText(t, exampleDiagnosis(), output.TextOptions{Width: width}), max(20, width))
	}
}
