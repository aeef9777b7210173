package transport

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"okauth/pkg/internal/roca"
)

// weakKey is the key of test 7 of Wycheproof's json_web_key_test.json (CVE-2017-15361).
func weakKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	number := func(text string) *big.Int {
		octets, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return new(big.Int).SetBytes(octets)
	}
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{E: 65537, N: number("AanFpofbj7KjD4Lf-" +
			"N2hVMKR7yewSyXhhbirIMTGpfYEhZ_lnt5UoK98DnKIgArXGTu3MaW_HhFw16HGaTDUHqPrId7fe4r11CqRw09yBFu" +
			"W79V8sYIwHdzCaWflUI6auImYbVfoN9_nD5n8N8SY9DwXw7mwZM9wREPXoDPgOoIWl6q_MPsp7n0zs3Z5ZaiQWOOzl" +
			"1S9OhwAfSiiOwz6efnXEaxuTEtPd7BjSx7NaFka8Dx9U7YqXy2RFj1O9PjyaDGuRh7YXsX3iMUSP_wSyHQg_c_qHRt" +
			"KUsNSGCT7OZg0hzm2KphtjnayKJvC64vAbROBR4Ubg6Bxg9IQVZ-QYyE")},
		D: number("NGpEqgz5j8BLNI1mEcK-sIVOr9AgMDWnRKisjAz4eWTtHlYiTLSWY4QeMzNir_LzBEr1LbZteTAvG5dVc9FpRDy6Gr" +
			"ngd6bzy5nONYWPy8a1F88V-zT5OCgm2cd9N1EMzsOZEm1gE4xae1Z1dxptVsiGK-" +
			"HvRypG_SMacch063aSDM46Asvao8PjqWGy-ZGwnaprx5ME4ZWRMKtov8BVMvkrs1KeM7TtjMg27hvreTueu8fbgNc9" +
			"U93S2sWjw_4YvS72idsM95e-MCNwhKkrfufNhc5-8-" +
			"pxD6cbiu8BnG4gR0vuQUNJFx16BsskC7JgOwEUhUg1Q0pYYj3DA54OwQ"),
		Primes: []*big.Int{
			number("ARXNC8pC9mwATep-hd8UJIPF-zxRT3SLSo-oqcfvsfxh31YwlKtfIx7TZgXY1Zqva9zzxJZYxR1XrJp3M0Ny5yRSz0" +
				"4EE7tOjSC3-vR2oIGtkWPFUUF4VpEwrDzqPrZa7JKY-ZJ0qchxLYwzKj7LgEA2HY8l1GBQzHYqqbblMNyF"),
			number("AYhb2gXYokQugcoSDcl9jeeqwpccV-1Fv93RTtaFMoDJ5kJipWpmTIuT06ZLVc0-" +
				"2FNl9U3HaiNnHgT07Sjnllj2XGBH5tFT-2u8UUby7QEX8I5QRrdCs6FEtoIxY-" +
				"eGZWD5MbF8bwrdE1xuhk7dvxlGcEzsAqWMU1ORoRdCZgzt"),
		},
	}
	key.Precompute()
	return key
}

// A weak RSA key is refused by name wherever a certificate brings one: from a file, or from a server.
func TestAT45_ROCACertificates(t *testing.T) {
	t.Parallel()
	key := weakKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "weak"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "weak.pem")
	write(t, file, append(pemOf("CERTIFICATE", der), pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))...))
	for setting, c := range map[string]Config{"ca_file": {CAFile: file}, "client_cert": {ClientCert: file}} {
		_, err := New(c)
		if bad, ok := errors.AsType[*FileError](err); !ok || bad.Setting != setting || !errors.Is(err, roca.ErrWeak) {
			t.Errorf("%s: got %v", setting, err)
		}
	}

	ours := newAuthority(t, "an authority we know")
	if der, err = x509.CreateCertificate(rand.Reader, template, ours.cert, &key.PublicKey, ours.key); err != nil {
		t.Fatal(err)
	}
	server := serve(t, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, nil)
	for route, proxy := range ours.routes(server.Listener.Addr().String()) {
		_, err := get(client(t, Config{CAFile: ours.file, Proxy: proxy}), server.URL)
		if !errors.Is(err, roca.ErrWeak) || !strings.Contains(err.Error(), "CVE-2017-15361") {
			t.Errorf("%s: got %v", route, err)
		}
	}
}
