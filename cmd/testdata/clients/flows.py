"""What the clients for Python share: the variables of the test, and a line of output for each flow."""
import os
import urllib.parse
import urllib.request

domain = os.environ["OKAUTH_DOMAIN"]
issuer = domain + "/oauth2/default"
v1 = issuer + "/v1"
client = os.environ["OKAUTH_CLIENT_ID"]
secret = os.environ["OKAUTH_CLIENT_SECRET"]
username, password = os.environ["OKAUTH_USERNAME"], os.environ["OKAUTH_PASSWORD"]
redirect_uri = "http://127.0.0.1:8085/callback"
exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
access_token_type = "urn:ietf:params:oauth:token-type:access_token"


def visit(url):
    """Goes through the pages that begin at an address, as the user; returns the address that they lead to."""
    address = os.environ["BROWSER"] + "?url=" + urllib.parse.quote(url, safe="")
    with urllib.request.urlopen(address) as answer:
        return answer.read().decode()


def want(condition, what):
    if not condition:
        raise AssertionError(what)


def run(flows):
    """Prints a line for each flow, which raises an exception if it fails."""
    for name, flow in flows.items():
        result = "ok"
        try:
            flow()
        except Exception as e:
            result = f"{type(e).__name__}: {e}".replace("\n", " ")
        print(f"{name}\t{result}", flush=True)
