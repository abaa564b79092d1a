"""All nodes of one Redis: what `/v1/nodes` of any of them tells, and the table of the live page."""

import json
import signal

from support.nodes import open_append
from support.waiting import eventually
from test_live_page import NAMES, ROWS, TROUBLE, look, open_page, sign_in

REPORTS = "freshet:{nodes}:reports"
OPERATOR, PLAIN = "operator-key-0123456789", "plain-key-0123456789ab"
HOSTILE = "\u202etxt<img src=x onerror=steal()>\u2066"
STATES = f"[...{ROWS}].map((row) => row.children[1].textContent)"


def told(node, **headers):
    answer = node.request("GET", "/v1/nodes", headers)
    assert answer.status == 200, answer
    return answer.json["nodes"]


def port(entry):
    return int(entry["name"].rpartition(":")[2])


def by_port(node):
    return {port(entry): entry for entry in told(node)}


def all_told(nodes, asked):
    """What a node tells of all, once it has heard all of them."""
    ports = sorted(node.port for node in nodes)
    return eventually(lambda: (found := by_port(asked)) and sorted(found) == ports and found, what=f"{ports} at {asked.port}")


def test_any_node_tells_what_all_do(cluster):
    nodes = cluster()
    path = nodes[1].create()
    assert nodes[1].append(path, "one").status == 204
    with (
        open_append(nodes[2], path), nodes[0].subscribe(path + "?offset=-1") as one, nodes[0].subscribe(path + "?offset=-1") as two,
    ):
        for reader in (one, two):
            assert [event.data for event in reader.take(2)] == ["one", "a"]
        for asked in nodes:
            def heard():
                found = all_told(nodes, asked)
                seen = [found[node.port] for node in nodes]
                counts = [(entry["readers"], entry["producers"], entry["appends"], entry["deliveries"]) for entry in seen]
                return counts == [(2, 0, 0, 4), (0, 0, 1, 0), (0, 1, 1, 0)] and seen

            seen = eventually(heard, what=f"what all do, at {asked.port}, which tells {told(asked)},")
            assert [entry["self"] for entry in seen] == [node is asked for node in nodes]
            for entry, node in zip(seen, nodes):
                health = node.request("GET", "/health").json
                assert entry["session"] == health["store"]["session"] and entry["state"] == "ready"
                assert 0 <= entry["said"] < 60 and entry["memory"] > 1 << 20 and entry["version"]
                own = node.request("GET", "/v1/node").json
                assert (own["name"], own["session"], own["started"]) == (entry["name"], entry["session"], entry["started"])


def test_a_node_that_is_killed_leaves_the_list_and_one_that_comes_enters_it(cluster):
    nodes = cluster()
    gone = all_told(nodes, nodes[0])[nodes[2].port]["session"]
    nodes.kill(2)
    for node in (nodes[0], nodes[1]):
        eventually(lambda: gone not in {entry["session"] for entry in told(node)}, what="a list without the one that died")
        assert len(told(node)) == 2
    again = nodes.start(nodes[2].port)
    nodes.nodes[2] = again
    found = all_told(nodes, nodes[0])[again.port]
    assert found["session"] != gone and found["state"] == "ready"


def test_a_node_that_is_told_to_stop_says_so_and_leaves_the_list_at_once(cluster):
    nodes = cluster()
    all_told(nodes, nodes[0])
    with open_append(nodes[1], nodes[1].create()) as producer:
        nodes[1].process.send_signal(signal.SIGTERM)
        eventually(lambda: by_port(nodes[0])[nodes[1].port]["state"] == "draining")
        producer.send_chunk("")
        nodes[1].process.wait(60)
    # Before the others can have found it dead.
    assert nodes[1].port not in by_port(nodes[0])


def test_while_redis_is_away_nobody_can_tell(cluster):
    nodes = cluster(2)
    all_told(nodes, nodes[0])
    nodes.redis.process.kill()
    nodes.redis.process.wait()
    refused = nodes[0].request("GET", "/v1/nodes", timeout=60)
    assert refused.status == 503 and int(refused["Retry-After"]) > 0
    assert nodes[0].request("GET", "/v1/node").json["name"].endswith(f":{nodes[0].port}")


