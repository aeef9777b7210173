package transport

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
)

// Shape says what a file holds where PEM with a certificate or a private key is expected: authorities, browsers and
// Windows hand out other shapes of the same.
type Shape string

// The shapes that are known by name.
const (
	ShapeDER      Shape = "a certificate in DER"
	ShapeBase64   Shape = "a certificate in base64 without its BEGIN and END"
	ShapeTrusted  Shape = "an OpenSSL TRUSTED CERTIFICATE"
	ShapePKCS7    Shape = "PKCS #7 in PEM"
	ShapePKCS7DER Shape = "PKCS #7 in DER"
	ShapePKCS12   Shape = "a PKCS #12 archive"
	ShapeKey      Shape = "a private key"
	ShapeKeyDER   Shape = "a private key in DER"
	ShapePublic   Shape = "a public key"
	ShapeRequest  Shape = "a certificate request (CSR)"
	ShapeRevoked  Shape = "a revocation list (CRL)"
	ShapeUTF16    Shape = "text in UTF-16"
)

// Shapes returns all shapes that are known by name.
func Shapes() []Shape {
	return []Shape{ShapeDER, ShapeBase64, ShapeTrusted, ShapePKCS7, ShapePKCS7DER, ShapePKCS12, ShapeKey, ShapeKeyDER,
		ShapePublic, ShapeRequest, ShapeRevoked, ShapeUTF16}
}

// shapeOf returns the shape of a file, "" for one that is unknown.
func shapeOf(content []byte) Shape {
	if bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")) {
		return ShapeUTF16
	}
	if block, _ := pem.Decode(content); block != nil {
		switch kind := block.Type; {
		case kind == "TRUSTED CERTIFICATE", kind == "X509 CERTIFICATE":
			return ShapeTrusted
		case strings.HasPrefix(kind, "PKCS"), kind == "CMS": // "PKCS7", "PKCS #7 SIGNED DATA"
			return ShapePKCS7
		case strings.HasSuffix(kind, "PRIVATE KEY"):
			return ShapeKey
		case strings.HasSuffix(kind, "PUBLIC KEY"):
			return ShapePublic
		case strings.HasSuffix(kind, "CERTIFICATE REQUEST"):
			return ShapeRequest
		case kind == "X509 CRL":
			return ShapeRevoked
		}
		return ""
	}
	if shape := shapeOfDER(content); shape != "" {
		return shape
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(content)), ""))
	if err == nil && shapeOfDER(der) == ShapeDER {
		return ShapeBase64
	}
	return ""
}

func shapeOfDER(der []byte) Shape {
	if len(der) == 0 || der[0] != 0x30 { // all of them are a SEQUENCE
		return ""
	}
	head := der[:min(len(der), 40)]
	// PFX ::= SEQUENCE { version INTEGER (3), … }: https://www.rfc-editor.org/rfc/rfc7292#section-4
	pfx := bytes.Contains(head[:min(len(head), 10)], []byte{0x02, 0x01, 0x03, 0x30})
	// ContentInfo with the type signedData: https://www.rfc-editor.org/rfc/rfc2315#section-14
	signed := bytes.Contains(head, []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02})
	parses := func(_ any, err error) bool { return err == nil }
	switch {
	case parses(x509.ParseCertificates(der)):
		return ShapeDER
	case pfx:
		return ShapePKCS12
	case signed:
		return ShapePKCS7DER
	case parses(x509.ParsePKCS8PrivateKey(der)), parses(x509.ParsePKCS1PrivateKey(der)),
		parses(x509.ParseECPrivateKey(der)):
		return ShapeKeyDER
	case parses(x509.ParsePKIXPublicKey(der)):
		return ShapePublic
	case parses(x509.ParseCertificateRequest(der)):
		return ShapeRequest
	case parses(x509.ParseRevocationList(der)):
		return ShapeRevoked
	}
	return ""
}

// expected returns the error of a file without a block of PEM.
func expected(block string, content []byte) error {
	if shape := shapeOf(content); shape != "" {
		return &ShapeError{shape, block}
	}
	what := strings.ToLower(block)
	return fmt.Errorf(`no %s in it, expected "-----BEGIN %s-----"`, what, block)
}

// ShapeError is the Err of a FileError whose file has another shape.
type ShapeError struct {
	Shape Shape
	Block string // the block of PEM that was expected: "CERTIFICATE", "PRIVATE KEY"
}

func (e *ShapeError) Error() string {
	return fmt.Sprintf(`expected "-----BEGIN %s-----" (PEM), got %s`, e.Block, e.Shape)
}
