package store

import (
	"errors"
	"fmt"
)

// service is the name under which every item is kept. It is a constant, because some keychains match services by prefix.
const service = "okauth"

// maxValue is the largest value that is kept at all, in bytes. Keychains that have no limit of their own become slow
// beyond some 100 KiB, and no session of sane size comes near.
const maxValue = 1 << 20

// itemLimit returns how many bytes one item holds under goos, for an account name of nameLength bytes.
func itemLimit(goos string, nameLength int) int {
	switch goos {
	case "windows":
		// "The credential blob ... cannot be larger than CRED_MAX_CREDENTIAL_BLOB_SIZE (5*512) bytes."
		// https://learn.microsoft.com/en-us/windows/win32/api/wincred/ns-wincred-credentialw
		return 5 * 512
	case "darwin":
		// go-keyring writes one line of at most 4096 bytes to `security -i`, with the value in base64. The line buffer
		// of security itself has that size too (MAX_LINE_LEN), hence one byte less for its terminator.
		const line = "add-generic-password -U -s " + service + " -a " + " -w " + "go-keyring-base64:" + "\n"
		return (4096 - 1 - len(line) - nameLength) / 4 * 3
	default:
		return maxValue
	}
}

// checkItem refuses what some keychain would change, misunderstand or execute. `security -i` drops backslashes, ends a
// command at a newline and trips over quotes; Windows joins service and account with a colon.
func checkItem(account string, value []byte) error {
	if !isAccount(account) {
		return fmt.Errorf("account name %q has characters other than A-Z a-z 0-9 _ . -", account)
	}
	if len(value) == 0 {
		return errors.New("the value is empty")
	}
	if !isASCII(value) {
		return errors.New("the value has bytes other than printable ASCII")
	}
	return nil
}

func isAccount(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '_', c == '-', c == '.':
		default:
			return false
		}
	}
	return s != "" && len(s) <= 256
}

func isASCII(value []byte) bool {
	for _, c := range value {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}
