package okta

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// explanation is what a refusal means and what mends it. The first row of the table that fits is taken: about 0, status 0, code "" and
// words "" fit everything.
type explanation struct {
	id     string  // a word that stays
	about  errands // what was refused
	status int
	code   string
	words  string // part of Okta's description; it refines within a code, and nothing but the advice hangs on it
	says   string // Okta's description, whole, as an example; "" where it has none that is known
	means  string
	do     string
}

// errands is a set of them, 0 for all.
type errands uint16

const (
	byUsers     = errands(1) << signIn
	byClients   = errands(1) << clientSignIn
	byRefresh   = errands(1) << refresh
	byRevoking  = errands(1) << revocation
	byAskingFor = errands(1) << introspection
	byUserInfo  = errands(1) << userInfo
)

func (e errands) has(one operation) bool { return e == 0 || e&(1<<one) != 0 }

// chapter is a part of the table. Rows for one errand come before those for all.
type chapter struct {
	about string
	rows  func() []explanation
}

// chapters is the table of all that Okta says, from what is nearest to the user to what is far.
func chapters() []chapter {
	return []chapter{
		{"sign-in", signInRows},
		{"session", sessionRows},
		{"policy and scopes", policyRows},
		{"application", applicationRows},
		{"address and request", requestRows},
		{"Okta itself", serverRows},
	}
}

// Hint explains the refusal: what it means, and where in the Admin Console or with which setting of okauth it is mended. One line.
// Okta's wording may change; an unknown one falls back to the row of its code, an unknown code to the System Log.
func (e *Error) Hint() string {
	row := e.explain()
	var server, client string
	if e.client != nil {
		server, client = Sanitize(e.client.Server.ID(), 80), Sanitize(e.client.ID, 80)
	}
	means := strings.ReplaceAll(row.means, "{authentication}", authentication(e.client))
	do := row.do
	if e.client != nil && e.client.SecretFrom != "" {
		do = strings.ReplaceAll(do, setSecret, "change "+Sanitize(e.client.SecretFrom, 200))
	}
	text := fill(means+": "+do, e.about, server, client)
	if e.ClockSkew != 0 {
		text += "; " + clockAdvice(e.ClockSkew)
	}
	return text
}

// authentication is what may be wrong where Okta does not say, by what the client sent; nil is any client.
func authentication(c *Client) string {
	switch {
	case c == nil:
		return "the client secret is wrong, or the application authenticates in another way: with a client secret set, okauth sends it by Basic; without, it is a public client"
	case c.AuthMethod() == "none":
		return "okauth has no client secret and sent none, but the application wants one, or authenticates in yet another way"
	}
	return "okauth sent the client secret by Basic, and it is wrong, or the application authenticates in another way"
}

func (e *Error) explain() explanation {
	var row explanation
	for _, part := range chapters() {
		for _, row = range part.rows() {
			if row.about.has(e.about) && (row.status == 0 || row.status == e.Status) && (row.code == "" || row.code == e.Code) && strings.Contains(e.Description, row.words) {
				return row
			}
		}
	}
	return row // the last fits everything
}

// fill puts words in for what stands in braces, in one pass: a name of an application may have braces of its own. server and client
// are "" where they are not known.
func fill(text string, about operation, server, client string) string {
	if server == "" {
		text = strings.ReplaceAll(text, " than {server}", "")
		text = strings.ReplaceAll(text, "no authorization server {server}", "no such authorization server")
		text = strings.ReplaceAll(text, "authorization server {server}", "the authorization server")
	}
	if client == "" {
		text = strings.ReplaceAll(text, " than {client}", "")
		text = strings.ReplaceAll(text, "the client id {client}", "this client id")
	}
	words := about.words()
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, rest, _ := strings.Cut(after, "}")
		text = rest
		switch name {
		case "server":
			b.WriteString(cmp.Or(server, "the server"))
		case "client":
			b.WriteString(cmp.Or(client, "the application"))
		case "endpoint":
			b.WriteString(words.endpoint)
		case "carries":
			b.WriteString(words.carries)
		case "name":
			b.WriteString(words.name)
		case "spared":
			b.WriteString(words.spared)
		case "unsure":
			b.WriteString(words.unsure)
		case "next":
			b.WriteString(words.next)
		case "grant":
			b.WriteString(words.grant)
		case "grantAt":
			b.WriteString(words.grantAt)
		case "authentication":
			b.WriteString(authentication(nil))
		case "now":
			b.WriteString(time.Now().UTC().Format(dateAndTime))
		default:
			b.WriteString("{" + name + "}") // a mistake in the table, which its test finds
		}
	}
}

