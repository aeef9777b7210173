package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"okauth/pkg/okta"
)

// maxLife is the longest life of a token that is accepted in a stored session.
const maxLife = 10 * 365 * 24 * time.Hour

// sessionVersion is the version of sessionJSON; every change of that needs a new one.
const sessionVersion = 3

// sessionJSON is the session as it is stored.
type sessionJSON struct {
	Version   int            `json:"okauth"`
	Session   *Identity      `json:"session"`
	Username  string         `json:"username,omitempty"`
	Factor    string         `json:"factor,omitempty"`
	Refresh   *refreshJSON   `json:"refresh,omitempty"`
	DPoPKey   string         `json:"dpop_key,omitempty"`
	DPoPNonce string         `json:"dpop_nonce,omitempty"`
	Revision  uint64         `json:"revision"`
	Sets      []tokenSetJSON `json:"sets"`
	Device    string         `json:"device_secret,omitempty"`
}

type refreshJSON struct {
	Token      string    `json:"token"`
	Requested  []string  `json:"requested,omitempty"`
	Granted    []string  `json:"granted,omitempty"`
	ObtainedAt time.Time `json:"obtained_at"` // RFC 3339 with nanoseconds, UTC
	Rotation   Rotation  `json:"rotation,omitempty"`
}

type tokenSetJSON struct {
	Requested   []string  `json:"requested,omitempty"`
	Granted     []string  `json:"granted,omitempty"`
	Exchange    string    `json:"exchange,omitempty"`
	IssuedType  string    `json:"issued_token_type,omitempty"`
	DPoPKey     string    `json:"dpop_key,omitempty"`
	AccessToken string    `json:"access_token,omitempty"`
	IDToken     string    `json:"id_token,omitempty"`
	TokenType   string    `json:"token_type,omitempty"`
	ObtainedAt  time.Time `json:"obtained_at"` // RFC 3339 with nanoseconds, UTC
	ExpiresIn   int64     `json:"expires_in"`  // seconds
}

func encodeSession(s *Session) ([]byte, error) {
	id := s.Identity
	out := sessionJSON{
		Version: sessionVersion, Session: &id, Username: s.Username, Factor: s.Factor, Revision: s.Revision,
		Device:  s.DeviceSecret.Reveal(),
		DPoPKey: s.DPoPKey.Reveal(), DPoPNonce: s.DPoPNonce, Sets: []tokenSetJSON{},
	}
	if r := s.Refresh; !r.Value.IsZero() {
		out.Refresh = &refreshJSON{r.Value.Reveal(), r.Requested, r.Granted, r.ObtainedAt.UTC().Round(0), r.Rotation}
	}
	for _, set := range s.Sets {
		out.Sets = append(out.Sets, tokenSetJSON{
			Requested: set.Requested, Granted: set.Granted, Exchange: set.Exchange, IssuedType: set.IssuedTokenType,
			DPoPKey:     set.DPoPKey.Reveal(),
			AccessToken: set.AccessToken.Reveal(), IDToken: set.IDToken.Reveal(), TokenType: set.TokenType,
			ObtainedAt: set.ObtainedAt.UTC().Round(0), ExpiresIn: int64(set.ExpiresIn / time.Second),
		})
	}
	names := []string{s.Username, s.Factor, s.DPoPNonce, id.Profile, id.Issuer, id.ClientID, id.User}
	for _, set := range s.Sets {
		names = append(names, set.Exchange, set.IssuedTokenType)
	}
	if !utf8.ValidString(strings.Join(names, "\n")) {
		return nil, errors.New("a name in it is not UTF-8")
	}
	if err := out.check(); err != nil {
		return nil, err
	}
	return encodeEnvelope(out)
}

// decodeSession accepts only what encodeSession writes. Its errors do not quote the value.
func decodeSession(value []byte) (*Session, error) {
	var in sessionJSON
	if err := decodeEnvelope(value, &in, &in.Version, sessionVersion); err != nil {
		return nil, err
	}
	if in.Session == nil {
		return nil, CorruptError("it holds no session")
	}
	if err := in.check(); err != nil {
		return nil, CorruptError(err.Error())
	}
	s := &Session{
		Identity: *in.Session, Username: in.Username, Factor: in.Factor, Revision: in.Revision,
		DeviceSecret: okta.NewSecret(in.Device),
		DPoPKey:      okta.NewSecret(in.DPoPKey), DPoPNonce: in.DPoPNonce,
	}
	if r := in.Refresh; r != nil {
		s.Refresh = RefreshToken{okta.NewSecret(r.Token), r.Requested, r.Granted, r.ObtainedAt, r.Rotation}
	}
	for _, set := range in.Sets {
		s.Sets = append(s.Sets, TokenSet{
			Requested: set.Requested, Granted: set.Granted, Exchange: set.Exchange, IssuedTokenType: set.IssuedType,
			DPoPKey:     okta.NewSecret(set.DPoPKey),
			AccessToken: okta.NewSecret(set.AccessToken), IDToken: okta.NewSecret(set.IDToken), TokenType: set.TokenType,
			ObtainedAt: set.ObtainedAt, ExpiresIn: time.Duration(set.ExpiresIn) * time.Second,
		})
	}
	return s, nil
}

