"""The dashboard and the alarms, on the metrics of a running server as a real Prometheus reads them."""

import contextlib
import json
import pathlib
import re
import subprocess
import urllib.parse

import pytest
from prometheus_client.parser import text_string_to_metric_families

from support import processes
from support.freshet import Freshet
from support.ports import free_port
from support.waiting import eventually
from support.wire import exchange

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "prometheus" / "freshet.rules.yaml"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "freshet.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS = [(panel["title"], target) for panel in PANELS for target in panel["targets"]]
METRIC = r"\b(?:freshet|process)_[a-z_]+\b"


def rules():
    return re.findall(r"^      - alert: (\w+)$", RULES.read_text(), re.MULTILINE)


class Prometheus:
    """One that reads a server's metrics every second, with the alarms of the repository."""

    def __init__(self, directory, server):
        self.address = ("127.0.0.1", free_port())
        configuration = directory / "prometheus.yaml"
        configuration.write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                    "rule_files": [str(RULES)],
                    "scrape_configs": [{"job_name": "freshet", "static_configs": [{"targets": [f"127.0.0.1:{server.port}"]}]}],
                }
            )
        )
        self.log = (directory / "log").open("w+")
        self.process = processes.start(
            [
                "prometheus",
                f"--config.file={configuration}",
                f"--storage.tsdb.path={directory / 'series'}",
                f"--web.listen-address=127.0.0.1:{self.address[1]}",
            ],
            stdout=self.log,
            stderr=self.log,
        )

    def get(self, path, **query):
        """The data of a response of Prometheus's API, or nothing while it does not listen yet."""
        try:
            answer = exchange(self.address, "GET", f"{path}?{urllib.parse.urlencode(query)}")
        except OSError:
            assert self.process.poll() is None, pathlib.Path(self.log.name).read_text()
            return None
        assert answer.status in (200, 503), answer.body
        return json.loads(answer.body)["data"] if answer.status == 200 else None


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A server that has done a little of everything that it counts, but for calls of its hook, which no stream here is for."""
    secret = tmp_path_factory.mktemp("hook") / "secret"
    secret.write_text("a secret of more than 24 bytes\n")
    secret.chmod(0o600)
    server = Freshet("relay", memory=True, hook="http://127.0.0.1:9/", hook_secret_file=secret, hook_prefix="nothing/")
    path = server.create()
    with server.subscribe(path) as reader:
        server.append(path, "one")
        server.request("GET", "/v1/stream/not-there")
        call = json.dumps({"model": "builtin", "stream": True, "messages": [{"role": "user", "content": "Hi"}]})
        assert server.request("POST", "/v1/chat/completions", {"Content-Type": "application/json"}, call).status == 200
        server.end(path)
        # Only what the reader has got is surely counted as delivered.
        reader.rest()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory, busy):
    running = Prometheus(tmp_path_factory.mktemp("prometheus"), busy)
    eventually(
        lambda: (found := running.get("/api/v1/query", query="count_over_time(freshet_streams[1m])")) and found["result"]
        and float(found["result"][0]["value"][1]) >= 3,
        60,
        "three readings of the server",
    )
    yield running
    processes.end(running.process)


def test_the_alarms_are_raised_by_what_they_are_for_and_by_nothing_less():
    directory = RULES.parent
    subprocess.run(["promtool", "check", "rules", RULES.name], cwd=directory, check=True, capture_output=True)
    tested = subprocess.run(["promtool", "test", "rules", "freshet.rules.test.yaml"], cwd=directory, capture_output=True, text=True)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    cases = (directory / "freshet.rules.test.yaml").read_text()
    for alarm in rules():
        assert re.search(rf"alertname: {alarm}\n +eval_time: \w+\n +exp_alerts:\n +- exp_labels", cases), f"{alarm} is never raised"


def test_the_operations_page_says_what_to_do_about_every_alarm():
    page = (ROOT / "docs" / "operations.md").read_text()
    assert re.findall(r"^\| `(Freshet\w+)` \|", page, re.MULTILINE) == rules()


def served(server, headers=None):
    """The names of all metrics of a server."""
    answer = server.request("GET", "/metrics", headers)
    assert answer.status == 200, answer
    names = set()
    for family in text_string_to_metric_families(answer.body.decode()):
        names |= {family.name, family.name + "_total"} | {sample.name for sample in family.samples}
    return names


def test_every_alarm_and_every_graph_is_of_metrics_that_the_server_has(busy, serve, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("prometheus a-key-of-prometheus-0123 read *\n")
    keys.chmod(0o600)
    # An issuer that nobody has to reach for that.
    guarded = serve(keys=keys, jwt_issuer="login", jwt_audience="freshet", jwt_jwks=f"http://127.0.0.1:{free_port()}/keys")
    names = served(busy) | served(guarded, {"Authorization": "Bearer a-key-of-prometheus-0123"})
    for text in [RULES.read_text(), *(target["expr"] for _, target in TARGETS)]:
        assert set(re.findall(METRIC, text)) - names == set()


def test_prometheus_runs_the_alarms_and_none_is_raised_on_a_healthy_server(prometheus):
    wanted, found = {name: ("ok", "inactive") for name in rules()}, {}

    def are_quiet():
        groups = (prometheus.get("/api/v1/rules") or {}).get("groups", [])
        found.clear()
        found.update({rule["name"]: (rule["health"], rule["state"]) for group in groups for rule in group["rules"]})
        return found == wanted

    # One may wait for its minutes to pass, because a busy machine was late with one reading; what is wrong stays.
    with contextlib.suppress(AssertionError):
        eventually(are_quiet, 60)
    assert found == wanted


@pytest.mark.parametrize("title, target", TARGETS, ids=[f"{title} {target['refId']}" for title, target in TARGETS])
def test_a_graph_shows_something_with_the_labels_of_its_legend(prometheus, title, target):
    query = target["expr"].replace("$job", ".*").replace("$instance", ".*").replace("$__rate_interval", "1m")
    # A busy machine may be late with the newest reading: then Prometheus has nothing to show until the next one.
    result = eventually(lambda: (prometheus.get("/api/v1/query", query=query) or {}).get("result"), what=f"{title}: {query}")
    wanted = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
    assert all(wanted <= set(series["metric"]) for series in result)


def test_the_dashboard_is_one_that_grafana_lays_out_without_overlaps():
    taken = {}
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]
    identifiers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(identifiers)) == len(identifiers)
