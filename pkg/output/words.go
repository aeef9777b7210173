package output

// headerWord says in a word or two what a header parameter is, or nothing.
// https://www.rfc-editor.org/rfc/rfc7515#section-4.1
func headerWord(name string) string {
	switch name {
	case "alg":
		return "signature algorithm"
	case "kid":
		return "key id"
	case "typ":
		return "token type"
	case "cty":
		return "content type"
	case "crit":
		return "must be understood"
	case "jku", "jwk", "x5u", "x5c":
		return "key, not trusted"
	case "x5t", "x5t#S256":
		return "certificate hash"
	}
	return ""
}

// claimWord says in a word or two what a claim is, or nothing.
// https://www.rfc-editor.org/rfc/rfc7519#section-4.1, https://openid.net/specs/openid-connect-core-1_0.html#IDToken,
// https://developer.okta.com/docs/reference/api/oidc/#reserved-claims-in-the-payload-section
func claimWord(name string) string {
	switch name {
	case "iss":
		return "issuer"
	case "sub":
		return "subject"
	case "aud":
		return "audience"
	case "iat":
		return "issued at"
	case "nbf":
		return "not before"
	case "exp":
		return "expires at"
	case "auth_time":
		return "signed in at"
	case "updated_at":
		return "profile changed"
	case "jti":
		return "token id"
	case "ver":
		return "token version"
	case "cid", "client_id", "azp":
		return "client"
	case "uid":
		return "user id"
	case "scp", "scope":
		return "scopes"
	case "amr":
		return "signed in with"
	case "acr":
		return "assurance level"
	case "idp":
		return "identity provider"
	case "sid":
		return "session id"
	case "nonce":
		return "ties to request"
	case "at_hash":
		return "access token hash"
	case "c_hash":
		return "code hash"
	case "cnf":
		return "bound to key"
	case "groups":
		return "groups"
	case "preferred_username", "username":
		return "login"
	}
	return personWord(name)
}

// personWord says what a claim about a person, or one that is rarer still, is.
// https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims, https://www.rfc-editor.org/rfc/rfc8693#section-4
func personWord(name string) string {
	switch name {
	case "name":
		return "full name"
	case "given_name":
		return "first name"
	case "family_name":
		return "last name"
	case "middle_name":
		return "middle name"
	case "nickname":
		return "nickname"
	case "email":
		return "e-mail address"
	case "email_verified":
		return "e-mail checked"
	case "phone_number":
		return "telephone"
	case "phone_number_verified":
		return "telephone checked"
	case "profile", "website", "picture":
		return "web address"
	case "zoneinfo":
		return "time zone"
	case "locale":
		return "language"
	case "birthdate":
		return "date of birth"
	case "gender":
		return "gender"
	case "address":
		return "postal address"
	case "roles", "entitlements":
		return "what it may do"
	case "act":
		return "who acts for it"
	case "may_act":
		return "who may act for it"
	case "events":
		return "what happened"
	case "toe":
		return "time of the event"
	case "token_type":
		return "how it is used"
	case "device_id":
		return "device"
	case "ds_hash":
		return "device secret hash"
	case "authorization_details":
		return "what it may do"
	case "txn":
		return "transaction"
	}
	return ""
}

// amrWord says what an authentication method is, or nothing. https://www.rfc-editor.org/rfc/rfc8176#section-2
func amrWord(method string) string {
	switch method {
	case "pwd":
		return "password"
	case "mfa":
		return "several factors"
	case "otp":
		return "one-time code"
	case "kba":
		return "security question"
	case "sms":
		return "text message"
	case "tel":
		return "phone call"
	case "swk":
		return "software key"
	case "hwk":
		return "hardware key"
	case "pop":
		return "proof of a key"
	case "pin":
		return "PIN"
	case "sc":
		return "smart card"
	case "mca":
		return "several channels"
	case "user":
		return "presence of the user"
	case "fpt":
		return "fingerprint"
	case "face":
		return "face"
	case "bio":
		return "biometrics"
	case "geo":
		return "location"
	case "rba":
		return "risk"
	case "wia":
		return "Windows sign-in"
	case "iris":
		return "iris"
	case "retina":
		return "retina"
	case "vbm":
		return "voice"
	}
	return ""
}

// acrWord says what an assurance level is, or nothing. https://developer.okta.com/docs/guides/step-up-authentication/main/
func acrWord(level string) string {
	switch level {
	case "urn:okta:loa:1fa:any":
		return "one factor"
	case "urn:okta:loa:1fa:pwd":
		return "password"
	case "urn:okta:loa:2fa:any":
		return "two factors"
	case "urn:okta:loa:2fa:any:ifpossible":
		return "two factors where the user has them"
	case "phr":
		return "resists phishing"
	case "phrh":
		return "resists phishing, in hardware"
	}
	return ""
}