def test_the_live_page_shows_all_nodes_and_one_that_dies_goes(browser, cluster):
    nodes = cluster()
    browser.resize(1280, 900)
    browser.console_errors()
    all_told(nodes, nodes[0])
    path = nodes[1].create()
    with nodes[2].subscribe(path):
        open_page(browser, nodes[0], "#/node")
        names = sorted(entry["name"] for entry in told(nodes[0]))
        browser.wait_for(f"{ROWS}.length === 3 && {NAMES}.join() === {json.dumps(','.join(names))}")
        own = told(nodes[0])
        [shown] = [entry["name"] for entry in own if entry["self"]]
        browser.wait_for(f"{STATES}.filter((state) => state.endsWith(', shown here')).length === 1")
        assert browser.run(f"return [...{ROWS}].find((row) => row.children[1].textContent.includes('shown here')).children[0].textContent") == shown
        assert f"below are those of {shown}" in browser.text()
        assert browser.run("return document.querySelector('caption').textContent") == "3 nodes share the store"
        # Readers and appends of other nodes.
        titles = browser.run("return [...document.querySelectorAll('thead th')].map((one) => one.textContent)")
        assert titles == ["Name", "State", "Running for", "Connections", "Readers", "Producers", "Appends", "Deliveries", "Memory", "Version"]
        cell = f"[...{ROWS}].find((row) => row.children[0].textContent.endsWith(':{nodes[2].port}')).children"
        browser.wait_for(f"{cell}[4].textContent === '1' && {cell}[7].textContent === '0/s' && {cell}[8].textContent.endsWith('MiB')")
        for scheme in ("light", "dark"):
            browser.color_scheme(scheme)
            try:
                for width in (390, 1280):
                    browser.resize(width, 844)
                    browser.wait_for("document.querySelectorAll('svg[aria-label]').length === 5")
                    look(browser, f"live-nodes-{scheme}-{width}")
            finally:
                browser.color_scheme("")
    nodes.kill(2)
    browser.wait_for(f"{ROWS}.length === 2 && !{NAMES}.some((name) => name.endsWith(':{nodes[2].port}'))")
    assert browser.run("return document.querySelector('caption').textContent") == "2 nodes share the store"
    # What another node calls itself is text.
    with nodes.redis.client() as client:
        report = {"name": HOSTILE, "version": "<b>9</b>\u202e", "started": 1_800_000_000_000}
        client("HSET", REPORTS, "0123", b"%d " % 1 + json.dumps(report).encode())
    browser.wait_for(f"{NAMES}.includes({json.dumps(HOSTILE.replace(chr(0x202E), chr(92) + 'u{202E}').replace(chr(0x2066), chr(92) + 'u{2066}'))})")
    row = f"[...{ROWS}].find((row) => row.textContent.includes('steal')).children"
    assert browser.run(f"return {row}[1].textContent").startswith("ready, silent for ")
    assert browser.run(f"return {row}[9].textContent") == "<b>9</b>\\u{202E}"
    assert browser.run("return document.querySelectorAll('main img, main b:not(figure b)').length") == 0
    assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.console_errors() == []


def test_one_server_alone_shows_no_table(browser, server):
    [own] = told(server)
    assert own["self"] and own["session"] is None and own["name"].endswith(f":{server.port}")
    open_page(browser, server, "#/node")
    # It asks again when it has looked at what came.
    browser.wait_for("performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/v1/nodes')).length >= 2")
    assert browser.run("return document.querySelector('section').hidden && document.querySelectorAll('svg[aria-label]').length === 5")


def test_it_needs_inspect_on_every_stream(browser, cluster, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"plain {PLAIN} all *\nteam {PLAIN}-team inspect team/\noperator {OPERATOR} inspect *\n")
    keys.chmod(0o600)
    nodes = cluster(2, keys=keys)
    for key in (PLAIN, f"{PLAIN}-team"):
        refused = nodes[0].request("GET", "/v1/nodes", {"Authorization": f"Bearer {key}"})
        assert (refused.status, refused.json["type"]) == (403, "urn:freshet:missing-right")
        assert b"127.0.0.1" not in refused.body and b"session" not in refused.body
    assert nodes[0].request("GET", "/v1/nodes").status == 401
    eventually(lambda: len(told(nodes[0], Authorization=f"Bearer {OPERATOR}")) == 2)
    open_page(browser, nodes[0], "#/node")
    sign_in(browser, PLAIN)
    browser.wait_for(f"{TROUBLE}.includes('inspect')")
    assert browser.run(f"return {ROWS}.length") == 0
    browser.run("[...document.querySelectorAll('button')].find((one) => one.textContent === 'Use another key or token').click()")
    sign_in(browser, OPERATOR)
    browser.wait_for(f"{ROWS}.length === 2 && {TROUBLE} === ''")
