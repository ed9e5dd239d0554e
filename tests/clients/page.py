"""A document's code as a reader would copy it.

Only the two addresses are changed, so that a run does not depend on which ports are taken.
"""
import json
import re

ISSUER = "http://localhost:8080"
# In text, in a query, and as what a server listens on.
PORTAL_PORT = re.compile(
    r"(?<=localhost:)3000|(?<=localhost%3A)3000|(?<=127\.0\.0\.1:)3000|(?<=listen\()3000|(?<=--port )3000")


class Page:
    def __init__(self, path, issuer, port):
        self.path = path
        self.text = PORTAL_PORT.sub(str(port), path.read_text("utf-8").replace(ISSUER, issuer))

    def block(self, pattern):
        """What the pattern's group finds."""
        found = re.search(pattern, self.text, re.DOTALL)
        if not found:
            raise ValueError(f"{self.path.name} has no block like {pattern}")
        return found[1]

    def metadata(self):
        """The client's, as the page has them registered."""
        return json.loads(self.block(r"portal\.json <<'END'\n(.*?)\nEND"))

    def program(self, language, file):
        """The block of code that begins with a comment naming its file."""
        return self.block(rf"```{language}\n((?:#|//) {re.escape(file)}\n.*?)```")
