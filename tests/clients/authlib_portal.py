"""Authlib (PyPI) as three portals and a service. Argument: the stage, a JSON file."""
import base64
import json
import sys
import urllib.parse

from authlib.integrations.base_client import OAuthError
from authlib.integrations.base_client.sync_app import BaseApp, OAuth2Mixin
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session

from browser import Browser
from journey import Journey, expect

SCOPE = "openid profile phone offline_access"


class Portal(OAuth2Mixin, OpenIDMixin, BaseApp):
    """Authlib's client as its framework integrations assemble it, over `requests`."""

    client_cls = OAuth2Session


class Framework:
    """What Authlib asks of a framework once a token was refreshed: to store it. The journey holds
    its tokens itself."""

    def update_token(self, *_token, **_of):
        pass


def refused(code, act):
    try:
        answer = act()
    except OAuthError as error:
        expect(error.error == code, f"{error.error} instead of {code}")
    else:
        raise AssertionError(f"no {code} but {list(answer) if isinstance(answer, dict) else answer}")


def algorithm(token):
    header = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["alg"]


def main(stage):
    issuer, person, clients = stage["issuer"], stage["person"], stage["clients"]
    journey, browser, held = Journey("authlib"), Browser(person), {}

    def portal(key, **changes):
        facts = dict(clients[key], **changes)
        made = Portal(
            framework=Framework(), name=key, client_id=facts["client_id"], client_secret=facts.get("client_secret"),
            server_metadata_url=issuer + "/.well-known/openid-configuration",
            client_kwargs=dict(scope=SCOPE, code_challenge_method="S256", default_timeout=20,
                               token_endpoint_auth_method=facts["token_endpoint_auth_method"],
                               revocation_endpoint_auth_method=facts["token_endpoint_auth_method"]))
        made.callback = (clients[key].get("redirect_uris") or [None])[0]
        return made

    basic, post, app = portal("basic"), portal("post"), portal("public")
    service = portal("service")

    def session(portal):
        """The OAuth session beneath, for the endpoints that the integration leaves to it."""
        return portal._get_oauth_client(**portal.load_server_metadata())

    def enter(portal, browser, **extra):
        """One code flow: PKCE, state and nonce; Authlib validates the ID token."""
        begun = portal.create_authorization_url(portal.callback, **extra)
        back = browser.visit(begun["url"], portal.callback)
        answer = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))
        expect(answer.get("iss") == issuer, f"iss in the authorization response: {answer.get('iss')}")
        expect(answer.get("state") == begun["state"], "the state came back")
        if "error" in answer:
            raise OAuthError(answer["error"], answer.get("error_description"))
        token = portal.fetch_access_token(portal.callback, code=answer["code"], code_verifier=begun["code_verifier"])
        return token, portal.parse_id_token(token, begun["nonce"]), (answer["code"], begun["code_verifier"])

    def refresh(portal, token):
        return session(portal).refresh_token(refresh_token=token)

    def introspect(portal, token):
        endpoint = portal.load_server_metadata()["introspection_endpoint"]
        return session(portal).introspect_token(endpoint, token=token).json()

    def revoke(portal, token, hint):
        endpoint = portal.load_server_metadata()["revocation_endpoint"]
        session(portal).revoke_token(endpoint, token=token, token_type_hint=hint).raise_for_status()

    def discovery():
        expect(basic.load_server_metadata()["issuer"] == issuer, "the issuer")
        expect(basic.fetch_jwk_set()["keys"], "keys")

    def code_flow():
        held["first"], held["claims"], held["code"] = enter(basic, browser)
        expect("login-submit" in browser.asked, f"asked {browser.asked}")
        expect(algorithm(held["first"]["id_token"]) == "RS256", "RS256")
        expect(held["first"].get("refresh_token"), "a refresh token for offline_access")

    def userinfo():
        info = basic.userinfo(token=held["first"])
        expect(info["sub"] == held["claims"]["sub"], "the subject of the ID token")
        expect(info["name"] == person["name"], "the name")
        expect(person["document_number"] not in json.dumps(info), "no document number by scope")

    def introspection():
        facts = introspect(basic, held["first"]["access_token"])
        expect(facts["active"] is True, facts)
        expect(facts["client_id"] == clients["basic"]["client_id"], facts)

    def refreshes():
        for _ in range(2):
            expect(refresh(basic, held["first"]["refresh_token"])["access_token"] != held["first"]["access_token"],
                   "another access token")

    def second_portal():
        held["second"], claims, _ = enter(post, browser)
        expect("login-submit" not in browser.asked, f"asked {browser.asked}")
        expect(algorithm(held["second"]["id_token"]) == "ES256", "ES256")
        expect(claims["sub"] != held["claims"]["sub"], "another sector, another subject")

    def silently():
        _, claims, _ = enter(basic, browser, prompt="none")
        expect(browser.asked == [] and claims["sub"] == held["claims"]["sub"], f"asked {browser.asked}")

    def asks_again():
        _, claims, _ = enter(basic, browser, prompt="login", max_age=0)
        expect("login-submit" in browser.asked, f"asked {browser.asked}")
        expect(claims["auth_time"] >= held["claims"]["iat"], "a fresh auth_time")

    def code_once():
        token, _, (code, verifier) = enter(post, browser)
        refused("invalid_grant", lambda: post.fetch_access_token(post.callback, code=code, code_verifier=verifier))
        expect(introspect(post, token["access_token"])["active"] is False, "replay ends what the code bought")

    def revocation_of_access():
        revoke(basic, held["first"]["access_token"], "access_token")
        expect(introspect(basic, held["first"]["access_token"])["active"] is False, "inactive")
        endpoint = basic.load_server_metadata()["userinfo_endpoint"]
        # Of a token whose end it does not know, Authlib makes no other by itself.
        token = dict(access_token=held["first"]["access_token"], token_type="Bearer")
        status = basic.get(endpoint, token=token).status_code
        expect(status == 401, f"userinfo answers {status}")

    def revocation_of_refresh():
        revoke(basic, held["first"]["refresh_token"], "refresh_token")
        refused("invalid_grant", lambda: refresh(basic, held["first"]["refresh_token"]))

    def rotation():
        token, _, _ = enter(app, browser)
        held["oldest"] = token["refresh_token"]
        held["current"] = refresh(app, held["oldest"])["refresh_token"]
        expect(held["current"] != held["oldest"], "a successor")
        expect(refresh(app, held["oldest"])["refresh_token"] == held["current"], "the identical successor")

    def family():
        newest = refresh(app, held["current"])["refresh_token"]
        refused("invalid_grant", lambda: refresh(app, held["oldest"]))
        refused("invalid_grant", lambda: refresh(app, newest))

    def client_credentials():
        endpoint = service.load_server_metadata()["token_endpoint"]
        with OAuth2Session(service.client_id, service.client_secret) as own:
            token = own.fetch_token(endpoint, grant_type="client_credentials")
        expect("access_token" in token and "refresh_token" not in token, list(token))

    def wrong_secret():
        refused("invalid_client", lambda: refresh(portal("basic", client_secret="not the secret"), "x"))

    def logout():
        url = post.create_logout_url(post.callback, held["second"]["id_token"], state="left")["url"]
        back = urllib.parse.urlsplit(browser.visit(url, post.callback))
        expect(urllib.parse.parse_qs(back.query).get("state") == ["left"], f"state: {back.query}")
        refused("login_required", lambda: enter(basic, browser, prompt="none"))

    for name, act in [
        ("discovery and keys", discovery),
        ("code flow with PKCE, state and nonce; client_secret_basic; RS256", code_flow),
        ("userinfo with the subject of the ID token", userinfo),
        ("introspection", introspection),
        ("refresh; a confidential client may use its refresh token again", refreshes),
        ("a second portal without login; client_secret_post; ES256; another subject", second_portal),
        ("prompt=none with a session enters silently", silently),
        ("prompt=none without a session is login_required",
         lambda: refused("login_required", lambda: enter(basic, Browser(person), prompt="none"))),
        ("prompt=login asks again although there is a session", asks_again),
        ("a code works once; its replay ends what it bought", code_once),
        ("revocation of an access token: dead at introspection and userinfo", revocation_of_access),
        ("revocation of a refresh token: no more access tokens", revocation_of_refresh),
        ("a public client enters by PKCE alone and its refresh token rotates", rotation),
        ("an older refresh token of a public client ends its family", family),
        ("client_credentials", client_credentials),
        ("a wrong secret is invalid_client", wrong_secret),
        ("logout returns to the portal with its state and ends the session", logout),
    ]:
        journey.check(name, act)
    print(f"{journey.passed} passed, {journey.failed} failed")
    return 1 if journey.failed else 0


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.exit(main(json.load(file)))
