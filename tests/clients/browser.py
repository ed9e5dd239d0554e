"""A resident's browser without JavaScript: cookies, redirects and forms, nothing else."""
import html.parser
import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request

MOST_REDIRECTS = 15
MOST_PAGES = 5
NOT_SENT = {"submit", "button", "checkbox", "radio"}


class Forms(html.parser.HTMLParser):
    """The forms of a page: action, the fields that are sent anyway, and what each id names."""

    def __init__(self, text):
        super().__init__()
        self.found, self.form = [], None
        self.feed(text)

    def handle_starttag(self, tag, pairs):
        attributes = dict(pairs)
        if tag == "form":
            self.form = dict(action=attributes.get("action") or "", fields={}, ids={})
            self.found.append(self.form)
        if self.form is None:
            return
        if attributes.get("id"):
            self.form["ids"][attributes["id"]] = attributes
        if tag == "input" and attributes.get("name") and attributes.get("type") not in NOT_SENT:
            self.form["fields"][attributes["name"]] = attributes.get("value") or ""

    def handle_endtag(self, tag):
        if tag == "form":
            self.form = None


class Manual(urllib.request.HTTPRedirectHandler):
    """Leaves redirects to the browser, which must see the callback instead of opening it."""

    def redirect_request(self, *_arguments, **_named):
        return None


class Browser:
    """Of somebody who agrees to what they are asked, or does not."""

    def __init__(self, person, consent="consent-allow"):
        self.person, self.asked, self.consent = person, [], consent
        policy = http.cookiejar.DefaultCookiePolicy(secure_protocols=("https", "http"))
        cookies = http.cookiejar.CookieJar(policy)
        self.opener = urllib.request.build_opener(Manual, urllib.request.HTTPCookieProcessor(cookies))

    def visit(self, url, callback):
        """Opens a URL and answers what is asked; the URL by which the provider returns."""
        self.asked = []
        return self._go_on(*self._follow(url, callback), callback)

    def _go_on(self, url, text, callback):
        for _ in range(MOST_PAGES):
            if text is None:
                return url
            url, text = self._reply(url, text, callback)
        if text is None:
            return url
        raise AssertionError(f"still on {url} after {self.asked}")

    def read(self, url):
        """The text at a URL, opened with this browser's cookies."""
        return self._follow(url, "never:")[1]

    def answer(self, url):
        """Answers the page at a URL; the text of the one that follows."""
        return self._reply(*self._follow(url, "never:"), "never:")[1]

    def post(self, url, fields, callback):
        """Posts a form as a page of the same site would, and goes on as `visit` does."""
        self.asked = []
        return self._go_on(*self._follow(url, callback, fields), callback)

    def _reply(self, url, text, callback):
        for form in Forms(text).found:
            fields, ids = dict(form["fields"]), form["ids"]
            if "password" in ids:
                fields[ids["username"].get("name", "username")] = self.person["phone_number"]
                fields[ids["password"].get("name", "password")] = self.person["password"]
                button = "login-submit"
            else:
                button = next((b for b in (self.consent, "logout-confirm") if b in ids), None)
            if button is None:
                continue
            if ids[button].get("name"):
                fields[ids[button]["name"]] = ids[button].get("value") or ""
            self.asked.append(button)
            return self._follow(urllib.parse.urljoin(url, form["action"] or url), callback, fields)
        raise AssertionError(f"{url} asks nothing: {' '.join(text.split())[:300]}")

    def _follow(self, url, callback, fields=None):
        body = urllib.parse.urlencode(fields).encode() if fields is not None else None
        for _ in range(MOST_REDIRECTS):
            headers = {"Accept-Language": "en", "Accept": "text/html,*/*;q=0.8"}
            try:
                response = self.opener.open(urllib.request.Request(url, body, headers), timeout=20)
            except urllib.error.HTTPError as refused:
                response = refused
            if not 300 <= response.status < 400:
                return url, response.read().decode("utf-8", "replace")
            url, body = urllib.parse.urljoin(url, response.headers["Location"]), None
            if url.startswith(callback):
                return url, None
        raise AssertionError(f"more than {MOST_REDIRECTS} redirects, the last to {url}")
