import base64
import hashlib
import os

from oauthlib.oauth2 import BackendApplicationClient, LegacyApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from flows import client, password, redirect_uri, run, secret, username, v1, visit, want

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # it refuses http
scope = ["openid", "profile", "offline_access"]
auth = HTTPBasicAuth(client, secret)
kept = OAuth2Session(client, scope=scope, redirect_uri=redirect_uri)


def password_grant():
    session = OAuth2Session(client=LegacyApplicationClient(client, scope=scope))
    session.fetch_token(v1 + "/token", username=username, password=password, auth=auth)


def client_credentials():
    session = OAuth2Session(client=BackendApplicationClient("0oaServiceClient0001", scope=["api:read"]))
    session.fetch_token(v1 + "/token", auth=HTTPBasicAuth("0oaServiceClient0001", secret))


def authorization_code():
    verifier = "a-verifier-of-a-test-that-is-long-enough-for-PKCE"
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    url, _ = kept.authorization_url(v1 + "/authorize", code_challenge=challenge, code_challenge_method="S256")
    kept.fetch_token(v1 + "/token", authorization_response=visit(url), code_verifier=verifier, auth=auth)


run({
    "password": password_grant,
    "client credentials, secret": client_credentials,
    "authorization code with PKCE": authorization_code,
    "refresh": lambda: kept.refresh_token(v1 + "/token", auth=auth),
    "userinfo": lambda: want(kept.get(v1 + "/userinfo").json()["name"] == "Alice Example", "no name"),
})
