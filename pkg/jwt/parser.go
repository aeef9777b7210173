package jwt

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"strings"
)

// parser takes tokens apart, each in the memory of the one before.
type parser struct {
	reader  reader
	decoded []byte // the parts of the token, one after the other
	claims  Object
	// The tokens of an issuer begin alike until it takes another key: this header was read before.
	headerPart string
	header     Object
}

// parse is [Parse]. The next call overwrites what it returns, except for the header.
func (p *parser) parse(token string) (Unverified, error) {
	dots, err := countDots(token)
	if err != nil {
		return Unverified{}, err
	}
	if dots == 4 {
		return Unverified{}, encrypted(token[:strings.IndexByte(token, '.')])
	}
	first, last := strings.IndexByte(token, '.'), strings.LastIndexByte(token, '.')
	parts := [3]string{token[:first], token[first+1 : last], token[last+1:]}
	raw, err := p.decode(token, &parts)
	if err != nil {
		return Unverified{}, err
	}
	if err := p.readHeader(parts[0], raw[0]); err != nil {
		return Unverified{}, err
	}
	if cap(p.claims) > mostKept {
		p.claims = nil
	}
	clear(p.claims) // lest the names of a long token be kept by the end of this list
	p.claims, err = p.reader.read("token's claims part", raw[1], p.claims[:0])
	if err != nil {
		// "the use of this Header Parameter is REQUIRED; in this case, the value MUST be "JWT", to indicate that a Nested JWT is carried"
		// https://www.rfc-editor.org/rfc/rfc7519#section-5.2
		if cty, _ := p.header.String("cty"); strings.EqualFold(cty, "JWT") {
			return Unverified{}, formatErrorf(ReasonNested, "token holds another token instead of claims (cty %q)", "JWT")
		}
		return Unverified{}, err
	}
	return Unverified{Header: p.header, Claims: p.claims, signature: raw[2]}, nil
}

// mostKept is how many members a list may have room for to be used again.
const mostKept = 64

// readHeader sets the header, which is the one of before if it is spelt like that.
func (p *parser) readHeader(part string, raw []byte) error {
	if p.headerPart == part {
		return nil
	}
	header, err := p.reader.read("token's header part", bytes.Clone(raw), nil)
	if err != nil {
		return err
	}
	p.header, p.headerPart = header, strings.Clone(part)
	return nil
}

// decode decodes the three parts of a token before any of them is read, but for a header that was read before. It is strict about
// trailing bits, so that one token has exactly one spelling.
func (p *parser) decode(token string, parts *[3]string) (raw [3][]byte, err error) {
	all, strict := p.decoded[:0], base64.RawURLEncoding.Strict()
	if cap(all) == 0 {
		all = make([]byte, 0, len(token)*3/4)
	}
	for i, name := range [...]string{"header", "claims", "signature"} {
		if parts[i] == "" && i < 2 {
			err = cmp.Or(err, formatErrorf(ReasonParts, "token has an empty %s part", name))
			continue
		}
		if i == 0 && parts[0] == p.headerPart {
			continue
		}
		start := len(all)
		var bad error
		if all, bad = strict.AppendDecode(all, []byte(parts[i])); bad != nil {
			// Which byte is wrong says more than that a part is.
			if bad := checkAlphabet(token, false); bad != nil {
				return raw, bad
			}
			return raw, cmp.Or(err, formatErrorf(ReasonEncoding, "token's %s part is not base64url", name))
		}
		raw[i] = all[start:len(all):len(all)]
	}
	p.decoded = all
	return raw, err
}
