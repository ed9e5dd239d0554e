"""README's quick start as a newcomer would copy it: its resident, its metadata, its portal."""
import json
import os
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
        """Starts the portal in `folder` and logs in there; `(passed, failed)`."""
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
            browser = Browser(self.resident)
            back = browser.visit(self.portal + "/", self.portal + "/callback")
            answer = browser.read(back)
            facts = json.loads(answer) if answer.startswith("{") else {}
            if facts.get("name") != self.resident["name"] or not facts.get("sub"):
                raise AssertionError(f"the portal shows {answer}")
            # Out, here and at the provider: what comes next is the login page again.
            browser.visit(self.portal + "/logout", self.portal + "/callback")
            if browser.asked != ["login-submit"]:
                raise AssertionError(f"after logging out, {browser.asked} were asked")
        except (AssertionError, OSError) as why:
            print(f"FAIL quick start: {' '.join(str(why).split())[:600]}", flush=True)
            return 0, 1
        finally:
            portal.kill()
        print("PASS quick start: README's portal shows who entered, and logs out", flush=True)
        return 1, 0
