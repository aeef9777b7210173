package okta

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"okauth/pkg/transport"
)

// response is what came back to one request.
type response struct {
	request
	redact func(string) string         // removes the request's secrets from foreign text
	start  time.Time                   // just before the request was sent, by this machine's clock
	sent   time.Time                   // the same moment by Client.Now
	seen   func() transport.Connection // what the request has met so far

	*http.Response           // nil until its header has arrived
	received       time.Time // by Client.Now
	namesNonce     bool      // its header has one for the next DPoP proof
	body           []byte
	object         jsonObject // the body
}

// checkHeader decides by the header alone whether the body is worth reading.
func (r response) checkHeader() error {
	if r.StatusCode >= 300 && r.StatusCode < 400 {
		host := "an unreadable address"
		if target, err := r.Location(); err == nil {
			ascii := strconv.QuoteToASCII(target.Host) // it shows letters that could pass for others
			host = r.foreign(ascii[1:len(ascii)-1], 120)
		}
		e := r.unusable("a redirect to "+host, nil)
		e.Redirect = host
		return e
	}
	if r.info.Operation == OperationUserInfo {
		if err := r.challenge(); err != nil {
			return err
		}
	}
	// "identity" is no coding. A coding that net/http asked for is gone by now.
	// https://www.rfc-editor.org/rfc/rfc9110#section-8.4
	if coding := strings.Join(r.Header.Values("Content-Encoding"), ", "); strings.Trim(coding, ", ") != "" &&
		!strings.EqualFold(coding, "identity") {
		return r.unusable("a response in the content coding "+strconv.Quote(r.foreign(coding, 40))+
			", which was not asked for", nil)
	}
	if r.isReceipt() {
		return nil
	}
	contentType := r.Header.Get("Content-Type")
	if r.ContentLength == 0 || r.StatusCode == http.StatusNoContent {
		return r.unusable(EmptyResponse, nil)
	}
	media, _, err := mime.ParseMediaType(contentType)
	switch {
	// "+json" says that the body is JSON as well: RFC 6839 §3.1, https://www.rfc-editor.org/rfc/rfc6839#section-3.1
	case err == nil && (media == "application/json" || strings.HasSuffix(media, "+json")):
		return nil
	case err == nil && (media == "text/html" || media == "application/xhtml+xml"):
		return r.unusable(HTMLPage, nil)
	case contentType == "":
		return r.unusable("a response without a content type", nil)
	default:
		return r.unusable("a response of type "+strconv.Quote(r.foreign(contentType, 80)), nil)
	}
}

// isReceipt reports whether the response says that a token is revoked: "The content of the response body is ignored by
// the client as all necessary information is conveyed in the response code": RFC 7009 §2.2,
// https://www.rfc-editor.org/rfc/rfc7009#section-2.2. Two bodies are no receipt: an HTML page, which a proxy wrote, and
// an error that came with 200.
func (r response) isReceipt() bool {
	return r.info.Operation == OperationRevoke && r.StatusCode == http.StatusOK
}

// readBody reads the body as a JSON object that came with 200. An error in it wins, whatever the status and the other
// members are.
func (r *response) readBody() (err error) {
	r.object, err = readObject(r.body)
	switch text := bytes.TrimSpace(r.body); {
	case bytes.HasPrefix(text, []byte("<")):
		return r.unusable(HTMLPage, nil)
	case err != nil && r.isReceipt():
		return nil
	case len(text) == 0:
		return r.unusable(EmptyResponse, nil)
	case err != nil:
		return r.unusable("unusable JSON", err)
	}
	err = r.errorInBody()
	switch {
	case err != nil || r.StatusCode == http.StatusOK:
		return err
	case r.info.Operation == OperationToken:
		return r.unusable("JSON that is neither a token response nor an error", nil)
	}
	return r.unusable("JSON that is not an error", nil)
}

