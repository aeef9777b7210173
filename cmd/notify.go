package cmd

import (
	"net"
	"time"

	"okauth/cmd/internal/cli"
)

// notify tells systemd, if it has started okauth with Type=notify, what has changed: "READY=1". A name that begins with
// @ is in the abstract namespace, which package net knows.
// https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
func notify(env *cli.Env, state string) {
	const network = "unixgram"
	name := env.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	conn, err := net.DialUnix(network, nil, &net.UnixAddr{Name: name, Net: network})
	if err == nil {
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second)) // one that reads nothing must not keep okauth from its work
		_, err = conn.Write([]byte(state))
		_ = conn.Close()
	}
	if err != nil { // systemd waits in vain
		env.Warn("NOTIFY_SOCKET: " + err.Error())
	}
}
