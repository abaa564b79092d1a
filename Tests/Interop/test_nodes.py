"""Three nodes over one Redis: any node takes any request."""

import concurrent.futures
import json
import time

from support.events import Subscription
from support.freshet import run
from support.nodes import described, open_append
from support.relayed import Scripted
from support.upstream import CHAT, PATHS, Answer
from support.waiting import eventually
from support.wire import Closed

KEY = "a-key-of-at-least-sixteen-characters"
JSON = {"Content-Type": "application/json"}
BODY = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]})


def test_what_one_node_takes_is_read_at_all(nodes):
    path = nodes[0].create()
    with nodes[1].subscribe(path) as sse, nodes[2].lines(path) as lines, nodes[0].subscribe(path) as own:
        for index in range(9):
            answer = nodes[index % 3].append(path, f"event {index}")
            assert answer.status == 204
            # Whoever asks after an acknowledgement finds it, wherever.
            for node in nodes:
                assert node.read(path)["Stream-Next-Offset"] == answer["Stream-Next-Offset"]
        assert nodes[2].end(path).status == 204
        for reader in (sse, own):
            assert [event.data for event in reader.rest()] == [f"event {index}" for index in range(9)] + ['{"reason":"done"}']
        assert [line["data"] for line in iter(lines.next, None)] == [f"event {index}" for index in range(9)] + [{"reason": "done"}]


def test_events_have_the_same_ids_at_all_nodes(nodes):
    path = nodes[0].create()
    offsets = [nodes[index % 3].append(path, "x")["Stream-Next-Offset"] for index in range(6)]
    assert offsets == sorted(set(offsets))
    for node in nodes:
        with node.subscribe(path) as reader:
            assert [event.id for event in reader.take(6)] == offsets


def test_a_reader_may_come_to_any_node_before_the_stream_is_there(nodes):
    path = "/v1/stream/early"
    with nodes[0].subscribe(path) as first, nodes[1].subscribe(path) as second:
        nodes[2].create(name="early")
        nodes[2].append(path, "at last")
        assert first.next().data == second.next().data == "at last"


def test_a_long_poll_at_one_node_hears_of_an_append_at_another(nodes):
    path = nodes[0].create()
    tail = nodes[0].append(path, "a")["Stream-Next-Offset"]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        poll = pool.submit(nodes[1].request, "GET", f"{path}?offset={tail}&live=long-poll")
        eventually(lambda: described(nodes[1], path)["readers"] == 1, what="the long-poll at its node")
        nodes[2].append(path, "b")
        assert poll.result().body == b"b"


def test_the_list_is_that_of_all_nodes(nodes):
    names = [f"list/{index}" for index in range(7)]
    for index, name in enumerate(names):
        nodes[index % 3].create(name=name)
    for node in nodes:
        listed = node.request("GET", "/v1/streams?prefix=list/").json["streams"]
        assert [stream["name"] for stream in listed] == names
    assert nodes[1].request("DELETE", "/v1/stream/list/0").status == 204
    for node in nodes:
        assert node.request("GET", "/v1/streams?prefix=list/&limit=1").json["streams"][0]["name"] == "list/1"
        assert node.read("/v1/stream/list/0").status == 404


def test_creating_and_forking_are_the_same_at_each_node(nodes):
    path = nodes[0].create(name="twice")
    assert nodes[1].request("PUT", path, {"Content-Type": "text/plain"}).status == 200
    assert nodes[2].request("PUT", path, {"Content-Type": "application/json"}).status == 409
    nodes[0].append(path, "shared")
    fork = nodes[1].request("PUT", "/v1/stream/twice-fork", {"Stream-Forked-From": "/v1/stream/twice"})
    assert fork.status == 201, fork
    nodes[2].append("/v1/stream/twice-fork", " and more")
    assert nodes[0].read("/v1/stream/twice-fork").body == b"shared and more"
    assert nodes[0].read(path).body == b"shared"


def test_an_idempotent_producer_may_repeat_itself_at_another_node(nodes):
    path = nodes[0].create()

    def send(node, sequence, epoch=0):
        headers = {"Producer-Id": "p", "Producer-Epoch": str(epoch), "Producer-Seq": str(sequence)}
        return node.append(path, f"{epoch}.{sequence} ", headers=headers).status

    assert [send(nodes[0], 0), send(nodes[1], 0), send(nodes[2], 1), send(nodes[0], 1)] == [200, 204, 200, 204]
    assert send(nodes[1], 0, epoch=1) == 200
    assert send(nodes[2], 2) == 403
    assert nodes[1].read(path).body == b"0.0 0.1 1.0 "


def test_a_stream_is_cancelled_at_any_node_and_its_producer_hears_of_it(nodes):
    path = nodes[0].create()
    with open_append(nodes[0], path) as producer, nodes[2].subscribe(path) as reader:
        assert reader.next().data == "a"
        assert nodes[1].cancel(path).status == 204
        answer = producer.read_answer("POST")
        assert (answer.status, answer["Stream-Closed"], answer["Stream-End-Reason"]) == (409, "true", "cancelled")
        assert json.loads(reader.next().data) == {"reason": "cancelled"}


