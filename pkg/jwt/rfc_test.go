package jwt

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// The examples that the RFCs print. Their payloads are no claims of a sign-in, or none at all, so what is tested is the
// key and the signature.

const (
	rfc7515Claims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	rfc7520Text   = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4"
	rfc7520RSA    = `"kty":"RSA","kid":"bilbo.baggins@hobbiton.example","use":"sig","e":"AQAB","n":"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw"`
	rfc7520EC     = `"kty":"EC","kid":"bilbo.baggins@hobbiton.example","use":"sig","crv":"P-521","x":"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt","y":"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1"`
	rfc7515RSA    = `"kty":"RSA","kid":"added","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"`
	rfc7515P256   = `"kty":"EC","kid":"added","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"`
	rfc7515P521   = `"kty":"EC","kid":"added","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"`
	rfc8037Ed     = `"kty":"OKP","kid":"added","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
)

func TestST20_ExamplesOfTheRFCs(t *testing.T) {
	t.Parallel()
	const kid = `","kid":"bilbo.baggins@hobbiton.example"}`
	header := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	tests := map[string]struct{ key, signed, signature string }{
		"RFC 7515 A.2 RS256": {rfc7515RSA, header(`{"alg":"RS256"}`) + "." + rfc7515Claims,
			"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"},
		"RFC 7515 A.3 ES256": {rfc7515P256, header(`{"alg":"ES256"}`) + "." + rfc7515Claims,
			"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
		"RFC 7515 A.4 ES512": {rfc7515P521, header(`{"alg":"ES512"}`) + "." + header("Payload"),
			"AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"},
		"RFC 7520 4.1 RS256": {rfc7520RSA, header(`{"alg":"RS256`+kid) + "." + rfc7520Text,
			"MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg"},
		"RFC 7520 4.2 PS384": {rfc7520RSA, header(`{"alg":"PS384`+kid) + "." + rfc7520Text,
			"cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw"},
		"RFC 7520 4.3 ES512": {rfc7520EC, header(`{"alg":"ES512`+kid) + "." + rfc7520Text,
			"AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2"},
		"RFC 8037 A.4 EdDSA": {rfc8037Ed, header(`{"alg":"EdDSA"}`) + "." + header("Example of Ed25519 signing"),
			"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, err := parseKey([]byte("{" + test.key + "}"))
			if err != nil {
				t.Fatal(err)
			}
			signature, err := base64.RawURLEncoding.DecodeString(test.signature)
			if err != nil {
				t.Fatal(err)
			}
			part, payloadPart, _ := strings.Cut(test.signed, ".")
			payload, err := base64.RawURLEncoding.DecodeString(payloadPart)
			if err != nil {
				t.Fatal(err)
			}
			h, err := parseSignedHeader(Unverified{headerPart: part})
			if err != nil {
				t.Fatal(err)
			}
			alg := algorithmOfHeader(t, test.signed)
			verify := func(payload []byte) bool {
				signed := part + "." + base64.RawURLEncoding.EncodeToString(payload)
				u := Unverified{headerPart: part, signed: signed, payload: payload, signature: signature}
				return h.verify(u, alg, key.key)
			}
			if alg.family != key.family || !verify(payload) {
				t.Error("the example's signature is not good")
			}
			if verify(append(payload[:len(payload):len(payload)], 0)) {
				t.Error("the signature is good for another text")
			}
			for i := range signature {
				signature[i] ^= 1
				if verify(payload) {
					t.Errorf("the signature is good with bit %d changed", 8*i)
				}
				signature[i] ^= 1
			}
		})
	}
}

func algorithmOfHeader(t *testing.T, signed string) algorithm {
	t.Helper()
	first, _, _ := strings.Cut(signed, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		t.Fatal(err)
	}
	var header struct{ Alg string }
	if err := json.Unmarshal(text, &header); err != nil {
		t.Fatal(err)
	}
	alg, ok := algorithmOf(header.Alg)
	if !ok {
		t.Fatalf("no algorithm %q", header.Alg)
	}
	return alg
}

// https://www.rfc-editor.org/rfc/rfc7519#section-6.1
func TestST21_UnsecuredExample(t *testing.T) {
	t.Parallel()
	const token = "eyJhbGciOiJub25lIn0." + rfc7515Claims + "."
	u, err := Parse(token)
	if err != nil || !u.Unsecured() {
		t.Fatalf("got %v, unsecured %t", err, u.Unsecured())
	}
	r := Config{Kind: KindAccess, Issuer: "joe", Audience: "a", Now: func() time.Time { return time.Unix(1300819379, 0) }}
	verifier, err := NewVerifier(r, KeySet{})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.Check(context.Background(), token)
	if err != nil || v.Valid() || v.Checks[2].Name != "alg" || v.Checks[2].State != Failed {
		t.Errorf("got %+v, %v", v.Checks, err)
	}
}
