package oktatest

import (
	"bytes"
	"crypto/rand"
	_ "embed" // refusals.txt
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// reply is an answer before it is written.
type reply struct {
	status int
	body   any    // written as JSON; nil if there is none
	text   string // written as plain text if there is no body
	code   string // what went wrong, for Request.ErrorCode
}

func (rep *reply) write(w http.ResponseWriter) {
	text, contentType := []byte(rep.text), "text/plain; charset=utf-8"
	if rep.body != nil {
		text, contentType = marshal(rep.body), "application/json"
	}
	if len(text) > 0 {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	}
	w.WriteHeader(rep.status)
	_, _ = w.Write(text) // a client that has disconnected needs no answer
}

// run takes the steps until one of them replies.
func (c *call) run(steps ...func()) {
	for _, step := range steps {
		if c.reply == nil {
			step()
		}
	}
}

// refuseIf replies with a refusal if the condition holds. Of several refusals, the first counts.
func (c *call) refuseIf(when bool, name string, detail ...string) {
	if when && c.reply == nil {
		c.reply = refusal(name, detail...)
	}
}

func (c *call) refuse(name string, detail ...string) { c.refuseIf(true, name, detail...) }

// ok replies with a JSON document.
func (c *call) ok(body any) { c.reply = &reply{status: 200, body: body} }

// notImplemented replies for what Okta has and this package does not: in neither of Okta's forms, so that it is not
// mistaken for an answer of Okta's.
func (c *call) notImplemented(what string) {
	body := object{{"oktatest", what + " is not implemented by this server"}}
	c.reply = &reply{status: 501, code: "not_implemented", body: body}
}

//go:embed refusals.txt
var refusalTable string

// refusal is a row of refusals.txt, in one of Okta's two forms: that of RFC 6749 §5.2, or that of the management API.
// https://www.rfc-editor.org/rfc/rfc6749#section-5.2
// https://developer.okta.com/docs/reference/error-codes/
func refusal(name string, detail ...string) *reply {
	for _, row := range rows(refusalTable) {
		if row[0] != name {
			continue
		}
		status, _ := strconv.Atoi(row[1])
		code, text := row[2], strings.ReplaceAll(row[3], "%s", strings.Join(detail, ""))
		body := object{{"error", code}, {"error_description", text}}
		if strings.HasPrefix(code, "E0") || strings.HasPrefix(name, "unknown_client") {
			body = object{
				{"errorCode", code}, {"errorSummary", text}, {"errorLink", code}, {"errorId", "oae" + rand.Text()[:22]},
				{"errorCauses", []any{}},
			}
		}
		return &reply{status: status, code: code, body: body}
	}
	panic("refusals.txt has no " + name)
}

// rows are the cells of a table, without its comments.
func rows(table string) (list [][]string) {
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		for i, cell := range cells {
			cells[i] = strings.TrimSpace(cell)
		}
		if cells[0] != "" && cells[0][0] != '#' {
			list = append(list, cells)
		}
	}
	return list
}

// object is a JSON object that keeps the order of its members, which is that of recorded answers.
type object []member

type member struct {
	name  string
	value any
}

func (o object) index(name string) int {
	return slices.IndexFunc(o, func(m member) bool { return m.name == name })
}

// set changes a member, or adds it at the end.
func (o *object) set(name string, value any) {
	if i := o.index(name); i >= 0 {
		(*o)[i].value = value
		return
	}
	*o = append(*o, member{name, value})
}

func (o *object) remove(names ...string) {
	*o = slices.DeleteFunc(*o, func(m member) bool { return slices.Contains(names, m.name) })
}

func (o object) MarshalJSON() ([]byte, error) {
	parts := make([][]byte, len(o))
	for i, m := range o {
		parts[i] = slices.Concat(marshal(m.name), []byte(":"), marshal(m.value))
	}
	return slices.Concat([]byte("{"), bytes.Join(parts, []byte(",")), []byte("}")), nil
}

// UnmarshalJSON leaves the values as json.RawMessage.
func (o *object) UnmarshalJSON(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	_, err := dec.Token()
	for err == nil && dec.More() {
		var name json.Token
		var value json.RawMessage
		if name, err = dec.Token(); err == nil {
			err = dec.Decode(&value)
			*o = append(*o, member{name.(string), value})
		}
	}
	return err
}

// marshal writes JSON without escaping <, > and &, as Okta does.
func marshal(v any) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // what cannot be written is refused by checkClaims
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// sortedList is how Okta's texts show lists: "[a, b]".
func sortedList(names []string) string {
	return "[" + strings.Join(slices.Sorted(slices.Values(names)), ", ") + "]"
}
