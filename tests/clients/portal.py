"""What portals have in common, whoever wrote them: they take a while to start."""
import time
import urllib.error
import urllib.request

STARTED_WITHIN_SECONDS = 30


def await_portal(address, process):
    """Returns as soon as the portal that `process` runs answers, whatever it answers."""
    deadline = time.monotonic() + STARTED_WITHIN_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the portal is not there")
