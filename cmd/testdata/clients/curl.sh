# curl, with the lines of Okta's guides. Prints a line for each flow.
v1=$OKAUTH_DOMAIN/oauth2/default/v1
basic=$(printf %s "$OKAUTH_CLIENT_ID:$OKAUTH_CLIENT_SECRET" | base64 -w 0)
service=$(printf %s "0oaServiceClient0001:$OKAUTH_CLIENT_SECRET" | base64 -w 0)
exchange=urn:ietf:params:oauth:grant-type:token-exchange kind=urn:ietf:params:oauth:token-type:access_token

# post PATH DATA…: a form of the client with Basic.
post() {
	local path=$1 data=()
	shift
	for pair in "$@"; do data+=(--data-urlencode "$pair"); done
	curl -sS --fail-with-body -X POST "$v1/$path" -H 'accept: application/json' -H "authorization: Basic $basic" \
		-H 'content-type: application/x-www-form-urlencoded' "${data[@]}"
}

# flow NAME COMMAND…
flow() {
	local name=$1 result
	shift
	if result=$("$@" 2>&1); then result=ok; fi
	printf '%s\t%s\n' "$name" "${result//$'\n'/ }"
}

discovery() { curl -sS --fail-with-body "$OKAUTH_DOMAIN/oauth2/default/.well-known/openid-configuration" | grep -q '"issuer"'; }
userinfo() { curl -sS --fail-with-body "$v1/userinfo" -H "authorization: Bearer $access" | grep -q 'Alice Example'; }
active() { post introspect "token=$access" token_type_hint=access_token | grep -q "\"active\":$1"; }
revoke() { post revoke "token=$access" token_type_hint=access_token && active false; }

# preflight: what a browser asks before a page of another origin may send the request for tokens.
preflight() {
	curl -sS -i -X OPTIONS "$v1/token" -H 'Origin: http://localhost:3000' -H 'Access-Control-Request-Method: POST' |
		grep -iq '^access-control-allow-origin: http://localhost:3000'
}

tokens=$(post token grant_type=password "username=$OKAUTH_USERNAME" "password=$OKAUTH_PASSWORD" "scope=$OKAUTH_SCOPES")
field() { sed -E 's/.*"'"$1"'":"([^"]*)".*/\1/' <<<"$tokens"; }
access=$(field access_token) refresh=$(field refresh_token)

flow discovery discovery
flow password test "${access:0:2}" = ey
basic=$service flow 'client credentials, secret' post token grant_type=client_credentials scope=api:read
basic=$service flow 'token exchange' post token "grant_type=$exchange" "subject_token=$access" \
	"subject_token_type=$kind" audience=api://default scope=api:read
flow refresh post token grant_type=refresh_token "refresh_token=$refresh"
flow introspect active true
flow userinfo userinfo
flow revoke revoke
flow 'CORS preflight' preflight
