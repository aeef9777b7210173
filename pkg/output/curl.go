package output

// encodeCurl gives a line of a curl configuration, for okauth token -o curl | curl -K - URL: curl reads it from the pipe, so the token
// is in no process list. Nothing is escaped, because no token has one of the two characters that curl's quotes leave their meaning:
// "Within double quotes, the following escape sequences are available: \\, \", \t, \n, \r and \v."
// https://curl.se/docs/manpage.html#-K
func encodeCurl(t Token, _ TokenOptions) ([]byte, error) {
	header, err := authorization(t)
	return []byte(`header = "` + header + "\"\n"), err
}
