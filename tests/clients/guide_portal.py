"""The portals of docs/relying-party, each as its page has it: login, claims, refresh, both logouts."""
import json
import os
import re
import shlex
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from browser import Browser
from journey import Journey, expect
from page import Page
from portal import await_portal

HERE = Path(__file__).resolve().parent
GUIDE = HERE.parent.parent / "docs" / "relying-party"
# Node 18 keeps a global that openid-client needs behind this flag; later ones have it anyway.
FLAG = "--experimental-global-webcrypto"
PROGRAMS = {
    "openid-client": ("js", "portal.mjs"),
    "express-openid-connect": ("js", "portal.mjs"),
    "authlib": ("python", "portal.py"),
}
METER = re.compile(r'^tongxing_http_requests_total\{route="/oauth2/token",status="200"\} (\d+)$', re.MULTILINE)


class GuidePortal:
    """One page's portal, on `port`, entered by `person`."""

    def __init__(self, name, provider, port, person):
        self.name, self.provider, self.person = name, provider, person
        self.portal = f"http://localhost:{port}"
        self.callback = self.portal + "/callback"
        page = Page(GUIDE / f"{name}.md", provider.issuer, port)
        self.metadata = page.metadata()
        language, self.file = PROGRAMS[name]
        self.program = page.program(language, self.file)
        self.command = shlex.split(page.block(r"then `((?:node|flask) [^`]*)`"))
        self.journey = Journey(f"{name}'s page")

    def run(self, client, folder, python):
        """Starts the portal in a folder of its own and goes through the journey; `(passed, failed)`."""
        folder = Path(folder, f"guide-{self.name}")
        folder.mkdir()
        (folder / "client.json").write_text(json.dumps(client), "utf-8")
        (folder / self.file).write_text(self.program, "utf-8")
        (folder / "node_modules").symlink_to(HERE / "node_modules")
        command = [python, "-m", *self.command] if self.command[0] == "flask" else self.command
        with open(folder / "log", "w", encoding="utf-8") as log:
            process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=subprocess.STDOUT, env=dict(os.environ, NODE_OPTIONS=FLAG))
        try:
            await_portal(self.portal, process)
            self._checks()
        except (AssertionError, OSError) as why:
            self.journey.fail("it starts", why)
        finally:
            process.kill()
            process.wait(10)
            if self.journey.failed:
                print((folder / "log").read_text("utf-8", "replace")[-3000:], flush=True)
        return self.journey.passed, self.journey.failed

    def _checks(self):
        browser, other = Browser(self.person), Browser(self.person)
        home = self.portal + "/"

        def enters(whose):
            """Logs in; the address by which the provider came back."""
            back = whose.visit(self.portal + "/login", self.callback)
            expect(self.person["name"] in whose.read(back), "the portal does not greet")
            return back

        def is_inside(whose):
            return self.person["name"] in whose.read(home)

        def tokens_issued():
            with urllib.request.urlopen(self.provider.metrics, timeout=10) as answer:
                return int(METER.search(answer.read().decode())[1])

        def takes_a_no():
            hesitant = Browser(self.person, consent="consent-deny")
            back = hesitant.visit(self.portal + "/login", self.callback)
            expect("access_denied" in back, back)
            expect("consent-allow" not in hesitant.read(back), "it goes round in circles")
            expect(not is_inside(hesitant), "it takes no for yes")

        def logs_in():
            enters(browser)
            expect(browser.asked[0] == "login-submit", browser.asked)
            expect(is_inside(browser), "it does not remember")
            expect(not is_inside(other), "it takes everybody for one")

        def claims_and_refresh():
            before = tokens_issued()
            claims = json.loads(browser.read(self.portal + "/me"))
            expect(claims["name"] == self.person["name"], claims)
            expect(claims["phone_number"] == self.person["phone_number"], claims)
            expect(claims["sub"], claims)
            # Access tokens live a minute here, and portals refresh those that end within one.
            expect(tokens_issued() > before, "nothing was refreshed")

        def refuses_a_callback_of_another_browser():
            begun, stranger = Browser(self.person), Browser(self.person)
            back = begun.visit(self.portal + "/login", self.callback)
            stranger.read(back)
            expect(not is_inside(stranger), "a callback address logs in whoever opens it")

        def logs_out_by_the_back_channel():
            enters(other)
            address = self.provider.issuer + "/logout"
            done = browser.answer(address)
            expect("unconfirmed" not in done, "the portal has not confirmed")
            expect(not is_inside(browser), "its login goes on")
            expect(is_inside(other), "another login has ended, too")

        def logs_out_here():
            enters(browser)
            back = browser.post(self.portal + "/logout", {}, home)
            expect(back.startswith(home), back)
            expect(not is_inside(browser), "its login goes on")
            account = browser.read(self.provider.issuer + "/account")
            expect("login-submit" in account, "the provider's login goes on")

        def refuses_forged_logout_tokens():
            for token in ("", "e30.e30.e30"):
                status = self._told(token)
                expect(status == 400, f"{token!r}: {status}")
            expect(is_inside(other), "a login has ended")

        check = self.journey.check
        check("who does not agree is not inside, and is not asked again", takes_a_no)
        check("somebody enters, and their name is known", logs_in)
        check("claims are read again, by a refreshed token", claims_and_refresh)
        check("the callback of another browser logs nobody in", refuses_a_callback_of_another_browser)
        check("a logout at the provider ends this login within the page's wait, and no other",
              logs_out_by_the_back_channel)
        check("a logout here ends the provider's login, and comes back", logs_out_here)
        check("forged logout tokens are refused and end nothing", refuses_forged_logout_tokens)

    def _told(self, token):
        """The status by which the portal answers a logout token."""
        body = urllib.parse.urlencode(dict(logout_token=token)).encode()
        try:
            return urllib.request.urlopen(self.metadata["backchannel_logout_uri"], body, timeout=10).status
        except urllib.error.HTTPError as refused:
            return refused.code
