"""Chromium and Firefox, driven without a library: WebDriver over HTTP for the one, Marionette for the other.

Both speak the same commands; Debian has no geckodriver, and Firefox needs none to be told what to do.
"""

import base64
import contextlib
import json
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from . import processes

ARTIFACTS = pathlib.Path(__file__).resolve().parents[3] / "artifacts"

# Names of this machine to both browsers, and to nothing else: of three sites, one of which has two of them.
SITES = ("app.example.test", "hostile.example.org", "pages.example.net", "streams.example.net")

# These only end what hangs: a browser that begins, or loads a page, while all the rest of a test run does, may take a minute.
TIMEOUTS = {"script": 250_000, "pageLoad": 250_000}
ANSWER_SECONDS = 300

# Resolves to the expression's value once it is neither false nor undefined; the page waits, not the test.
_WAIT = """
const [source, milliseconds, done] = arguments;
const until = performance.now() + milliseconds;
const look = new Function("return (" + source + ")");
(function again() {
  let value;
  try { value = look(); } catch (error) { value = undefined; }
  if (value) return done(value);
  if (performance.now() > until) return done(null);
  setTimeout(again, 15);
})();
"""


class Browser:
    """What the tests ask of a browser."""

    name = ""

    def goto(self, url):
        self.command("navigate", {"url": url})

    def reload(self):
        self.command("refresh", {})

    def run(self, script, *arguments):
        """Runs the body of a function in the page and returns what it returns."""
        return self.command("run", {"script": script, "args": list(arguments)})

    def run_async(self, script, *arguments):
        """The same, for a function whose last argument is called with the result."""
        return self.command("run_async", {"script": script, "args": list(arguments)})

    def wait_for(self, expression, seconds=120):
        """Waits in the page until the expression is true, and returns its value."""
        value = self.run_async(_WAIT, expression, seconds * 1000)
        assert value is not None, f"{self.name}: {expression} did not come true; the page says: {self.text()[-600:]}"
        return value

    def text(self):
        return self.run("return document.body ? document.body.innerText : ''")

    def screenshot(self, name):
        ARTIFACTS.mkdir(exist_ok=True)
        path = ARTIFACTS / f"{name}-{self.name}.png"
        path.write_bytes(base64.b64decode(self.command("screenshot", {})))
        return path

    def resize(self, width, height):
        self.command("resize", {"width": width, "height": height})

    def press(self, key):
        """Presses a key, where the focus is; `Tab`, `Enter`, `Space` or `Escape`."""
        value = {"Tab": "\ue004", "Enter": "\ue007", "Space": " ", "Escape": "\ue00c"}[key]
        actions = [{"type": kind, "value": value} for kind in ("keyDown", "keyUp")]
        self.command("actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def window(self):
        return self.command("window", {})

    def open_window(self):
        """Opens a tab, goes to it, and returns its handle."""
        handle = self.command("new_window", {"type": "tab"})["handle"]
        self.switch(handle)
        return handle

    def switch(self, handle):
        self.command("switch", {"handle": handle})

    def look_at(self, handle):
        """Goes to a tab as a person does: it is shown, and the others of its window are hidden. Firefox always goes there so."""
        self.switch(handle)

    def close_window(self):
        self.command("close_window", {})


class Chromium(Browser):
    name = "chromium"
    _paths = {
        "navigate": ("POST", "/url"),
        "refresh": ("POST", "/refresh"),
        "run": ("POST", "/execute/sync"),
        "run_async": ("POST", "/execute/async"),
        "screenshot": ("GET", "/screenshot"),
        "resize": ("POST", "/window/rect"),
        "window": ("GET", "/window"),
        "new_window": ("POST", "/window/new"),
        "switch": ("POST", "/window"),
        "close_window": ("DELETE", "/window"),
        "actions": ("POST", "/actions"),
        "log": ("POST", "/se/log"),
        "devtools": ("POST", "/goog/cdp/execute"),
    }

    def __init__(self):
        self._profile = tempfile.mkdtemp(prefix="freshet-chromium-")
        self._driver = processes.start(
            [shutil.which("chromedriver"), "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        for line in self._driver.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                self._url = f"http://127.0.0.1:{found[1]}"
                break
        else:
            raise AssertionError("chromedriver said no port")
        arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-background-timer-throttling",
            "--disable-renderer-backgrounding",
            "--host-resolver-rules=" + ",".join(f"MAP {name} 127.0.0.1" for name in SITES),
            f"--user-data-dir={self._profile}",
        ]
        wanted = {
            # The tests' own certificates: no authority signs for 127.0.0.1.
            "acceptInsecureCerts": True,
            "goog:chromeOptions": {"binary": shutil.which("chromium"), "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        session = self._send("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{session['sessionId']}"
        self._send("POST", f"{self._session}/timeouts", TIMEOUTS)

    def _send(self, method, path, body):
        data = json.dumps(body).encode() if method == "POST" else None
        request = urllib.request.Request(self._url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"chromium: {path}: {json.load(error)['value']['message']}") from None

    def command(self, name, body):
        method, path = self._paths[name]
        return self._send(method, self._session + path, body)

    def console_errors(self):
        """The errors in the console since the last call."""
        return [entry["message"] for entry in self.command("log", {"type": "browser"}) if entry["level"] == "SEVERE"]

    def look_at(self, handle):
        super().look_at(handle)
        self._devtools("Page.bringToFront", {})

    def color_scheme(self, scheme):
        """What pages are told that their reader likes; empty for the default."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self._devtools("Emulation.setEmulatedMedia", {"features": [feature]})

    def offline(self, is_offline):
        """Cuts the network, or brings it back."""
        self._devtools("Network.enable", {})
        conditions = {"offline": is_offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self._devtools("Network.emulateNetworkConditions", conditions)

    @contextlib.contextmanager
    def frozen(self):
        """The tab does nothing meanwhile. Afterwards the driver must be at it again."""
        self._devtools("Page.setWebLifecycleState", {"state": "frozen"})
        yield
        self._devtools("Page.setWebLifecycleState", {"state": "active"})

    def _devtools(self, command, parameters):
        return self.command("devtools", {"cmd": command, "params": parameters})

    def quit(self):
        try:
            self._send("DELETE", self._session, None)
        finally:
            processes.end(self._driver)
            shutil.rmtree(self._profile, ignore_errors=True)


class Firefox(Browser):
    name = "firefox"
    _commands = {
        "navigate": "WebDriver:Navigate",
        "refresh": "WebDriver:Refresh",
        "run": "WebDriver:ExecuteScript",
        "run_async": "WebDriver:ExecuteAsyncScript",
        "screenshot": "WebDriver:TakeScreenshot",
        "resize": "WebDriver:SetWindowRect",
        "window": "WebDriver:GetWindowHandle",
        "new_window": "WebDriver:NewWindow",
        "switch": "WebDriver:SwitchToWindow",
        "close_window": "WebDriver:CloseWindow",
        "actions": "WebDriver:PerformActions",
        "context": "Marionette:SetContext",
    }
    _preferences = {
        "marionette.port": 0,
        "browser.shell.checkDefaultBrowser": False,
        "browser.startup.page": 0,
        "browser.sessionstore.resume_from_crash": False,
        "browser.aboutwelcome.enabled": False,
        "datareporting.policy.dataSubmissionEnabled": False,
        "toolkit.telemetry.enabled": False,
        "app.update.enabled": False,
        # Its viewer replaces a page of JSON by one of its own, which may fetch nothing.
        "devtools.jsonview.enabled": False,
        "network.captive-portal-service.enabled": False,
        "network.connectivity-service.enabled": False,
        "dom.timeout.enable_budget_timer_throttling": False,
        "network.dns.localDomains": ",".join(SITES),
        "dom.min_background_timeout_value": 10,
    }

    def __init__(self):
        self._profile = pathlib.Path(tempfile.mkdtemp(prefix="freshet-firefox-"))
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in self._preferences.items()]
        (self._profile / "user.js").write_text("".join(lines))
        program = shutil.which("firefox-esr") or shutil.which("firefox")
        self._process = processes.start(
            [program, "--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", self._profile],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._socket = socket.create_connection(("127.0.0.1", self._port()), ANSWER_SECONDS)
        self._buffer = b""
        self._number = 0
        self._receive()  # The greeting.
        # As WebDriver's servers hand it on: wrapped as their own clients send it, Firefox overlooks it.
        session = self._send("WebDriver:NewSession", {"acceptInsecureCerts": True})
        assert session["capabilities"]["acceptInsecureCerts"], session
        self._send("WebDriver:SetTimeouts", TIMEOUTS)

    def _port(self):
        """Firefox writes the port it chose into its profile; there is nothing to wait on but the file."""
        until = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < until:
            assert self._process.poll() is None, "Firefox did not start"
            try:
                return int((self._profile / "MarionetteActivePort").read_text())
            except (FileNotFoundError, ValueError):
                time.sleep(0.05)
        raise AssertionError("Firefox said no port")

    def _receive(self):
        while b":" not in self._buffer:
            self._more()
        length, _, rest = self._buffer.partition(b":")
        while len(rest) < int(length):
            self._more()
            rest = self._buffer.partition(b":")[2]
        self._buffer = rest[int(length) :]
        return json.loads(rest[: int(length)])

    def _more(self):
        data = self._socket.recv(1 << 20)
        assert data, "Firefox closed the connection"
        self._buffer += data

    def _send(self, command, parameters):
        self._number += 1
        message = json.dumps([0, self._number, command, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        # A test that was stopped in the middle of a command leaves the response to it: it would be taken for that to the next one, and
        # so on, through all tests that follow.
        answered = None
        while answered != self._number:
            _, answered, error, result = self._receive()
        assert error is None, f"firefox: {command}: {error['message']}"
        return result.get("value", result) if isinstance(result, dict) else result

    def command(self, name, body):
        if name == "screenshot":
            body = {"full": False}
        return self._send(self._commands[name], body)

    def console_errors(self):
        """The errors in the console since the last call."""
        return self._as_browser(
            """
            const seen = Services.console.getMessageArray().filter((message) =>
              message instanceof Ci.nsIScriptError && !(message.flags & Ci.nsIScriptError.warningFlag)
              && /^http:/.test(message.sourceName));
            Services.console.reset();
            return seen.map((message) => message.errorMessage);
            """
        )

    def color_scheme(self, scheme):
        """What pages are told that their reader likes; empty for the default."""
        value = {"dark": 0, "light": 1, "": 2}[scheme]
        self._as_browser("Services.prefs.setIntPref('layout.css.prefers-color-scheme.content-override', arguments[0])", value)

    def offline(self, is_offline):
        """Cuts the network, or brings it back."""
        self._as_browser("Services.io.offline = arguments[0]", is_offline)

    @contextlib.contextmanager
    def frozen(self):
        """The tab tells others nothing meanwhile: Firefox freezes none. Afterwards the driver must be at it again."""
        self.run("window.told = BroadcastChannel.prototype.postMessage; BroadcastChannel.prototype.postMessage = () => {}")
        yield
        self.run("BroadcastChannel.prototype.postMessage = told")

    def _as_browser(self, script, *arguments):
        """Runs a script in the browser's own rights, not in a page."""
        self.command("context", {"value": "chrome"})
        try:
            return self.run(script, *arguments)
        finally:
            self.command("context", {"value": "content"})

    def quit(self):
        try:
            self._send("Marionette:Quit", {"flags": ["eForceQuit"]})
        except (AssertionError, OSError):
            pass
        finally:
            self._socket.close()
            processes.end(self._process)
            shutil.rmtree(self._profile, ignore_errors=True)