def test_a_producer_that_takes_over_at_another_node_ends_the_one_before(nodes):
    path = nodes[0].create()
    with open_append(nodes[0], path, {"Stream-Producer": "w"}) as older, open_append(nodes[1], path, {"Stream-Producer": "w"}) as newer:
        answer = older.read_answer("POST")
        assert answer.status == 409 and answer.json["type"] == "urn:freshet:producer-replaced", answer
        newer.send_chunk("b")
        newer.send_chunk("")
        assert newer.read_answer("POST").status in (200, 204)
    assert nodes[2].read(path).body == b"aab"


def test_a_lease_is_one_for_all_nodes(nodes):
    path = nodes[0].create(headers={"Stream-Lease": "2"})
    for index in range(8):
        nodes[index % 3].append(path, "x")
        time.sleep(0.5)
    assert described(nodes[2], path)["end"] is None, "appends at any node renew it"
    with nodes[1].subscribe(path) as reader:
        events = reader.rest()
    assert [event.type for event in events] == ["message"] * 8 + ["end"]
    assert json.loads(events[-1].data)["reason"] == "abandoned"
    for node in nodes:
        assert described(node, path)["end"]["reason"] == "abandoned"


def test_a_reader_at_one_node_keeps_a_stream_from_expiring_at_all(nodes):
    read, unread = nodes[0].create(headers={"Stream-TTL": "2"}), nodes[0].create(headers={"Stream-TTL": "2"})
    with nodes[1].subscribe(read) as reader:
        # Asked for by description: that is no use of it.
        eventually(lambda: described(nodes[2], unread) is None, what="the other one expiring")
        time.sleep(2)
        assert nodes[2].append(read, "still here").status == 204
        assert reader.next().data == "still here"
    eventually(lambda: described(nodes[2], read) is None, what="its expiry when the reader is gone")


def test_the_relay_asks_the_provider_once_for_one_key(cluster):
    scripted = Scripted([], Answer(CHAT, stepped=True))
    scripted.server.stop()
    nodes = cluster(upstreams=[f"one openai-compatible {scripted.upstream.url}"])
    headers = {**JSON, "Idempotency-Key": "once"}
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(nodes[index % 3].request, "POST", PATHS["chat"], headers, BODY) for index in range(6)]
        eventually(lambda: scripted.upstream.answers, what="the call")
        scripted.upstream.answers[0].let(len(CHAT))
        answers = [call.result() for call in calls]
    assert {answer.status for answer in answers} == {200}
    assert {answer.body for answer in answers} == {b"".join(CHAT)}
    assert len(scripted.upstream.requests) == 1
    assert len({answer["Location"].rpartition("/")[2] for answer in answers}) == 1
    # And later, at any node.
    assert nodes[1].request("POST", PATHS["chat"], headers, BODY).body == b"".join(CHAT)
    assert len(scripted.upstream.requests) == 1


def test_a_session_s_cookie_counts_at_all_nodes(cluster, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"page {KEY} read *\n")
    keys.chmod(0o600)
    nodes = cluster(keys=keys)
    bearer = {"Authorization": f"Bearer {KEY}", **JSON}
    cookie = nodes[0].request("POST", "/v1/session", bearer, json.dumps({"for": 600}))["Set-Cookie"].split(";")[0]
    assert cookie
    for node in nodes:
        assert node.request("GET", "/v1/stream/none", {"Cookie": cookie}).status == 404
        assert node.request("GET", "/v1/stream/none").status == 401


# Moving.


def test_streams_move_from_a_directory_to_redis_with_their_ids(serve, cluster, tmp_path):
    server = serve(data=tmp_path / "data")
    path = server.create()
    offsets = server.append_each(path, ["a", "b", "c"])
    headers = {"Producer-Id": "p", "Producer-Epoch": "0", "Producer-Seq": "0"}
    assert server.append(path, "d", headers=headers).status == 200
    assert server.stop(60) == 0
    nodes = cluster(3)
    copied = run("copy", tmp_path / "data", nodes.redis.url)
    assert copied.returncode == 0 and b"Copied 1 stream" in copied.stdout, copied
    with nodes[1].subscribe(path, {"Last-Event-ID": offsets[1]}) as reader:
        assert [event.data for event in reader.take(2)] == ["c", "d"]
    assert nodes[2].append(path, "d", headers=headers).status == 204, "a repetition is known as one"
    again = run("copy", tmp_path / "data", nodes.redis.url)
    assert again.returncode == 0 and b"there already" in again.stdout, again
    # And back.
    assert nodes[0].append(path, "e").status == 204
    back = run("copy", nodes.redis.url, tmp_path / "back")
    assert back.returncode == 0, back
    server = serve(data=tmp_path / "back")
    with server.subscribe(path, {"Last-Event-ID": offsets[2]}) as reader:
        assert [event.data for event in reader.take(2)] == ["d", "e"]


def test_what_a_reader_holds_is_followed_over_many_nodes(nodes):
    """A reader that comes to another node for each event misses none."""
    path = nodes[0].create()
    last, seen = None, []
    for index in range(12):
        nodes[(index + 1) % 3].append(path, str(index))
        with Subscription(nodes[index % 3].address, path, {"Last-Event-ID": last} if last else {}) as reader:
            event = reader.next()
        last = event.id
        seen.append(event.data)
    assert seen == [str(index) for index in range(12)]
