package oktatest

import (
	"bytes"
	"crypto/rand"
	_ "embed" // refusals.txt
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// reply is an answer before it is written.
type reply struct {
	status int
	body   any    // a string is written as plain text, everything else as JSON; nil: there is none
	code   string // what went wrong, for Request.ErrorCode
}

func (rep *reply) write(w http.ResponseWriter) {
	var text []byte
	switch body := rep.body.(type) {
	case nil:
	case string:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		text = []byte(body)
	default:
		w.Header().Set("Content-Type", "application/json")
		text = marshal(body)
	}
	if text != nil {
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	}
	(&Response{rep.status, w.Header(), text}).ServeHTTP(w, nil)
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

// ok replies with a JSON document, or with text.
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

// object is a JSON object that keeps the order of its members, which is that of recorded answers. It leaves out those
// whose value is nil or "".
type object []member

type member struct {
	name  string
	value any
}

func (o object) get(name string) any {
	for _, m := range o {
		if m.name == name && m.value != nil {
			return m.value
		}
	}
	return nil
}

func (o object) MarshalJSON() ([]byte, error) {
	var parts [][]byte
	for _, m := range o {
		if m.value != nil && m.value != "" {
			parts = append(parts, slices.Concat(marshal(m.name), []byte(":"), marshal(m.value)))
		}
	}
	return slices.Concat([]byte("{"), bytes.Join(parts, []byte(",")), []byte("}")), nil
}

// patch changes members of a JSON object; "" removes one. A value need not be JSON.
func patch(text []byte, changes map[string]string) []byte {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil || members == nil {
		return text
	}
	for name, value := range changes {
		members[name] = json.RawMessage(value)
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if value := members[name]; len(value) > 0 {
			parts = append(parts, strconv.Quote(name)+":"+string(value))
		}
	}
	return []byte("{" + strings.Join(parts, ",") + "}")
}

// marshal writes JSON without escaping <, > and &, as Okta does.
func marshal(v any) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // see AuthServer.Claims
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// sortedList is how Okta's texts show lists: "[a, b]".
func sortedList(names []string) string {
	return "[" + strings.Join(slices.Sorted(slices.Values(names)), ", ") + "]"
}
