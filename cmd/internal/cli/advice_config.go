package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"okauth/pkg/config"
	"okauth/pkg/okta/clientauth"
)

// configAdvice says how to correct a setting or the configuration file. No command edits a profile with a wrong key.
func configAdvice(e *config.Error) string {
	advice := settingAdvice(e)
	if e.Line > 0 {
		return byHand(advice, fmt.Sprintf("line %d of the file by hand", e.Line))
	}
	return advice
}

// byHand adds to advice what to edit.
func byHand(advice, what string) string {
	switch {
	case advice == "":
		return "edit " + what
	case strings.HasSuffix(advice, "?"):
		return advice + " Edit " + what
	}
	return advice + "; edit " + what
}

func settingAdvice(e *config.Error) string {
	switch e.Kind {
	case config.Invalid:
		return invalidAdvice(e)
	case config.Missing:
		return missingAdvice(e)
	case config.UnknownKey:
		return unknownKeyAdvice(e)
	case config.UnknownProfile:
		return unknownProfileAdvice(e)
	case config.Conflict:
		return conflictAdvice(e)
	case config.Empty:
		if e.Source.Kind == config.FromEnv {
			return "unset " + e.Source.Name + " to do without it; CI systems leave a secret empty where a build may not have it"
		} else if e.Source.Kind <= config.FromFile {
			return "set a value, or remove the setting with `okauth config unset " + e.Key + "`"
		}
	case config.NotInFile:
		key := e.Key
		if key == config.KeyStorageURL {
			key = config.KeyStoragePassword
		}
		advice := fmt.Sprintf("set %s_command or %[1]s_file, or OKAUTH_%s in the environment", key, strings.ToUpper(key))
		switch e.Key {
		case config.KeyPassword:
			advice += ", or use --password-stdin"
		case config.KeyPrivateKey:
			advice += ", or store it in the keychain: okauth config set private_key < FILE"
		}
		return advice
	case config.Syntax, config.NotEditable:
		return byHand(didYouMean(e.Suggestion), "the file by hand; `okauth config path` prints where it is")
	case config.NoDirectory:
		if e.Source.Kind > config.Unset {
			return "set HOME, or write the whole path in place of ~"
		} else if e.Key == config.KeyStorageDir {
			return "set storage_dir or OKAUTH_STORAGE_DIR to a directory of yours"
		}
		return "set HOME, or name the file with --config or OKAUTH_CONFIG"
	case config.WrongOwner:
		if underSudo() {
			return "run okauth without sudo"
		}
		return "run okauth as the owner, or run `sudo chown \"$USER\" " + ShellQuote(e.Path) + "`"
	case config.Exposed:
		return "run `chmod 600 " + ShellQuote(e.Path) + "`, and replace the secret in Okta if someone else may have read it"
	case config.Writable:
		mode := "go-w"
		if info, err := os.Stat(e.Path); err == nil && info.Mode().IsRegular() && e.Key == "" {
			mode = "600" // a configuration file may hold a secret, and then no one else may read it
		}
		return "run `chmod " + mode + " " + ShellQuote(e.Path) + "`, and check that its content is still yours"
	case config.Withheld:
		return "okauth withholds " + e.Source.Name + " from the commands that it runs; okauth exec --pass-secrets -- … " +
			"passes it on"
	case config.CommandFailed:
		return "run the command by hand to see why; it must not wait for input"
	case config.ReadFailed:
		if strings.HasSuffix(e.Key, config.FileKey("")) && (errors.Is(e, fs.ErrNotExist) || errors.Is(e, fs.ErrPermission)) {
			return "make the file readable for you, or name another one: okauth config set " + e.Key + " FILE"
		} else if e.Key == "" && errors.Is(e, fs.ErrPermission) {
			return "make the file readable for you, or name another one with --config or OKAUTH_CONFIG"
		}
	case config.WriteFailed:
		if errors.Is(e, fs.ErrPermission) || errors.Is(e, fs.ErrNotExist) {
			return "make the directory writable for you, or name another file with --config or OKAUTH_CONFIG"
		}
	}
	return ""
}

// didYouMean asks about a suggestion, if there is one.
func didYouMean(suggestion string) string {
	if suggestion == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", suggestion)
}

