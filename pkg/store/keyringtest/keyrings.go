//go:build linux

package keyringtest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/godbus/dbus/v5"
)

// Keyring is a program that serves the Secret Service.
type Keyring struct {
	Name    string
	Program string           // tells whether it is installed
	Start   func(*Bus) error // on a bus that runs; the keyring is unlocked then
	Unlock  func(*Bus) error // after [Bus.Lock], as its user does
}

// Keyrings returns all that okauth is tested with.
func Keyrings() []Keyring {
	return []Keyring{
		{"gnome-keyring", "gnome-keyring-daemon", startGnomeKeyring, unlockGnomeKeyring},
		{"KeePassXC", "keepassxc", startKeePassXC, unlockKeePassXC},
		{"KWallet", "kwalletd5", startKWallet, openKWallet},
	}
}

const password = "wrong-horse"

func startGnomeKeyring(b *Bus) error {
	return b.StartGnomeKeyring("--unlock")
}

// StartGnomeKeyring starts it with more arguments: "--unlock" makes and unlocks the collection login. It returns when
// the service answers.
func (b *Bus) StartGnomeKeyring(args ...string) error {
	_, err := b.Run(&exec.Cmd{
		Stdin: strings.NewReader(password),
		Args:  append([]string{"gnome-keyring-daemon", "--foreground", "--components=secrets"}, args...),
	})
	if err != nil {
		return err
	}
	return await(func() error {
		if len(args) > 0 {
			return b.change("Unlock", false)
		}
		_, err := b.Items()
		return err
	})
}

// unlockGnomeKeyring gives it the password as its PAM module does.
func unlockGnomeKeyring(b *Bus) error {
	secrets, err := b.secrets()
	if err != nil {
		return err
	}
	var ignored dbus.Variant
	var session dbus.ObjectPath
	err = secrets.Call(service+".OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&ignored, &session)
	if err != nil {
		return err
	}
	master := struct {
		Session           dbus.ObjectPath
		Parameters, Value []byte
		ContentType       string
	}{session, []byte{}, []byte(password), "text/plain"}
	return secrets.Call("org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface.UnlockWithMasterPassword", 0,
		dbus.ObjectPath("/org/freedesktop/secrets/collection/login"), master).Err
}

// startKeePassXC makes a database whose root group other programs may use, and opens it.
func startKeePassXC(b *Bus) error {
	const export = `<KeePassFile><Meta><RecycleBinEnabled>False</RecycleBinEnabled><CustomData><Item>
<Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{00112233-4455-6677-8899-aabbccddeeff}</Value></Item></CustomData></Meta>
<Root><Group><UUID>ABEiM0RVZneImaq7zN3u/w==</UUID><Name>Root</Name><Entry/></Group></Root></KeePassFile>`
	// It saves in a thread of its own, and crashes if another call changes the database meanwhile. Lock saves, too.
	const settings = "[General]\nConfigVersion=2\nUpdateCheckMessageShown=true\nAutoSaveAfterEveryChange=false\n" +
		"[GUI]\nCheckForUpdates=false\n" +
		"[FdoSecrets]\nEnabled=true\nShowNotification=false\nConfirmAccessItem=false\nConfirmDeleteItem=false\n" +
		"UnlockBeforeSearch=false\n"
	if err := b.files(map[string]string{"export.xml": export, "keepassxc.ini": settings}); err != nil {
		return err
	}
	imports := exec.Command("keepassxc-cli", "import", "-p", "-t", "100", b.Dir+"/export.xml", b.database())
	imports.Env, imports.Stdin = b.Env, strings.NewReader(password+"\n"+password+"\n")
	if out, err := imports.CombinedOutput(); err != nil {
		return fmt.Errorf("keepassxc-cli: %w: %s", err, out)
	}
	return b.openKeePassXC()
}

func (b *Bus) database() string { return filepath.Join(b.Dir, "okauth.kdbx") }

// openKeePassXC starts KeePassXC and waits for the entry of the database. A search before that is the end of it:
// https://github.com/keepassxreboot/keepassxc/issues/13265
func (b *Bus) openKeePassXC() error {
	_, err := b.Run(&exec.Cmd{
		Args: []string{"keepassxc", "--pw-stdin", b.database()},
		Env: []string{"TMPDIR=" + b.Dir, // one KeePassXC runs for each
			"KPXC_CONFIG=" + b.Dir + "/keepassxc.ini", "KPXC_CONFIG_LOCAL=" + b.Dir + "/local.ini"},
		Stdin: strings.NewReader(password + "\n"),
	})
	if err != nil {
		return err
	}
	secrets, err := b.secrets()
	if err != nil {
		return err
	}
	return await(func() error {
		var collection dbus.ObjectPath
		var entries []dbus.ObjectPath
		if err := secrets.Call(service+".ReadAlias", 0, "default").Store(&collection); err != nil {
			return err
		}
		err := b.conn.Object(secretsName, collection).StoreProperty("org.freedesktop.Secret.Collection.Items", &entries)
		if err == nil && len(entries) == 0 {
			err = errors.New("the database is locked")
		}
		return err
	})
}

// unlockKeePassXC starts it again: only its dialog takes a password.
func unlockKeePassXC(b *Bus) error {
	b.Stop()
	return b.openKeePassXC()
}

// emptyWallet is a wallet without entries, whose key is 56 zeros. KWallet makes one only in a dialog, and sees only the
// wallets that are there when it starts.
const emptyWallet = "S1dBTExFVAoNAA0KAAEDAgAAAABkbw2euZfxB35s0OetRygTDQme9SrPpqj2lgb7idP8LVz8l9J3RMWZ"

func startKWallet(b *Bus) error {
	wallet, err := base64.StdEncoding.DecodeString(emptyWallet)
	if err != nil {
		return err
	}
	const settings = "[Wallet]\nEnabled=true\nFirst Use=false\nClose When Idle=false\nPrompt on Open=false\n"
	if err := b.files(map[string]string{
		"config/kwalletrc":            settings,
		"data/kwalletd/kdewallet.kwl": string(wallet),
	}); err != nil {
		return err
	}
	if _, err := b.Run(&exec.Cmd{Args: []string{"kwalletd5"}}); err != nil {
		return err
	}
	return await(func() error { return openKWallet(b) })
}

// openKWallet opens the wallet as KWallet's PAM module does, with a hash of the password. To the Secret Service it is
// locked until the first program asks, and then without a dialog.
func openKWallet(b *Bus) error {
	if err := b.OpenWallet(); err != nil {
		return err
	}
	return b.change("Unlock", true)
}

// OpenWallet opens KWallet's wallet as a sign-in to the desktop does.
func (b *Bus) OpenWallet() error {
	if _, err := b.Items(); err != nil { // it runs
		return err
	}
	return b.conn.Object("org.kde.kwalletd5", "/modules/kwalletd5").Call("org.kde.KWallet.pamOpen",
		dbus.FlagNoReplyExpected, "kdewallet", make([]byte, 56), int32(0)).Err
}

// files writes files into the home.
func (b *Bus) files(files map[string]string) error {
	for name, text := range files {
		path := filepath.Join(b.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
