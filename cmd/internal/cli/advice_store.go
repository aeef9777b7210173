package cli

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"okauth/pkg/config"
	"okauth/pkg/jwt"
	"okauth/pkg/session"
	"okauth/pkg/store"
	"okauth/pkg/store/redis"
	"okauth/pkg/store/sealed"
)

// keepInFile leads to a session wherever okauth runs.
const keepInFile = "keep sessions in a sealed file: " + setStorageFile + ", then: okauth login"

const setStorageFile = "okauth config set storage file"

// signInVariables is what a sign-in with a password takes from the environment.
const signInVariables = usernameVariable + " and OKAUTH_PASSWORD"

// What a sign-in with a password can do without a session.
const (
	orVariables   = "set " + signInVariables + ", or "
	noLoginNeeded = "with a password in OKAUTH_PASSWORD no login is needed; to sign in, "
)

// withKey adds to the command that chooses sealed files those that make a key for them, where the settings have none:
// a public client has no secret to derive it from.
func (g *GlobalFlags) withKey(env *Env, text string) string {
	if !strings.Contains(text, setStorageFile) {
		return text
	}
	settings, err := config.Load(g.ConfigOptions(env))
	if err != nil || !settings.Secret(config.KeyStorageKey).IsZero() || !settings.Secret(config.KeyClientSecret).IsZero() {
		return text
	}
	path := StorageKeyFile(settings.ConfigPath())
	commands := setStorageFile + "; okauth config set storage_key_file " + ShellQuote(path)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		commands += "; (umask 077; head -c 32 /dev/urandom | base64 >" + ShellQuote(path) + ")"
	}
	return strings.Replace(text, setStorageFile, commands, 1)
}

// StorageKeyFile returns where okauth proposes to keep the key of sealed files: beside the configuration file.
func StorageKeyFile(configFile string) string {
	return filepath.Join(filepath.Dir(configFile), "storage.key")
}

// storeAdvice says what the user can do about a store.
func storeAdvice(e *store.Error) string {
	advice := storeAdviceOn(runtime.GOOS, e)
	if e.Kind == store.Unavailable {
		advice += "; or " + keepInFile
	}
	return advice
}

func storeAdviceOn(goos string, e *store.Error) string {
	switch server := serverAdvice(e); {
	case server != "":
		return server
	case e.Kind == store.Failed:
		return fileSystemAdvice(e)
	case goos == "darwin" && e.Kind == store.Unavailable:
		return "create a default keychain with Keychain Access"
	case goos == "darwin" && e.Kind == store.Locked:
		return "unlock it with `security unlock-keychain`, also over SSH"
	case goos == "windows" && e.Kind == store.Unavailable:
		return "run okauth in a session that a person signed in to: Credential Manager keeps nothing for network logons " +
			"such as SSH"
	case goos == "windows" && e.Kind == store.Locked:
		return "sign in to the desktop once, then try again"
	}
	return map[store.ErrorKind]string{
		store.Unavailable: "start a keyring that has a default collection: gnome-keyring, KWallet or KeePassXC; without a " +
			"desktop, run `dbus-run-session` and in it `gnome-keyring-daemon --unlock`",
		store.Locked: "unlock it: run `okauth token` in a terminal of the desktop, where the keychain can ask; over SSH, " +
			"run `gnome-keyring-daemon --replace --unlock --components=secrets`, which reads the password from stdin without " +
			"a line break (printf %s)",
		store.TimedOut: "look for a prompt of the keychain behind other windows, answer it or restart the keychain " +
			"service, then try again",
		store.Denied: "run the command again and allow the access when the keychain asks; KeePassXC stops asking if you " +
			"switch off Confirm when passwords are retrieved by clients, in its settings of the Secret Service",
		store.TooBig: "ask for fewer scopes or claims: every group in a token makes it longer",
		store.Corrupt: "`okauth config set client_secret` writes a new client secret, `okauth login` a new " +
			"session; `okauth config unset private_key` removes a private key",
		store.UnsupportedVersion: "upgrade okauth to the version that wrote it",
		store.NotPersisted: "run the command again and allow the access when the keychain asks; the old value is " +
			"unchanged",
		store.LockTimeout: "another okauth is working on this session: wait for it, or end it if it hangs, then try " +
			"again",
		store.Unsafe: "find out who created it, then make it yours alone (chown, chmod go=), remove it, or choose another " +
			"place",
		store.LostLock: "run the command again: another process has changed the session meanwhile",
		store.WrongKey: "use the key that it was sealed with (OKAUTH_STORAGE_KEY, or the client secret of then), or run " +
			"`okauth login`, which writes a new session",
	}[e.Kind]
}

