package output

// headerMeanings says what a header parameter is. https://www.rfc-editor.org/rfc/rfc7515#section-4.1
func headerMeanings() map[string]string {
	const key, hash = "key, not trusted", "certificate hash"
	return map[string]string{
		"alg": "signature algorithm", "kid": "key id", "typ": "token type", "cty": "content type",
		"crit": "must be understood", "jku": key, "jwk": key, "x5u": key, "x5c": key, "x5t": hash, "x5t#S256": hash,
	}
}

// claimMeanings says what a claim is.
// https://www.rfc-editor.org/rfc/rfc7519#section-4.1, https://www.rfc-editor.org/rfc/rfc8693#section-4,
// https://openid.net/specs/openid-connect-core-1_0.html#IDToken and #StandardClaims,
// https://developer.okta.com/docs/reference/api/oidc/#reserved-claims-in-the-payload-section
func claimMeanings() map[string]string {
	return map[string]string{
		"iss": "issuer", "sub": "subject", "aud": "audience", "iat": "issued at", "nbf": "not before", "exp": "expires at",
		"auth_time": "signed in at", "updated_at": "profile changed", "jti": "token id", "ver": "token version",
		"cid": "client", "client_id": "client", "azp": "client", "uid": "user id", "scp": "scopes", "scope": "scopes",
		"amr": "signed in with", "acr": "assurance level", "idp": "identity provider", "sid": "session id",
		"nonce": "ties to request", "at_hash": "access token hash", "c_hash": "code hash", "ds_hash": "device secret hash",
		"cnf": "bound to key", "token_type": "how it is used", "device_id": "device", "txn": "transaction",
		"act": "who acts for it", "may_act": "who may act for it", "events": "what happened", "toe": "time of the event",
		"groups": "groups", "roles": "what it may do", "entitlements": "what it may do",
		"authorization_details": "what it may do", "preferred_username": "login", "username": "login",

		"name": "full name", "given_name": "first name", "family_name": "last name", "middle_name": "middle name",
		"nickname": "nickname", "gender": "gender", "birthdate": "date of birth", "address": "postal address",
		"email": "e-mail address", "email_verified": "e-mail checked",
		"phone_number": "telephone", "phone_number_verified": "telephone checked",
		"profile": "web address", "website": "web address", "picture": "web address",
		"zoneinfo": "time zone", "locale": "language",
	}
}

// amrMeanings says what an authentication method is. https://www.rfc-editor.org/rfc/rfc8176#section-2
func amrMeanings() map[string]string {
	return map[string]string{
		"pwd": "password", "mfa": "several factors", "otp": "one-time code", "kba": "security question",
		"sms": "text message", "tel": "phone call", "swk": "software key", "hwk": "hardware key", "pop": "proof of a key",
		"pin": "PIN", "sc": "smart card", "mca": "several channels", "user": "presence of the user", "fpt": "fingerprint",
		"face": "face", "bio": "biometrics", "geo": "location", "rba": "risk", "wia": "Windows sign-in", "iris": "iris",
		"retina": "retina", "vbm": "voice",
	}
}

// acrMeanings says what an assurance level is.
// https://developer.okta.com/docs/guides/step-up-authentication/main/
func acrMeanings() map[string]string {
	return map[string]string{
		"urn:okta:loa:1fa:any":            "one factor",
		"urn:okta:loa:1fa:pwd":            "password",
		"urn:okta:loa:2fa:any":            "two factors",
		"urn:okta:loa:2fa:any:ifpossible": "two factors where the user has them",
		"phr":                             "resists phishing",
		"phrh":                            "resists phishing, in hardware",
	}
}
