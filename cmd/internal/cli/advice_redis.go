package cli

import (
	"crypto/tls"
	"errors"

	"okauth/pkg/store"
	"okauth/pkg/store/redis"
)

// serverAdvice says what the user can do about the server of storage redis; "" for another error.
func serverAdvice(err *store.Error) string {
	answer, _ := errors.AsType[*redis.ServerError](err)
	switch {
	case answer != nil:
		return map[string]string{
			"NOAUTH": "give the password of the server: set storage_password_file or storage_password_command, or " +
				"OKAUTH_STORAGE_PASSWORD in the environment",
			"WRONGPASS": "check the user in storage_url and the password",
			"NOPERM":    "an administrator of the server gives the user what okauth needs: ACL SETUSER USER " + redis.ACL,
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
		return "check that the server runs, that this machine reaches it, and that storage_url is right"
	}
	return ""
}
