package cli

// The exit codes of okauth. They are part of its contract: scripts branch on
// them, so a number never changes its meaning.
const (
	ExitOK            = 0
	ExitFailure       = 1
	ExitUsage         = 2
	exitNetwork       = 3
	ExitLoginRequired = 4
	exitRefused       = 5
	ExitStorage       = 6
	ExitInvalidToken  = 7
	// "If a command is not found, the exit status shall be 127. If the command name is found, but it is not an
	// executable utility, the exit status shall be 126."
	// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_08_02
	ExitNotExecutable = 126
	ExitNotFound      = 127
	exitSignal        = 128 // plus the number of the signal
)

// exitName is the code's name in JSON errors.
func exitName(code int) string {
	switch code {
	case ExitOK:
		return "ok"
	case ExitUsage:
		return "usage"
	case exitNetwork:
		return "network"
	case ExitLoginRequired:
		return "login_required"
	case exitRefused:
		return "refused"
	case ExitStorage:
		return "storage"
	case ExitInvalidToken:
		return "invalid_token"
	case ExitNotExecutable:
		return "not_executable"
	case ExitNotFound:
		return "not_found"
	}
	if code > exitSignal {
		return "signal"
	}
	return "failure"
}