// Explanation is one thing that can go wrong, for people to read before or without its happening: in a help text, in a README.
type Explanation struct {
	ID     string   // "no_matching_policy": a word that stays
	About  string   // the chapter: "sign-in", "session", "policy and scopes", "application", "address and request", "Okta itself", "network"
	For    []string // what was asked for: "sign-in", "refresh", …; nil: anything
	Status int      // HTTP status; 0: any
	Code   string   // Okta's error code; "": any, or not Okta's
	Says   string   // Okta's words, an example; "": any, or none; of a network failure, okauth's
	Means  string   // what is the matter
	Do     string   // what mends it, and where
}

// Explanations lists what Okta may answer, in the order in which Error.Hint looks for the first that fits; chapters stay together. Servers and
// applications have no names in it.
func Explanations() []Explanation {
	var all []Explanation
	for _, part := range chapters() {
		for _, row := range part.rows() {
			one := Explanation{ID: row.id, About: part.about, Status: row.status, Code: row.code, Says: row.says}
			about := signIn
			for e := organization; e >= signIn && row.about != 0; e-- {
				if row.about.has(e) {
					about, one.For = e, slices.Insert(one.For, 0, e.words().name)
				}
			}
			one.Means, one.Do = fill(row.means, about, "", ""), fill(row.do, about, "", "")
			all = append(all, one)
		}
	}
	return append(all, clockExplanation())
}

// Places in the Admin Console of Identity Engine, as of 2026.
// https://developer.okta.com/docs/guides/implement-grant-type/ropassword/main/
const (
	atApp      = "Admin Console, Applications › Applications › {client} › "
	atServer   = "Admin Console, Security › API › {server} › "
	atUser     = "Admin Console, Directory › People › the user"
	atLog      = "Admin Console, Reports › System Log"
	atSignOn   = atApp + "Sign On › User authentication: an app sign-in policy whose rule asks for Password only; the global session policy (Security › Global Session Policy) must not ask for more either"
	atSecret   = "copy it from " + atApp + "General › Client Credentials, then " + setSecret
	setSecret  = "run okauth config set client_secret"
	dpopHint   = needsDPoP + ": " + doDPoP
	needsDPoP  = "the application requires DPoP, which okauth does not speak"
	doDPoP     = "clear “Require Demonstrating Proof of Possession (DPoP)” at Applications › Applications › the application › General"
	moreScopes = "run okauth login for all of them (okauth config set scopes), or ask for fewer (--scope)"
	atOwnAPI   = "okauth config set server default, or the id of another custom one (starts with aus)"
	otherID    = "compare with Admin Console, Security › API: okauth config set server default (or org, or the id that starts with aus)"
	notCounted = "wait for the time given, then try again; {spared}"
	tryLater   = "try again later; https://status.okta.com tells of outages"
	asBrowser  = "Okta takes the request for a browser's: something on the way added an Origin header"
	changed    = "something on the way changes requests: check HTTPS_PROXY"
	tooMany    = "API call exceeded rate limit due to too many requests."
	needsOpen  = "Requests for ID tokens or access tokens with OpenID scopes require the 'openid' scope."
)
