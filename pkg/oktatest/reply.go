package oktatest

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// newResponse is an answer with JSON, or with text if the body is a string.
func newResponse(h http.Header, status int, body any) *Response {
	switch body := body.(type) {
	case nil:
		return &Response{status, h, nil}
	case string:
		h.Set("Content-Type", "text/plain; charset=utf-8")
		return &Response{status, h, []byte(body)}
	}
	h.Set("Content-Type", "application/json")
	return &Response{status, h, marshal(body)}
}

// respond replies, and replaces an earlier reply.
func (c *call) respond(status int, body any) { c.reply = newResponse(c.header, status, body) }

// run takes the steps until one of them replies.
func (c *call) run(steps ...func()) {
	for _, step := range steps {
		if c.reply == nil {
			step()
		}
	}
}

// refuseIf replies with a refusal if the condition holds and nothing has replied yet.
func (c *call) refuseIf(when bool, name string, detail ...string) {
	if when && c.reply == nil {
		status, code, body := refusal(name, detail...)
		c.entry.ErrorCode, c.refusal = code, body[1].value.(string) // the text, in both forms
		c.respond(status, body)
	}
}

func (c *call) refuse(name string, detail ...string) { c.refuseIf(true, name, detail...) }

// notImplemented replies for what Okta has and this package does not, in the form of RFC 6749, which clients can show.
func (c *call) notImplemented(what string) {
	c.entry.ErrorCode = "not_implemented"
	what += " is not implemented by this server"
	c.respond(501, object{{"error", c.entry.ErrorCode}, {"error_description", what}})
}

// refusal is a row of refusals.txt, in one of Okta's two forms: that of RFC 6749 §5.2, or that of the management API.
// https://www.rfc-editor.org/rfc/rfc6749#section-5.2
// https://developer.okta.com/docs/reference/error-codes/
func refusal(name string, detail ...string) (status int, code string, body object) {
	for _, row := range rows("refusals.txt") {
		if row[0] != name {
			continue
		}
		status, _ = strconv.Atoi(row[1])
		code, text := row[2], row[3]
		for _, d := range detail {
			text = strings.Replace(text, "%s", d, 1)
		}
		body = object{{"error", code}, {"error_description", text}}
		if strings.HasPrefix(code, "E0") || strings.HasPrefix(name, "unknown_client") {
			body = object{
				{"errorCode", code}, {"errorSummary", text}, {"errorLink", code}, {"errorId", "oae" + rand.Text()[:22]},
				{"errorCauses", []any{}},
			}
		}
		return status, code, body
	}
	panic("refusals.txt has no " + name)
}

// data are the tables, and what was recorded.
//
//go:embed *.txt *.json *.html *.pem
var data embed.FS

func embedded(name string) string {
	text, _ := data.ReadFile(name) // every name is in the code
	return string(text)
}

// rows are the cells of a table, without its comments.
func rows(name string) (list [][]string) {
	for line := range strings.Lines(embedded(name)) {
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
