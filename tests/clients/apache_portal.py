"""Debian's Apache with mod_auth_openidc as a portal: login, refresh, logout, and back-channel logout.

The module does all of the protocol; here are its configuration and a browser.
"""
import json
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from browser import Browser

APACHE = shutil.which("apache2", path="/usr/sbin:/usr/bin") or "/usr/sbin/apache2"
MODULES = Path("/usr/lib/apache2/modules")
STARTED_WITHIN_SECONDS = 20
# Nobody but root may and must say as whom to serve.
UNPRIVILEGED = "User www-data\nGroup www-data\n"

CONFIGURATION = """
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/pid
ErrorLog {folder}/error.log
LogLevel warn auth_openidc:info
ServerName localhost
Listen 127.0.0.1:{port}
{user}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so

DocumentRoot {folder}/pages
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret {client_secret}
OIDCRedirectURI {portal}/inside/callback
OIDCCryptoPassphrase {passphrase}
OIDCPKCEMethod S256
OIDCScope "openid profile phone offline_access"
OIDCInfoHook access_token id_token userinfo refresh_token session

<Location /inside>
  AuthType openid-connect
  Require valid-user
</Location>
"""


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


class ApachePortal:
    """A portal on `port`, of `person`'s."""

    def __init__(self, issuer, port, person):
        self.issuer, self.port, self.person = issuer, port, person
        self.portal = f"http://localhost:{port}"
        self.inside, self.callback = self.portal + "/inside/", self.portal + "/inside/callback"
        self.bye = self.portal + "/bye"
        self.metadata = dict(
            client_name="Archives (Apache)", redirect_uris=[self.callback],
            post_logout_redirect_uris=[self.bye], backchannel_logout_uri=self.callback + "?logout=backchannel",
            token_endpoint_auth_method="client_secret_basic", grant_types=["authorization_code", "refresh_token"],
            scope="openid profile phone offline_access")
        self.passed = self.failed = 0

    @staticmethod
    def is_installed():
        return Path(APACHE).exists() and (MODULES / "mod_auth_openidc.so").exists()

    def run(self, client):
        """Starts the portal and goes through the journey; `(passed, failed)`."""
        with tempfile.TemporaryDirectory(prefix="tongxing-apache-") as folder:
            process = self._start(client, Path(folder))
            try:
                self._await(process)
                self._journey()
            except (AssertionError, OSError) as why:
                self._failed("it starts", why)
            finally:
                process.terminate()
                process.wait(10)
                if self.failed:
                    print(Path(folder, "error.log").read_text("utf-8", "replace")[-3000:], flush=True)
        return self.passed, self.failed

    def _start(self, client, folder):
        pages = folder / "pages" / "inside"
        pages.mkdir(parents=True)
        (pages / "index.html").write_text("what is inside", "utf-8")
        (pages / "page.html").write_text("what is inside", "utf-8")
        folder.chmod(0o755)
        is_root = os.geteuid() == 0
        if is_root:
            # It opens its own files there.
            owner = pwd.getpwnam("www-data")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        file = folder / "apache.conf"
        file.write_text(CONFIGURATION.format(
            folder=folder, port=self.port, user=UNPRIVILEGED if is_root else "", modules=MODULES,
            issuer=self.issuer, portal=self.portal, passphrase=secrets.token_urlsafe(24),
            client_id=client["client_id"], client_secret=client["client_secret"]), "utf-8")
        return subprocess.Popen([APACHE, "-f", str(file), "-DFOREGROUND"], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)

    def _await(self, process):
        deadline = time.monotonic() + STARTED_WITHIN_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                urllib.request.urlopen(self.portal, timeout=1)
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("Apache is not there")

    def _check(self, name, act):
        try:
            act()
        except (AssertionError, OSError, ValueError, KeyError) as why:
            self._failed(name, why)
        else:
            self.passed += 1
            print(f"PASS apache: {name}", flush=True)

    def _failed(self, name, why):
        self.failed += 1
        print(f"FAIL apache: {name} - {type(why).__name__}: {' '.join(str(why).split())[:400]}", flush=True)

    def _journey(self):
        browser, other = Browser(self.person), Browser(self.person)
        page = self.inside + "page.html"

        def enters(whose):
            back = whose.visit(page, self.callback)
            expect("what is inside" in whose.read(back), "the page is not shown")

        def facts(whose):
            return json.loads(whose.read(self.callback + "?info=json"))

        def is_inside(whose):
            return "what is inside" in whose.read(page)

        def logs_in():
            enters(browser)
            expect(browser.asked[0] == "login-submit", browser.asked)
            known = facts(browser)
            expect(known["userinfo"]["name"] == self.person["name"], known["userinfo"])
            expect(known["id_token"]["sub"] == known["userinfo"]["sub"], known)
            expect(is_inside(browser), "it does not remember")

        def refreshes():
            before = facts(browser)["access_token"]
            query = urllib.parse.urlencode(dict(refresh=page, access_token=before))
            expect("what is inside" in browser.read(f"{self.callback}?{query}"), "no way back")
            expect(facts(browser)["access_token"] != before, "the access token is the same")

        def logs_out_by_the_back_channel():
            # Elsewhere nothing ends: the logout is about one login.
            enters(other)
            address = self.issuer + "/logout"
            _, done = browser._reply(address, browser.read(address), "never:")
            expect("unconfirmed" not in done, "the portal has not confirmed")
            expect(not is_inside(browser), "its login goes on")
            expect(is_inside(other), "another login has ended, too")

        def logs_out_here():
            enters(browser)
            query = urllib.parse.urlencode(dict(logout=self.bye))
            back = browser.visit(f"{self.callback}?{query}", self.bye)
            expect(back.startswith(self.bye), back)
            expect(not is_inside(browser), "its login goes on")
            address = self.issuer + "/account"
            expect("login-submit" in browser.read(address), "the provider's login goes on")

        def refuses_a_forged_logout_token():
            body = urllib.parse.urlencode(dict(logout_token="e30.e30.e30")).encode()
            try:
                status = urllib.request.urlopen(self.callback + "?logout=backchannel", body, timeout=10).status
            except urllib.error.HTTPError as refused:
                status = refused.code
            expect(status == 400, status)
            expect(is_inside(other), "a login has ended")

        self._check("somebody enters, and their name is known", logs_in)
        self._check("the tokens are refreshed", refreshes)
        self._check("a logout at the provider ends this login within the page's wait, and no other",
                    logs_out_by_the_back_channel)
        self._check("a logout here ends the provider's login, and comes back", logs_out_here)
        self._check("a forged logout token ends nothing", refuses_a_forged_logout_token)