// ownerAdvice says how to get back what sudo left to root in the user's own directories; "" for anything else. What is
// elsewhere, as in /etc or /tmp, may be another user's on purpose.
func ownerAdvice(err error) string {
	e, ok := errors.AsType[*store.OwnerError](err)
	if !ok {
		return ""
	}
	home, err := os.UserHomeDir()
	inside, relErr := filepath.Rel(home, e.Path)
	switch {
	case err != nil || relErr != nil || !filepath.IsLocal(inside) || inside == ".":
		return ""
	case os.Geteuid() == 0:
		return "run okauth without sudo, as the owner"
	}
	return "okauth may have run under sudo: make it yours again with `sudo chown -R \"$USER\" " + ShellQuote(e.Path) + "`"
}

// fileSystemAdvice says what the user can do about a file system.
func fileSystemAdvice(err error) string {
	switch {
	case isErrno(err, syscall.ENOSPC), isErrno(err, syscall.EDQUOT):
		return "free some space there, then try again"
	case isErrno(err, syscall.EROFS):
		return "the file system is read-only: keep no session (export OKAUTH_STORAGE=none), or keep sessions in a " +
			"directory that can be written: set OKAUTH_STORAGE=file and OKAUTH_STORAGE_DIR"
	case errors.Is(err, fs.ErrPermission):
		return "make it writable for you, or keep sessions elsewhere: set OKAUTH_STORAGE=file and OKAUTH_STORAGE_DIR; or " +
			"keep no session: export OKAUTH_STORAGE=none"
	}
	return ""
}

func keyAdvice(*sealed.KeyError) string {
	return "set OKAUTH_STORAGE_KEY to 32 random bytes, made once with `openssl rand -base64 32`, and keep it as secret " +
		"as a password: it opens the sealed sessions"
}

// missingTokenAdvice names the scope that brings a token.
func missingTokenAdvice(e *session.MissingTokenError) string {
	switch {
	case e.Granted != "" && e.Type == session.ID:
		return "tell the administrator of the authorization server: a sign-in with this scope must bring an ID token"
	case e.Granted != "":
		return "the application needs the grant Refresh Token: Admin Console, Applications › Applications › " +
			"the application › General › Grant type; then sign in: okauth login"
	}
	if e.Type == session.DeviceSecret {
		return `sign in with the scope device_sso, in a browser: okauth config set scopes "openid device_sso ` +
			`offline_access", then: okauth login --grant authorization-code; or give it by --actor-token-stdin`
	}
	scopes := []string{"openid"}
	if e.Type == session.Refresh {
		scopes = []string{"offline_access"}
	}
	scopes = append(scopes, e.Scopes...)
	return "sign in with the scope " + scopes[0] + `: okauth config set scopes "` + strings.Join(scopes, " ") +
		`", then: okauth login`
}

// idTokenAdvice says what the user can do about a response whose ID token was not accepted.
func idTokenAdvice(e *session.IDTokenError) string {
	if claim, ok := errors.AsType[*jwt.IDTokenError](e); ok && claim.Name == "iss" {
		return "set domain and server to those of this issuer (okauth config get domain), and check that it is your " +
			"authorization server"
	}
	return "nothing was stored; if it happens again, report it to the administrator of the authorization server"
}

// serverAdvice says what the user can do about the server of storage redis; "" for another error.
func serverAdvice(err *store.Error) string {
	answer, _ := errors.AsType[*redis.ServerError](err)
	switch {
	case answer != nil:
		return map[string]string{
			"NOAUTH": "give the password of the server: set storage_password_file or storage_password_command, or " +
				"OKAUTH_STORAGE_PASSWORD in the environment",
			"WRONGPASS": "check the user in storage_url, and the password: storage_password_file, " +
				"storage_password_command or OKAUTH_STORAGE_PASSWORD",
			"NOPERM": "an administrator of the server gives the user what okauth needs: ACL SETUSER USER " + redis.ACL,
			"READONLY": "storage_url leads to a replica: name the master, or the Sentinels, with ?master_set=NAME, which " +
				"know it",
			"OOM":     "the server has no memory left: raise maxmemory there, or remove what others keep on it",
			"MISCONF": "the server cannot write to its disk: its log says why",
		}[answer.Code]
	case Is[*tls.CertificateVerificationError](err) && err.Kind == store.Unreachable:
		return "set ca_file to the certificate of the authority that signed the server's, and check the host in " +
			"storage_url"
	case Is[tls.RecordHeaderError](err) && err.Kind == store.Unreachable:
		return "the server does not speak TLS on this port: use its TLS port, or redis:// in storage_url"
	case err.Kind == store.Unreachable:
		return "check that the server runs, that this machine reaches it, and that storage_url is right: rediss:// " +
			"where the port speaks TLS, redis:// elsewhere"
	}
	return ""
}
