package oktatest

import (
	"bytes"
	"crypto/rand"
	_ "embed" // refusals.txt
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// reply is an answer before it is written. A check that finds nothing wrong returns a nil *reply.
type reply struct {
	status int
	body   any    // written as JSON; nil if there is none
	text   string // written as plain text if there is no body
	code   string // what went wrong, for Request.ErrorCode
}

//go:embed refusals.txt
var refusalTable string

// refuse is a refusal of refusals.txt, in one of Okta's two forms: that of RFC 6749 §5.2, or that of the management
// API.
// https://www.rfc-editor.org/rfc/rfc6749#section-5.2
// https://developer.okta.com/docs/reference/error-codes/
func refuse(name string, detail ...string) *reply {
	for line := range strings.Lines(refusalTable) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if cells[0] != name {
			continue
		}
		status, _ := strconv.Atoi(cells[1])
		code, text := cells[2], strings.ReplaceAll(cells[3], "%s", strings.Join(detail, ""))
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

// refusal is a condition, and the name and detail of the refusal that it leads to.
type refusal struct {
	when         bool
	name, detail string
}

// firstRefusal is the first whose condition holds, nil if there is none.
func firstRefusal(refusals ...refusal) *reply {
	for _, r := range refusals {
		if r.when {
			return refuse(r.name, r.detail)
		}
	}
	return nil
}

// notImplemented answers for what Okta has and this package does not: in neither of Okta's forms, so that it is not
// mistaken for an answer of Okta's.
func notImplemented(what string) *reply {
	body := object{{"oktatest", what + " is not implemented by this server"}}
	return &reply{status: 501, code: "not_implemented", body: body}
}

// object is a JSON object that keeps the order of its members, which is that of recorded answers.
type object []member

type member struct {
	name  string
	value any
}

// get is the value of a member; nil if there is none.
func (o object) get(name string) any {
	if i := o.index(name); i >= 0 {
		return o[i].value
	}
	return nil
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

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	parts := make([][]byte, len(o))
	for i, m := range o {
		parts[i] = slices.Concat(marshal(m.name), []byte(":"), marshal(m.value))
	}
	return slices.Concat([]byte("{"), bytes.Join(parts, []byte(",")), []byte("}")), nil
}

// marshal writes JSON without escaping <, > and &, as Okta does. The values are this package's own, or checkClaims has
// seen them.
func marshal(v any) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// UnmarshalJSON keeps the order of the members, for faults that change an answer. The values stay json.RawMessage.
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

// sortedList is how Okta's texts show lists: "[a, b]".
func sortedList(names []string) string {
	return "[" + strings.Join(slices.Sorted(slices.Values(names)), ", ") + "]"
}
