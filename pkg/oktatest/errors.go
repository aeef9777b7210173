package oktatest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
)

// reply is an answer before it is on the wire. A check that finds nothing wrong returns a nil *reply.
type reply struct {
	status int
	header http.Header
	body   any    // JSON; nil: an empty body, or text
	text   string // plain text; "": an empty body, or JSON
	code   string // what went wrong, for the request log
}

// oauthError is the first of Okta's two shapes of error, RFC 6749 §5.2: https://www.rfc-editor.org/rfc/rfc6749#section-5.2
func oauthError(status int, code, text string) *reply {
	return &reply{status: status, code: code, body: members{{"error", code}, {"error_description", text}}}
}

// apiError is the other shape, that of Okta's management API, which the OAuth endpoints use as well.
// https://developer.okta.com/docs/reference/error-codes/
func apiError(status int, code, text string) *reply {
	return &reply{status: status, code: code, body: members{
		{"errorCode", code}, {"errorSummary", text}, {"errorLink", code}, {"errorId", "oae" + randomText(22)}, {"errorCauses", []any{}},
	}}
}

func notFound(id, kind string) *reply {
	return apiError(http.StatusNotFound, "E0000007", "Not found: Resource not found: "+id+" ("+kind+")")
}

func noSuchPath() *reply {
	return apiError(http.StatusNotFound, "E0000008", "The requested path was not found")
}

func wrongMethod() *reply {
	return apiError(http.StatusMethodNotAllowed, "E0000022", "The endpoint does not support the provided HTTP method")
}

// notPlayed answers for what Okta has and this package has not: plainly, in neither of Okta's shapes, so that nobody takes it for Okta's word.
func notPlayed(what string) *reply {
	return &reply{status: http.StatusNotImplemented, code: "not_played", body: members{{"oktatest", what + " is not played by this server"}}}
}

// member is one name and value of a JSON object; members is an object that keeps the order in which real answers were recorded.
type member struct {
	name  string
	value any
}

type members []member

// set changes the value of a member, or adds it at the end.
func (m *members) set(name string, value any) {
	for i := range *m {
		if (*m)[i].name == name {
			(*m)[i].value = value
			return
		}
	}
	*m = append(*m, member{name, value})
}

func (m *members) remove(name string) {
	*m = slices.DeleteFunc(*m, func(have member) bool { return have.name == name })
}

// MarshalJSON writes the members in order and, as Okta does, without escaping <, > and &.
func (m members) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, mem := range m {
		if i > 0 {
			out.WriteByte(',')
		}
		name, err := marshal(mem.name)
		if err != nil {
			return nil, err
		}
		value, err := marshal(mem.value)
		if err != nil {
			return nil, err
		}
		out.Write(name)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// UnmarshalJSON keeps the order, for a fault that changes one member of an answer; the values stay json.RawMessage.
func (m *members) UnmarshalJSON(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		*m = append(*m, member{name.(string), value})
	}
	return nil
}
