"""README's quick start as a newcomer would copy it: its resident, its metadata, its portal.

Only the two addresses are changed, so that a run does not depend on which ports are taken.
"""
import json
import os
import re
import subprocess
from pathlib import Path

from browser import Browser

HERE = Path(__file__).resolve().parent
README = HERE.parent.parent / "README.md"
# Node 18 keeps a global that the library needs behind this flag; later ones have it anyway.
FLAG = "--experimental-global-webcrypto"


class QuickStart:
    def __init__(self, issuer, port):
        text = README.read_text("utf-8").replace("http://localhost:8080", issuer)
        text = re.sub(r"localhost:3000|(?<=listen\()3000", lambda found: found[0].replace("3000", str(port)), text)
        self.portal = f"http://localhost:{port}"
        self.resident = json.loads(self._block(text, r"people\.ndjson <<'END'\n(.*?)\nEND"))
        self.metadata = json.loads(self._block(text, r"portal\.json <<'END'\n(.*?)\nEND"))
        self.program = self._block(text, r"```js\n(// portal\.mjs\n.*?)```")

    @staticmethod
    def _block(text, pattern):
        found = re.search(pattern, text, re.DOTALL)
        if not found:
            raise ValueError(f"README.md has no block like {pattern}")
        return found[1]

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
