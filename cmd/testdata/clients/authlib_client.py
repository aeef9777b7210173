import os

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, JsonWebToken
from authlib.jose.errors import ExpiredTokenError
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from authlib.oidc.core import CodeIDToken

from flows import (access_token_type, client, domain, exchange, issuer, password, redirect_uri, run, secret, username,
                   v1, visit, want)

session = OAuth2Session(client, secret, scope="openid profile offline_access", redirect_uri=redirect_uri,
                        code_challenge_method="S256")
service = OAuth2Session("0oaServiceClient0001", secret, scope="api:read")


def keys():
    return JsonWebKey.import_key_set(requests.get(v1 + "/keys").json())


def assertion(client_id, key, method):
    signing = OAuth2Session(client_id, key, scope="api:read", token_endpoint_auth_method=method)
    signing.fetch_token(v1 + "/token", grant_type="client_credentials")


def authorization_code():
    verifier = "a-verifier-of-a-test-that-is-long-enough-for-PKCE"
    url, state = session.create_authorization_url(v1 + "/authorize", nonce="nonce-of-a-test", code_verifier=verifier)
    session.fetch_token(v1 + "/token", authorization_response=visit(url), state=state, code_verifier=verifier)


def verify_id_token():
    token = session.token
    claims = JsonWebToken(["RS256"]).decode(
        token["id_token"], keys(), claims_cls=CodeIDToken,
        claims_params={"nonce": "nonce-of-a-test", "client_id": client, "access_token": token["access_token"]},
        claims_options={"iss": {"value": issuer}, "aud": {"value": client}})
    claims.validate()


def verify_access_token():
    options = {"iss": {"value": issuer}, "aud": {"value": "api://default"}}
    read = JsonWebToken(["RS256"])
    read.decode(session.token["access_token"], keys(), claims_options=options).validate()
    expired = requests.get(domain + "/sandbox/tokens/expired", headers={"X-Sandbox": "1"}).text
    try:
        read.decode(expired, keys(), claims_options=options).validate()
    except Exception:
        return
    raise AssertionError("an expired token is valid")


def introspect():
    want(session.introspect_token(v1 + "/introspect", token=session.token["access_token"]).json()["active"], "not active")


def revoke():
    token = session.token["access_token"]
    want(session.revoke_token(v1 + "/revoke", token=token).status_code == 200, "refused")
    want(not session.introspect_token(v1 + "/introspect", token=token).json()["active"], "still active")


def exchange_token():
    service.fetch_token(v1 + "/token", grant_type=exchange, subject_token=session.token["access_token"],
                        subject_token_type=access_token_type, audience="api://default")


run({
    "password": lambda: session.fetch_token(v1 + "/token", username=username, password=password),
    "client credentials, secret": lambda: service.fetch_token(v1 + "/token", grant_type="client_credentials"),
    "client credentials, secret that signs": lambda: assertion(
        "0oaSecretJWTClient01", secret, ClientSecretJWT(v1 + "/token")),
    "client credentials, private key": lambda: assertion(
        "0oaServiceWithKey001", os.environ["TEST_KEY"], PrivateKeyJWT(v1 + "/token", alg="ES256")),
    "authorization code with PKCE": authorization_code,
    "verify ID token": verify_id_token,
    "verify access token": verify_access_token,
    "refresh": lambda: session.refresh_token(v1 + "/token", refresh_token=session.token["refresh_token"]),
    "introspect": introspect,
    "userinfo": lambda: want(session.get(v1 + "/userinfo").json()["name"] == "Alice Example", "no name"),
    "token exchange": exchange_token,
    "revoke": revoke,
})
