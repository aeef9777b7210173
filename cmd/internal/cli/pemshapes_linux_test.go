package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"

	"okauth/pkg/transport"
)

// shell runs a line in a directory, where nobody can be asked; what a program asks for is on its standard input.
func shell(t *testing.T, dir, line string) []byte {
	t.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir, cmd.Stdin, cmd.SysProcAttr = dir, strings.NewReader("canary\n"), &syscall.SysProcAttr{Setsid: true}
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", line, err, &errs)
	}
	return out
}

// pairFiles writes cert.pem, a certificate signed by itself, and key.pem, its key.
func pairFiles(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: pkcs8},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever shape a certificate or a key is in, the error names it, and the command of the hint makes a file that works.
func TestEveryShapeOfAFileIsNamedAndConverted(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skipf("not tested with the real openssl: %v", err)
	}
	dir := t.TempDir()
	pairFiles(t, dir)
	made := map[transport.Shape][]string{ // each by a command that writes to standard output
		transport.ShapeDER:      {"openssl x509 -outform der -in cert.pem"},
		transport.ShapeBase64:   {"grep -v -- ----- cert.pem", "grep -v -- ----- cert.pem | tr -d '\\n'"},
		transport.ShapeTrusted:  {"openssl x509 -trustout -addtrust serverAuth -in cert.pem", "sed 's/ CERT/ X509 CERT/' cert.pem"},
		transport.ShapePKCS7:    {"openssl crl2pkcs7 -nocrl -certfile cert.pem", "openssl crl2pkcs7 -nocrl -certfile cert.pem | sed 's/PKCS7/PKCS #7 SIGNED DATA/'"},
		transport.ShapePKCS7DER: {"openssl crl2pkcs7 -nocrl -certfile cert.pem -outform der"},
		transport.ShapePKCS12:   {"openssl pkcs12 -export -passout pass:canary -in cert.pem -inkey key.pem"},
		transport.ShapeKey:      {"cat key.pem", "openssl ec -in key.pem"},
		transport.ShapePublic:   {"openssl pkey -pubout -in key.pem", "openssl pkey -pubout -outform der -in key.pem"},
		transport.ShapeKeyDER:   {"openssl pkey -outform der -in key.pem", "openssl ec -outform der -in key.pem", "openssl genrsa 1024 | openssl rsa -traditional -outform der"},
		transport.ShapeRequest:  {"openssl req -new -key key.pem -subj /CN=canary", "openssl req -new -key key.pem -subj /CN=canary -outform der"},
		transport.ShapeRevoked:  {"cat crl.pem", "openssl crl -outform der -in crl.pem"},
		transport.ShapeUTF16:    {"cat utf16"},
	}
	shell(t, dir, `: >index.txt; echo 01 >number
printf '[ca]\ndefault_ca = a\n[a]\ndatabase = index.txt\ncrlnumber = number\ndefault_md = sha256\ndefault_crl_days = 1\n' >ca.conf
openssl ca -gencrl -config ca.conf -keyfile key.pem -cert cert.pem >crl.pem`)
	for _, setting := range []string{"ca_file", "client_cert", "client_key"} {
		config := func(file string) transport.Config {
			cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
			return map[string]transport.Config{
				"ca_file": {CAFile: file}, "client_cert": {ClientCert: file, ClientKey: key}, "client_key": {ClientCert: cert, ClientKey: file},
			}[setting]
		}
		source := map[bool]string{false: "cert.pem", true: "key.pem"}[setting == "client_key"]
		text, err := os.ReadFile(filepath.Join(dir, source))
		if err != nil {
			t.Fatal(err)
		}
		writeUTF16(t, filepath.Join(dir, "utf16"), string(text))
		for _, shape := range transport.Shapes() {
			if len(made[shape]) == 0 {
				t.Errorf("no file has the shape %q", shape)
			}
			for _, command := range made[shape] {
				if setting == "client_key" && shape == transport.ShapeKey {
					continue // this is what it should be
				}
				file := filepath.Join(dir, "the file")
				if err := os.WriteFile(file, shell(t, dir, command), 0o600); err != nil {
					t.Fatal(err)
				}
				checkShape(t, dir, config, file, setting, shape)
			}
		}
	}
}

// checkShape wants the error of a file of that shape, and that the command of the hint helps, if it has one.
func checkShape(t *testing.T, dir string, config func(string) transport.Config, file, setting string, shape transport.Shape) {
	t.Helper()
	_, err := transport.New(config(file))
	found, ok := errors.AsType[*transport.ShapeError](err)
	hint := Hint(err)
	if !ok || found.Shape != shape || ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), string(shape)) ||
		strings.Contains(err.Error()+hint, "canary") {
		t.Errorf("%s as %s: got %v, %s", shape, setting, err, hint)
		return
	}
	convert := regexp.MustCompile("^run `(.*)`, and set " + setting + " to (\\S+)$").FindStringSubmatch(hint)
	mustConvert := map[bool]string{
		false: "a certificate in |TRUSTED|PKCS|UTF-16", true: "private key in DER|PKCS #12|UTF-16",
	}[setting == "client_key"]
	if convert == nil {
		if regexp.MustCompile(mustConvert).MatchString(string(shape)) || !strings.Contains(hint, " as "+setting) {
			t.Errorf("%s as %s: got the hint %q", shape, setting, hint)
		}
		return
	}
	shell(t, dir, convert[1])
	if _, err := transport.New(config(filepath.Join(dir, convert[2]))); err != nil && !strings.Contains(err.Error(), "does not belong") {
		t.Errorf("%s as %s: after %s: %v", shape, setting, convert[1], err)
	}
	if info, err := os.Stat(filepath.Join(dir, convert[2])); setting == "client_key" && (err != nil || info.Mode().Perm() != 0o600) {
		t.Errorf("%s as %s: the key has the mode %v, %v", shape, setting, info.Mode(), err)
	}
}

func writeUTF16(t *testing.T, file, text string) {
	t.Helper()
	content := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		content = append(content, byte(unit), byte(unit>>8))
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
