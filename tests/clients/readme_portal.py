"""README's quick start as a newcomer would copy it: its resident, its metadata, its portal."""
import html
import json
import os
import re
import subprocess
from pathlib import Path

from browser import Browser
from page import Page

HERE = Path(__file__).resolve().parent
README = HERE.parent.parent / "README.md"
# Node 18 keeps a global that the library needs behind this flag; later ones have it anyway.
FLAG = "--experimental-global-webcrypto"


class QuickStart:
    def __init__(self, issuer, port):
        page = Page(README, issuer, port)
        self.portal = f"http://localhost:{port}"
        self.resident = json.loads(page.block(r"people\.ndjson <<'END'\n(.*?)\nEND"))
        self.metadata = page.metadata()
        self.program = page.program("js", "portal.mjs")

    def run(self, client, folder):
        """Starts the portal in `folder` and plays what its visitors do; `(passed, failed)`."""
        folder = Path(folder, "quick-start")
        folder.mkdir()
        (folder / "client.json").write_text(json.dumps(client), "utf-8")
        (folder / "portal.mjs").write_text(self.program, "utf-8")
        (folder / "node_modules").symlink_to(HERE / "node_modules")
        portal = subprocess.Popen(["node", "portal.mjs"], cwd=folder, stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  env=dict(os.environ, NODE_OPTIONS=FLAG))
        try:
            began = portal.stdout.readline()
            if not began.startswith("open "):
                raise AssertionError(f"{began}{portal.stdout.read()}")
            self.play(Browser(self.resident), Browser(self.resident, consent="consent-deny"))
        except (AssertionError, OSError, ValueError) as why:
            print(f"FAIL quick start: {' '.join(str(why).split())[:600]}", flush=True)
            return 0, 1
        finally:
            portal.kill()
        print("PASS quick start: README's portal shows who entered, and logs out", flush=True)
        return 1, 0

    def play(self, browser, refusing):
        home, login, callback = (self.portal + path for path in ("/", "/login", "/callback"))

        def shows(browser, url, what):
            text = html.unescape(browser.read(url))
            if what not in text:
                raise AssertionError(f"not {what} but {text}")
            return text

        # Whoever refuses is told so, and is led back by opening the page again.
        refused = refusing.visit(login, callback)
        shows(refusing, refused, "access_denied")
        shows(refusing, refused, f'href="{login}"')

        shows(browser, home, f'href="{login}"')
        back = browser.visit(login, callback)
        for url in (back, back, home):
            text = shows(browser, url, 'action="/logout"')
            resident = json.loads(re.search("<pre>(.*)</pre>", text, re.DOTALL)[1])
            if resident.get("name") != self.resident["name"] or not resident.get("sub"):
                raise AssertionError(f"the portal shows {text}")
        # Out, here and at the provider: what comes next is a page that says so, then the login page again.
        shows(browser, browser.post(self.portal + "/logout", {}, home), f'href="{login}"')
        browser.visit(login, callback)
        if browser.asked != ["login-submit"]:
            raise AssertionError(f"after logging out, {browser.asked} were asked")
