import os
import pathlib

import pytest

from support import tls, transports
from support.browsers import Chromium, Firefox
from support.freshet import BINARY, NIGHTLY, TRANSPORT, Freshet
from support.hooks import LINE
from support.network import Network, lacking
from support.nodes import Nodes
from support.redis import RedisServer
from support.redis_functions import Functions


def pytest_configure(config):
    if not pathlib.Path(BINARY).exists():
        raise pytest.UsageError(f"there is no {BINARY}: run scripts/lib/release-build, or set FRESHET_BINARY")
    if TRANSPORT in ("tls", "h2"):
        # curl, node and Python's clients trust what signed the servers' certificate.
        for variable in ("CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
            os.environ[variable] = str(tls.usual().authority)


# Before xdist looks at the marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    left_out = [item for item in items if TRANSPORT not in runs_over(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if TRANSPORT in runs_over(item)]
    for item in items:
        if not NIGHTLY and item.get_closest_marker("nightly"):
            item.add_marker(pytest.mark.skip(reason="a long run: set FRESHET_NIGHTLY=1"))
        item.add_marker(pytest.mark.xdist_group(group(item)))
    items.sort(key=lambda item: -seconds(item))


def runs_over(item):
    """A browser speaks HTTP/2 wherever there is TLS, and nowhere else."""
    over = transports.runs_over(item.path.name, item.originalname)
    return over - {"tls", "h2c"} if has_browser(item) else over


def seconds(item):
    """What takes long begins first: a lane that begins it last is waited for by all others."""
    if has_browser(item):
        return 150
    mark = item.get_closest_marker("long")
    return mark.args[0] if mark else 0


def has_browser(item):
    return "_running_browser" in item.fixturenames


def group(item):
    """What runs in one lane, one after the other: what shares a browser, or the fixtures of a module."""
    if has_browser(item):
        return item.callspec.params["_running_browser"].name
    return item.nodeid if item.get_closest_marker("apart") else item.path.name


@pytest.fixture(scope="module")
def server():
    """One server with the default settings for the tests of a module; each test makes its own streams."""
    server = Freshet()
    yield server
    server.stop(patience=60)
    assert server.process.returncode == 0, server.logged()


@pytest.fixture(scope="module")
def demo():
    """The server with its pages, for the tests of a module."""
    server = Freshet("demo")
    yield server
    server.stop()


@pytest.fixture
def secret(tmp_path):
    """The file of a hook's secret."""
    path = tmp_path / "hook-secret"
    path.write_text(LINE + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def redis():
    """A redis-server that keeps nothing, for the tests of a module."""
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture
def functions(redis):
    """The functions of the Redis store on a Redis that holds nothing, at a time that the test sets."""
    with redis.client() as client:
        client("FLUSHALL")
        functions = Functions(client)
        functions.load()
        yield functions


@pytest.fixture(scope="module")
def nodes():
    """Three nodes that live as long as the module: nothing is done to them."""
    nodes = Nodes(torn_lease_seconds=1)
    yield nodes
    for node in nodes:
        assert node.stop(60) == 0, node.logged()
    nodes.stop()


@pytest.fixture
def cluster():
    """Starts nodes to which a test does something; they end with the test."""
    started = []

    def start(*arguments, **settings):
        started.append(Nodes(*arguments, **settings))
        return started[-1]

    yield start
    for nodes in started:
        nodes.stop()


@pytest.fixture
def network():
    """A network of machines. In CI, which has the rights for it, what is lacking is a failure."""
    if why := lacking():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    network = Network()
    yield network
    network.close()


@pytest.fixture
def serve():
    """Starts servers with settings of the test's own; they end with the test."""
    servers = []

    def start(**settings):
        servers.append(Freshet(**settings))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session", params=[Chromium, Firefox], ids=["chromium", "firefox"])
def _running_browser(request):
    browser = request.param()
    yield browser
    browser.quit()


@pytest.fixture
def browser(_running_browser):
    """A browser with one blank window, in turn Chromium and Firefox."""
    first = _running_browser.window()
    _running_browser.goto("about:blank")
    yield _running_browser
    _running_browser.switch(first)
    _running_browser.goto("about:blank")