// invalidAdvice says where the right value is. The places are in Okta's admin console.
func invalidAdvice(e *config.Error) string {
	key := strings.TrimSuffix(strings.TrimSuffix(e.Key, "_file"), "_command")
	return cmp.Or(didYouMean(e.Suggestion), map[string]string{
		config.KeyDomain: "copy the domain from the user menu at the top right of the Okta admin console, " +
			"such as dev-123456.okta.com",
		"issuer": "copy the issuer from Security > API > Authorization Servers in the Okta admin console, " +
			"such as https://dev-123456.okta.com/oauth2/default",
		config.KeyServer: "the id is the last part of the issuer in Security > API > Authorization Servers in the " +
			"Okta admin console: default, or aus…",
		config.KeyClientID: "copy it from Applications > your app > General > Client ID in the Okta admin console",
		config.KeyClientSecret: "copy it from Applications > your app > General > Client Secrets in the Okta admin " +
			"console",
		config.KeyClientAuth: "it is what the application has at Applications > your app > General > Client Credentials: " +
			"private_key_jwt for Public key / Private key, none for None, client_secret_basic for Client secret",
		config.KeyPrivateKeyID: "the kid stands beside the public key at Applications > your app > General > Client " +
			"Credentials; a JWK has its own, and needs no private_key_id",
		config.KeyGrant: "for a browser, take authorization-code; for a code on another device, device-code; for a " +
			"password, also with a second factor, password; okauth config init asks in words",
		config.KeyFactor: "push is Okta Verify on a phone, otp the code of an app or a key, sms and voice a code that " +
			"Okta sends",
		config.KeyOTP:      "give only the digits that the app or the message shows",
		config.KeyAudience: "copy the audience from Security > API > Authorization Servers in the Okta admin console",
		config.KeyStorage: "take redis for a Redis or Valkey server; its address goes to storage_url " +
			"(OKAUTH_STORAGE_URL)",
		config.KeyStorageKey: "write the key as one line of text: `openssl rand -base64 32` makes one",
	}[key])
}

// privateKeyAdvice says how to get a key to sign assertions with.
func privateKeyAdvice(e *clientauth.KeyError) string {
	const another = "`okauth config keygen` makes a new one"
	return map[clientauth.KeyProblem]string{
		clientauth.KeyEncrypted: "take the passphrase off into a file for you alone: umask 077; openssl pkey -in OLD -out " +
			"NEW; or let private_key_command print the key",
		clientauth.KeyPublic: "the private key is where the pair was made; if it is lost, " + another,
		clientauth.KeyCertificate: "a certificate has the public key only: name the file with the key, which often ends " +
			"in .key; or " + another,
		clientauth.KeySeveral: "give one key only: the one whose public key is at Admin Console, Applications › " +
			"Applications › the application › General › Client Credentials",
		clientauth.KeyOpenSSH: "write a copy of it as PEM, without a passphrase: ssh-keygen -p -m PKCS8 -N '' -f COPY; or " +
			another,
		clientauth.KeyWeak:        "register another key: " + another,
		clientauth.KeyUnsupported: another,
		clientauth.KeyFileName:    "private_key_file, or OKAUTH_PRIVATE_KEY_FILE, names the file that has the key",
		clientauth.KeyUnreadable:  "give a key in PEM or as a JWK, whole; " + another,
		clientauth.SecretTooShort: "set client_auth to client_secret_basic, if the application has that too, or have Okta " +
			"make a new client secret, which is longer",
	}[e.Problem]
}

func missingAdvice(e *config.Error) string {
	switch {
	case len(e.Profiles) > 0:
		return "choose a profile with --profile or `okauth config use`: " + someOf(e.Profiles)
	case e.Key == config.KeyPrivateKey:
		return "make a key with `okauth config keygen`, or give yours by `okauth config set private_key`, " +
			"private_key_file, private_key_command or OKAUTH_PRIVATE_KEY"
	}
	key, err := config.FindKey(e.Key)
	if err != nil {
		return ""
	}
	if underSudo() {
		return fmt.Sprintf("sudo removes variables, and the settings are those of %s: run okauth without sudo, or "+
			"`okauth config init` to make settings for %[1]s", os.Getenv("USER"))
	}
	return fmt.Sprintf("run `okauth config init`, or `okauth config set %s …`, or set %s", key.Name, key.Env[0])
}

// underSudo reports whether sudo runs okauth as another user than the one who typed it.
func underSudo() bool {
	uid, ok := os.LookupEnv("SUDO_UID")
	return ok && uid != strconv.Itoa(os.Geteuid())
}

func unknownKeyAdvice(e *config.Error) string {
	var names []string
	for _, key := range config.Keys() {
		names = append(names, key.Name)
	}
	return cmp.Or(didYouMean(e.Suggestion), "the settings are "+strings.Join(names, ", "))
}

// unknownProfileAdvice names the profiles, and how to choose one where the unknown one was chosen.
func unknownProfileAdvice(e *config.Error) string {
	create := "`okauth -p " + e.Profile + " config init`"
	if len(e.Profiles) == 0 {
		return "run " + create + " to make it"
	}
	name := cmp.Or(e.Suggestion, "NAME")
	choose := "choose with `okauth config use " + name + "` or -p " + name
	if e.Source.Kind == config.FromEnv {
		choose = "choose with " + e.Source.Name + "=" + name + " or -p " + name
	}
	if e.Suggestion != "" {
		return didYouMean(name) + " The profiles are " + someOf(e.Profiles) + "; " + choose
	}
	return "the profiles are " + someOf(e.Profiles) + "; " + choose + ", or make it with " + create
}

func conflictAdvice(e *config.Error) string {
	switch {
	case e.Suggestion != "": // the domain without the server
		return "name the server in one of the two: run `okauth config unset server`, or set domain to " + e.Suggestion
	case e.Key == config.KeyServer:
		return "name the authorization server in one of the two only"
	case e.Source.Kind == config.FromFile:
		return "remove one with `okauth config unset " + e.Key + "`"
	case e.Source.Kind == config.Unset:
		return "run `okauth config unset " + e.Other + "` first"
	}
	return ""
}

// someOf lists names, of many the first few.
func someOf(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