// errorInBody understands both shapes that Okta uses at the same endpoint: {error, error_description} of RFC 6749 §5.2,
// and {errorCode, errorSummary, errorId}. nil where the object has neither.
// https://developer.okta.com/docs/reference/error-codes/
func (r response) errorInBody() error {
	for _, shape := range [][2]string{{"error", "error_description"}, {"errorCode", "errorSummary"}} {
		if !r.object.has(shape[0]) {
			continue
		}
		code, err := r.object.text(shape[0])
		if err == nil && strings.TrimSpace(code) == "" {
			err = fmt.Errorf("%s is empty", shape[0])
		}
		if err != nil {
			return r.unusable("an unusable error response", err)
		}
		description, _ := r.object.text(shape[1])
		e := r.oktaError(code, description)
		if code == "mfa_required" {
			token, _ := r.object.text("mfa_token")
			e.MFAToken = NewSecret(token)
		}
		return e
	}
	return nil
}

// challenge reads the error of a bearer token, which is in a header before an empty body. nil where there is none.
// RFC 6750 §3: https://www.rfc-editor.org/rfc/rfc6750#section-3
func (r response) challenge() error {
	if r.StatusCode < 400 || r.StatusCode >= 500 {
		return nil
	}
	if code, description := ErrorIn(r.Header); code != "" {
		return r.oktaError(code, description)
	}
	code := map[int]string{401: "invalid_token", 403: "insufficient_scope"}[r.StatusCode]
	if code == "" || r.ContentLength != 0 && r.Header.Get("Content-Type") != "" {
		return nil // the body may say more
	}
	return r.oktaError(code, "")
}

// ErrorIn returns the error in the header of a response that refuses an access token, and its description, as they
// came; "" where there is none.
func ErrorIn(header http.Header) (code, description string) {
	for _, challenge := range header.Values("WWW-Authenticate") {
		if params := bearerParams(challenge); params["error"] != "" {
			return params["error"], params["error_description"]
		}
	}
	return "", ""
}

// bearerParams returns the parameters of the challenge with the scheme Bearer or DPoP in a WWW-Authenticate header, by
// their names in lower case. RFC 9110 §11.6.1: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
func bearerParams(header string) map[string]string {
	// A parameter has a "=" and a value, a quoted string or a token; a scheme is a token without one.
	part := regexp.MustCompile(`([^\s",=]+)(?:[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^\s",]+))?`)
	params := map[string]string{}
	bearer := false
	for _, m := range part.FindAllStringSubmatch(header, -1) {
		name, value := strings.ToLower(m[1]), m[2]
		if value == "" {
			bearer = name == "bearer" || name == "dpop"
			continue
		}
		if strings.HasPrefix(value, `"`) {
			value = regexp.MustCompile(`\\(.)`).ReplaceAllString(value[1:len(value)-1], "$1")
		}
		if _, twice := params[name]; bearer && !twice {
			params[name] = value
		}
	}
	return params
}

func (r response) oktaError(code, description string) *Error {
	wait, _ := retryAfter(r.StatusCode, r.Header, r.received)
	return &Error{
		RequestInfo: r.info,
		Status:      r.StatusCode,
		Code:        r.foreign(code, 80),
		Description: r.foreign(description, 300),
		RequestID:   r.requestID(),
		RetryAfter:  wait,
		ClockSkew:   clockSkew(r.Header, r.received),
	}
}

func (r response) unusable(what string, err error) *ResponseError {
	if err != nil && r.redact(err.Error()) != err.Error() {
		err = errors.New(r.redact(err.Error()))
	}
	return &ResponseError{RequestInfo: r.info, Status: r.StatusCode, What: what, RequestID: r.requestID(), Err: err}
}

// foreign makes text from outside safe to show in an error.
func (r response) foreign(text string, limit int) string { return Sanitize(r.redact(text), limit) }

func (r response) requestID() string { return r.foreign(r.Header.Get("X-Okta-Request-Id"), 80) }