// check runs before writing and after reading, so that nothing is stored that cannot be read again.
func (s *sessionJSON) check() error {
	if err := s.Refresh.check(); err != nil {
		return err
	}
	if err := okta.CheckToken(s.Device); s.Device != "" && err != nil {
		return fmt.Errorf("the device secret %w", err)
	}
	if err := okta.CheckToken(s.DPoPKey); s.DPoPKey != "" && err != nil { // it is not opened here
		return fmt.Errorf("the DPoP key %w", err)
	}
	for _, set := range s.Sets {
		for _, token := range []string{set.AccessToken, set.IDToken, set.DPoPKey} {
			if err := okta.CheckToken(token); token != "" && err != nil {
				return fmt.Errorf("a token %w", err)
			}
		}
		if set.ExpiresIn < 0 || set.ExpiresIn > int64(maxLife/time.Second) {
			return fmt.Errorf("expires_in is %d, expected 0 to %d seconds", set.ExpiresIn, int64(maxLife/time.Second))
		}
		if err := checkTime(set.ObtainedAt); err != nil {
			return err
		}
	}
	return nil
}

func (r *refreshJSON) check() error {
	if r == nil {
		return nil
	}
	if err := okta.CheckToken(r.Token); err != nil {
		return fmt.Errorf("the refresh token %w", err)
	}
	if r.Rotation != RotationUnknown && r.Rotation != Rotating && r.Rotation != Persistent {
		return errors.New("the rotation of the refresh token is unknown")
	}
	return checkTime(r.ObtainedAt)
}

// checkTime refuses what encoding/json cannot write.
func checkTime(t time.Time) error {
	if year := t.UTC().Year(); year < 1 || year > 9999 {
		return fmt.Errorf("obtained_at is in the year %d, expected 1 to 9999", year)
	}
	return nil
}

// Every stored value is a JSON object with the version of its format: {"okauth":1,…}. Nothing else can be mistaken
// for one: another application's item, the output of a broken program, a truncated value. Each kind of value counts
// its own versions.

// encodeEnvelope returns v as JSON in printable ASCII. Other characters are escaped, since keychains disagree about
// encodings.
func encodeEnvelope(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return escapeNonASCII(bytes.TrimRight(b.Bytes(), "\n")), nil
}

// escapeNonASCII writes every character that is not printable ASCII as \uXXXX. encoding/json writes such characters
// only inside strings, where that means the same.
func escapeNonASCII(doc []byte) []byte {
	out := make([]byte, 0, len(doc))
	for _, r := range string(doc) {
		if r >= 0x20 && r < 0x7f {
			out = append(out, byte(r))
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out
}

// decodeEnvelope decodes value into v, which must know every member and has version among them; it must be known. The
// error is an *Error without Op. It does not quote encoding/json's errors, because they quote the value.
func decodeEnvelope(value []byte, v any, version *int, known int) error {
	if !isASCII(value) {
		return CorruptError("it is not okauth's JSON")
	}
	dec := json.NewDecoder(bytes.NewReader(value))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil || *version != known {
		return versionError(value, uint64(known))
	}
	if _, err := dec.Token(); err != io.EOF {
		return CorruptError("data follows okauth's JSON")
	}
	return nil
}

// versionError returns what is wrong with a value of another version or shape.
func versionError(value []byte, known uint64) error {
	var envelope struct {
		Version json.Number `json:"okauth"`
	}
	if err := json.Unmarshal(value, &envelope); err != nil {
		return CorruptError("it is not okauth's JSON")
	}
	version, err := strconv.ParseUint(string(envelope.Version), 10, 32)
	switch {
	case err != nil || version == 0:
		return CorruptError("it has no version")
	case version > known:
		return NewerError(version, known)
	case version < known:
		return CorruptError(fmt.Sprintf("it has format %d, from before the first release", version))
	}
	return CorruptError("it is not what okauth writes")
}
