package okta

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// response is what came back, and what it is an response to.
type response struct {
	*http.Response
	body []byte

	about  operation
	client *Client
	hide   func(string) string // takes the request's secrets out of foreign text
	sent   time.Time           // just before the request went out
}

// accept judges by the header alone whether the body is worth reading.
func (a response) accept() error {
	if a.StatusCode >= 300 && a.StatusCode < 400 {
		e := a.unusable("a redirect", nil)
		e.Redirect = "an unreadable address"
		if target, err := a.Location(); err == nil {
			e.Redirect = a.foreign(ascii(target.Host), 120)
		}
		e.What = "a redirect to " + e.Redirect
		return e
	}
	if a.about == userInfo {
		if err := a.challenge(); err != nil {
			return err
		}
	}
	if a.about == revocation && a.StatusCode == http.StatusOK {
		return nil // an empty body of any type is as it should be
	}
	kind := a.Header.Get("Content-Type")
	if a.ContentLength == 0 || a.StatusCode == http.StatusNoContent {
		return a.unusable(emptyAnswer, nil)
	}
	media, _, err := mime.ParseMediaType(kind)
	switch {
	case err == nil && media == "application/json":
		return nil
	case err == nil && (media == "text/html" || media == "application/xhtml+xml"):
		return a.unusable(htmlPage, nil)
	case kind == "":
		return a.unusable("an answer without a content type", nil)
	default:
		return a.unusable("an answer of type "+strconv.Quote(a.foreign(kind, 80)), nil)
	}
}

// tokens reads the answer of a token endpoint.
func (a response) tokens() (*TokenResponse, error) {
	members, err := a.object()
	if err != nil {
		return nil, err
	}
	if a.StatusCode != http.StatusOK {
		return nil, a.unusable("JSON that is neither a token answer nor an error", nil)
	}
	tokens, err := members.tokens()
	if err != nil {
		return nil, a.unusable("an unusable token answer", err)
	}
	return tokens, nil
}

// document reads the answer of whoever answers with 200 and a JSON object, or refuses.
func (a response) document() (jsonObject, error) {
	members, err := a.object()
	if err == nil && a.StatusCode != http.StatusOK {
		err = a.unusable("JSON that is not an error", nil)
	}
	return members, err
}

// object reads the body. A refusal wins, whatever the status and whatever is beside it.
func (a response) object() (jsonObject, error) {
	switch text := bytes.TrimSpace(a.body); {
	case len(text) == 0:
		return nil, a.unusable(emptyAnswer, nil)
	case text[0] == '<':
		return nil, a.unusable(htmlPage, nil)
	}
	members, err := readObject(a.body)
	if err != nil {
		return nil, a.unusable("unusable JSON", err)
	}
	return members, a.refusal(members)
}

// refusal understands both shapes that Okta uses at the same endpoint: {error, error_description} of
// RFC 6749 §5.2, and {errorCode, errorSummary, errorId}. https://developer.okta.com/docs/reference/error-codes/
func (a response) refusal(m jsonObject) error {
	for _, shape := range [][2]string{{"error", "error_description"}, {"errorCode", "errorSummary"}} {
		if !m.has(shape[0]) {
			continue
		}
		code, err := m.text(shape[0])
		if err == nil && strings.TrimSpace(code) == "" {
			err = fmt.Errorf("%s is empty", shape[0])
		}
		if err != nil {
			return a.unusable("an unusable error answer", err)
		}
		description, _ := m.text(shape[1])
		id, _ := m.text("errorId")
		return a.refused(code, description, id)
	}
	return nil
}

// refused makes an Error of what Okta said.
func (a response) refused(code, description, id string) *Error {
	return &Error{
		Status:      a.StatusCode,
		Code:        a.foreign(code, 80),
		Description: a.foreign(description, 300),
		RequestID:   a.requestID(),
		ErrorID:     a.foreign(id, 80),
		RetryAfter:  retryAfter(a.StatusCode, a.Header, a.client.now()),
		ClockSkew:   clockSkew(a.Header, a.client.now()),
		about:       a.about,
		client:      a.client,
	}
}

// foreign makes text from outside fit for an error message.
func (a response) foreign(text string, limit int) string { return Sanitize(a.hide(text), limit) }

func (a response) requestID() string { return a.foreign(a.Header.Get("X-Okta-Request-Id"), 80) }

func (a response) unusable(what string, err error) *ResponseError {
	if err != nil && a.hide(err.Error()) != err.Error() {
		err = errors.New(a.hide(err.Error()))
	}
	return &ResponseError{Host: a.client.Server.Host(), Status: a.StatusCode, What: what, RequestID: a.requestID(), Err: err, about: a.about}
}

// ascii shows a host with \u escapes for what could pass for another letter.
func ascii(host string) string {
	quoted := strconv.QuoteToASCII(host)
	return quoted[1 : len(quoted)-1]
}
