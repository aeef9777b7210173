package config

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A URL of a Redis server often has the password in it, and programs take it from one variable. So the variable of
// storage_url may have a password, which becomes the setting storage_password; the file and a command line must not.

// splitPassword returns the URL of storage_url without its password, and a function for the password with its source,
// nil if there is none.
func splitPassword(v value) (text string, password func() value) {
	u, err := url.Parse(v.text)
	if err != nil {
		return v.text, nil
	}
	secret, _ := u.User.Password()
	if secret == "" {
		return v.text, nil
	}
	name := u.User.Username()
	if u.User = url.User(name); name == "" {
		u.User = nil
	}
	return u.String(), func() value { return value{secret, v.source} }
}

// checkStorageURL accepts what package redis connects to, without a password. It quotes nothing of what may have one.
func checkStorageURL(text string) error {
	const expected = ", expected one like rediss://cache.example.com:6379 or unix:///run/redis/redis.sock"
	if err := checkLine(text); err != nil {
		return err
	}
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || strings.Contains(text, "#") {
		return invalid("the value is not a URL%s; a password in it needs %%-escapes", expected)
	}
	if _, has := u.User.Password(); has {
		return &Error{Kind: NotInFile, Reason: "the URL has a password in it, which others could read here"}
	}
	query, err := url.ParseQuery(u.RawQuery)
	switch {
	case strings.Contains(u.User.Username(), ":"), strings.Contains(u.RawQuery, "%40"), strings.Contains(u.RawQuery, "@"):
		return invalid("only a user name stands before the host, and nothing but host:port in addr%s", expected)
	case err != nil:
		return invalid("the query of the URL cannot be read")
	case !slices.Contains([]string{"redis", "rediss", "valkey", "valkeys", "unix"}, u.Scheme):
		return invalid("the URL has none of the schemes redis, rediss, valkey, valkeys and unix%s", expected)
	case u.Scheme == "unix" && (u.Host != "" || !strings.HasPrefix(u.Path, "/")):
		return invalid("the URL names no socket%s", expected)
	case u.Scheme != "unix" && u.Hostname() == "":
		return invalid("the URL names no host%s", expected)
	case u.Scheme != "unix" && !isDatabase(strings.TrimPrefix(u.Path, "/")) || !isDatabase(query.Get("db")):
		return invalid("the database in the URL is not a number from 0 up, such as 0 in redis://localhost:6379/0")
	}
	for name := range query {
		if !slices.Contains([]string{"addr", "db", "master_set"}, name) {
			return invalid("the URL has the parameter %s, which is none of addr, db and master_set", quote(name))
		}
	}
	return nil
}

func isDatabase(text string) bool {
	_, err := strconv.ParseUint(text, 10, 31)
	return text == "" || err == nil
}
