"""docs/relying-party/mod_auth_openidc.md: Debian's Apache as its page has it, and a browser.

The module does all of the protocol: login, claims, refresh, logout, and back-channel logout.
"""
import json
import os
import pwd
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from browser import Browser
from guide_portal import GUIDE
from journey import Journey, expect
from page import Page
from portal import await_portal

APACHE = shutil.which("apache2", path="/usr/sbin:/usr/bin") or "/usr/sbin/apache2"
MODULES = Path("/usr/lib/apache2/modules")
# Nobody but root may and must say as whom to serve.
UNPRIVILEGED = "User www-data\nGroup www-data\n"

# What Debian's own configuration does before a site's.
AROUND = """
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/pid
ErrorLog {folder}/error.log
LogLevel warn auth_openidc:info
ServerName localhost
{user}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule mime_module {modules}/mod_mime.so
LoadModule include_module {modules}/mod_include.so
LoadModule rewrite_module {modules}/mod_rewrite.so
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so
TypesConfig /dev/null
AddType text/html .shtml
"""
# The one line more: it lets the journey see the tokens.
LOOK_INSIDE = "OIDCInfoHook access_token id_token userinfo refresh_token session\n</VirtualHost>"


class ApachePortal:
    """The page's portal on `port`, entered by `person`."""

    def __init__(self, issuer, port, person):
        self.issuer, self.person = issuer, person
        self.portal = f"http://localhost:{port}"
        self.callback, self.bye = self.portal + "/inside/callback", self.portal + "/bye"
        page = Page(GUIDE / "mod_auth_openidc.md", issuer, port)
        self.metadata = page.metadata()
        self.configuration = page.program("apache", "portal.conf")
        self.document = page.block(r"```html\n(.*?)```")
        self.journey = Journey("mod_auth_openidc's page")

    @staticmethod
    def is_installed():
        return Path(APACHE).exists() and (MODULES / "mod_auth_openidc.so").exists()

    def run(self, client):
        """Starts the portal and goes through the journey; `(passed, failed)`."""
        with tempfile.TemporaryDirectory(prefix="tongxing-apache-") as folder:
            process = self._start(client, Path(folder))
            try:
                await_portal(self.portal, process)
                self._checks()
            except (AssertionError, OSError) as why:
                self.journey.fail("it starts", why)
            finally:
                process.terminate()
                process.wait(10)
                if self.journey.failed:
                    print(Path(folder, "error.log").read_text("utf-8", "replace")[-3000:], flush=True)
        return self.journey.passed, self.journey.failed

    def _start(self, client, folder):
        pages = folder / "pages" / "inside"
        pages.mkdir(parents=True)
        (pages / "index.shtml").write_text(self.document, "utf-8")
        folder.chmod(0o755)
        is_root = os.geteuid() == 0
        if is_root:
            # It opens its own files there.
            owner = pwd.getpwnam("www-data")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        site = self.configuration
        for placeholder, real in [("CLIENT_ID", client["client_id"]), ("CLIENT_SECRET", client["client_secret"]),
                                  ("/var/www/portal", str(folder / "pages")), ("</VirtualHost>", LOOK_INSIDE)]:
            if placeholder not in site:
                raise ValueError(f"the page's configuration has no {placeholder}")
            site = site.replace(placeholder, real)
        around = AROUND.format(folder=folder, user=UNPRIVILEGED if is_root else "", modules=MODULES)
        file = folder / "apache.conf"
        file.write_text(around + site, "utf-8")
        return subprocess.Popen([APACHE, "-f", str(file), "-DFOREGROUND"], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)

    def _checks(self):
        browser, other = Browser(self.person), Browser(self.person)
        page = self.portal + "/inside/index.shtml"

        def enters(whose):
            back = whose.visit(page, self.callback)
            expect(self.person["name"] in whose.read(back), "the page does not greet")

        def facts(whose):
            return json.loads(whose.read(self.callback + "?info=json"))

        def is_inside(whose):
            return self.person["name"] in whose.read(page)

        def takes_a_no():
            hesitant = Browser(self.person, consent="consent-deny")
            back = hesitant.visit(page, self.callback)
            expect("access_denied" in back, back)
            refused = hesitant.visit(back, self.portal + "/?")
            expect(refused == self.portal + "/?error=access_denied", refused)
            expect(hesitant.asked == [], "it asks again")

        def logs_in():
            enters(browser)
            expect(browser.asked[0] == "login-submit", browser.asked)
            known = facts(browser)
            expect(known["userinfo"]["name"] == self.person["name"], known["userinfo"])
            expect(known["id_token"]["sub"] == known["userinfo"]["sub"], known)
            expect(known["userinfo"]["sub"] in browser.read(page), "the page does not say who it is")

        def refreshes():
            # Access tokens live a minute here: it refreshes by itself those that end within one.
            before = facts(browser)["access_token"]
            expect(is_inside(browser), "its login has ended")
            after = facts(browser)["access_token"]
            expect(after != before, "the access token is the same")
            query = urllib.parse.urlencode(dict(refresh=page, access_token=after))
            expect(self.person["name"] in browser.read(f"{self.callback}?{query}"), "no way back")
            expect(facts(browser)["access_token"] != after, "the access token is the same when asked for another")

        def logs_out_by_the_back_channel():
            # Elsewhere nothing ends: the logout is about one login.
            enters(other)
            done = browser.answer(self.issuer + "/logout")
            expect("unconfirmed" not in done, "the portal has not confirmed")
            expect(not is_inside(browser), "its login goes on")
            expect(is_inside(other), "another login has ended, too")

        def logs_out_here():
            enters(browser)
            query = urllib.parse.urlencode(dict(logout=self.bye))
            expect(f"/inside/callback?{query}" in browser.read(page), "the page has no such link")
            back = browser.visit(f"{self.callback}?{query}", self.bye)
            expect(back.startswith(self.bye), back)
            expect(not is_inside(browser), "its login goes on")
            address = self.issuer + "/account"
            expect("login-submit" in browser.read(address), "the provider's login goes on")

        def refuses_a_forged_logout_token():
            body = urllib.parse.urlencode(dict(logout_token="e30.e30.e30")).encode()
            try:
                status = urllib.request.urlopen(self.metadata["backchannel_logout_uri"], body, timeout=10).status
            except urllib.error.HTTPError as refused:
                status = refused.code
            expect(status == 400, status)
            expect(is_inside(other), "a login has ended")

        check = self.journey.check
        check("who does not agree is told so, and is not asked again", takes_a_no)
        check("somebody enters, and their name is known", logs_in)
        check("the tokens are refreshed, by itself and when asked", refreshes)
        check("a logout at the provider ends this login within the page's wait, and no other",
              logs_out_by_the_back_channel)
        check("a logout here ends the provider's login, and comes back", logs_out_here)
        check("a forged logout token ends nothing", refuses_a_forged_logout_token)
