package okta

import (
	"encoding/json"
	"fmt"
	"slices"

	"okauth/pkg/internal/strictjson"
)

// jsonObject holds the members of a JSON object by their exact names.
type jsonObject map[string]json.RawMessage

// readObject reads body as exactly one JSON object.
func readObject(body []byte) (jsonObject, error) {
	members, err := strictjson.Object(body)
	if err != nil {
		return nil, err
	}
	object := make(jsonObject, len(members))
	for _, m := range members {
		object[m.Name] = m.Value
	}
	return object, nil
}

// has reports whether a member is there and not null.
func (o jsonObject) has(name string) bool {
	value, ok := o[name]
	return ok && string(value) != "null"
}

// text returns a string member, "" where it is absent or null.
func (o jsonObject) text(name string) (string, error) {
	if !o.has(name) {
		return "", nil
	}
	text, ok := strictjson.Unquote(o[name])
	if !ok {
		return "", fmt.Errorf("%s is not a string", name)
	}
	return text, nil
}

// list returns an array of strings, nil where it is absent or null.
func (o jsonObject) list(name string) ([]string, error) {
	if !o.has(name) {
		return nil, nil
	}
	var values []string
	if json.Unmarshal(o[name], &values) != nil || slices.Contains(values, "") { // null becomes ""
		return nil, fmt.Errorf("%s is not an array of strings", name)
	}
	return values, nil
}
