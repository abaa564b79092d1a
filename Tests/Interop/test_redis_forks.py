"""Forks and imports by the Redis store's functions: built in steps that nobody sees, and then there at once."""

import pytest

from support.redis import RedisError
from support.redis_functions import NOW, Message, events_of, later, parts, run


def build(functions, name, runs, nonce="n", fresh="1"):
    parts = [part for each in runs for part in each]
    return functions.call("build", [functions.key(name, f"b:{nonce}")], fresh, *parts)


def fork(functions, name, source, copied, runs, *own, nonce="n", mode="", end="", **options):
    """Forks as a node does: `runs` are what it has built."""
    info = functions.info(source)
    events = events_of([part for each in copied for part in each])
    tail = events[-1][0] if events else info[2]
    wish = functions.options(name, None, end=end, **options)
    keys = [*functions.keys(name, "mst"), functions.key(name, f"b:{nonce}")]
    size = sum(len(data) for _, data in events)
    return functions.call(
        "fork",
        keys,
        mode,
        *wish,
        runs,
        len(events),
        size,
        tail,
        info[2],
        info[1],
        f"origin {source}",
        *[part for each in own for part in each],
    )


def copy(functions, name, source, nonce="n"):
    functions.call("fork_enter", functions.keys(source, "m"), "", name, nonce)
    runs = functions.read(source)[9]
    runs = [runs[index : index + 3] for index in range(0, len(runs), 3)]
    if runs:
        build(functions, name, runs, nonce)
    return runs


def leave(functions, source, name, nonce="n"):
    return functions.call("fork_leave", functions.keys(source, "m"), name, nonce)


def test_a_fork_begins_with_its_source_and_both_go_on_alone(functions):
    birth = functions.create("a")[1]
    functions.append("a", run("1", "2"), run("3"))
    runs = copy(functions, "b", "a")
    functions.add("a", "a4")
    made = fork(functions, "b", "a", runs, len(runs))
    assert made[0] == b"created" and made[2] == birth and made[5:7] == [3, 3] and made[9] == b"origin a"
    assert parts(made[1]) > parts(made[3])
    functions.add("b", "b4")
    assert functions.texts("a") == ("exact", ["1", "2", "3", "a4"])
    assert functions.texts("b") == ("exact", ["1", "2", "3", "b4"])
    assert functions.texts("b", birth) == ("exact", ["1", "2", "3", "b4"])
    assert functions.texts("b", made[1])[0] == "unknown"
    assert [offset for offset, _ in events_of(functions.read("b")[9])][:3] == [
        offset for offset, _ in events_of(functions.read("a")[9])
    ][:3]
    assert functions.client("EXISTS", functions.key("b", "b:n")) == 0
    assert functions.client("TTL", functions.key("b", "s")) == -1


def test_what_a_fork_is_made_with_beside_comes_after_and_is_later_than_all(functions, redis):
    functions.create("a")
    functions.add("a", "1")
    runs = copy(functions, "b", "a")
    subscription = redis.subscribe(functions.key("b", "c"))
    made = fork(functions, "b", "a", runs, 1, run("part"), run("x", "y"), end="done")
    assert functions.texts("b") == ("exact", ["1", "part", "x", "y"])
    created, item = [Message(message) for message in subscription.messages(2)]
    assert created.words == [b"c", made[1]]
    assert item.words[1] == functions.info("a")[3] and item.texts == ["part", "x", "y"] and item.end == made[4]
    assert all(parts(offset) > parts(made[1]) for offset in item.offsets)
    subscription.close()


def test_a_fork_of_nothing_stands_where_its_source_stands(functions):
    birth = functions.create("a")[1]
    made = fork(functions, "b", "a", [], 0)
    assert made[2:4] == [birth, birth] and parts(made[1]) > parts(birth)
    assert functions.texts("b") == ("exact", []) and functions.read("b", birth)[1] == b"exact"
    functions.now -= 60_000
    tail = functions.add("b", "1")[3]
    assert parts(tail) > parts(made[1])
    assert functions.texts("b", birth) == ("exact", ["1"])


def test_a_fork_is_later_than_what_it_begins_with_though_the_clock_was_set_back(functions):
    functions.create("a")
    functions.add("a", "1")
    functions.now -= 60_000
    made = fork(functions, "b", "a", copy(functions, "b", "a"), 1)
    assert parts(made[1]) > parts(made[3])
    assert parts(functions.add("b", "2")[2]) > parts(made[1])
    assert functions.texts("b") == ("exact", ["1", "2"])


def test_a_fork_of_a_trimmed_source_begins_below_the_floor(functions):
    functions.create("a", retention="2,,")
    for number in range(5):
        functions.add("a", str(number))
    runs = copy(functions, "b", "a")
    info = functions.info("a")
    made = fork(functions, "b", "a", runs, 2)
    assert made[2] == info[2]
    assert functions.texts("b") == ("belowFloor", ["3", "4"])


def test_a_build_that_is_gone_or_not_whole_makes_nothing(functions):
    functions.create("a")
    functions.append("a", run("1"), run("2"))
    runs = copy(functions, "b", "a")
    assert fork(functions, "b", "a", runs, 3) == [b"lost"]
    assert fork(functions, "b", "a", runs, 2, nonce="other") == [b"lost"]
    assert functions.info("b") == [b"none"]
    assert 50_000 < functions.client("PTTL", functions.key("b", "b:n")) <= 60_000
    assert build(functions, "b", runs[:1]) == 1
    assert build(functions, "b", runs[1:], fresh="") == 2
    assert fork(functions, "b", "a", runs, 2)[0] == b"created"


def test_a_fork_of_a_name_that_is_taken_is_answered_as_any_create(functions):
    functions.create("a")
    functions.create("b")
    assert fork(functions, "b", "a", copy(functions, "b", "a"), 0)[0] == b"exists"


def test_a_fork_with_retention_is_trimmed_at_once(functions):
    functions.create("a")
    functions.append("a", run("1"), run("2"), run("3"))
    made = fork(functions, "b", "a", copy(functions, "b", "a"), 3, retention="1,,")
    assert made[5] == 1 and functions.texts("b") == ("belowFloor", ["3"])


def test_a_fork_is_there_for_readers_when_it_is_durable(functions, redis):
    functions.create("a")
    functions.add("a", "1", "2")
    runs = copy(functions, "b", "a")
    subscription = redis.subscribe(functions.key("b", "c"))
    made = fork(functions, "b", "a", runs, 1, mode="d")
    assert functions.read("b") == functions.info("b") == [b"pending", made[10], 0] and made[10] == made[1]
    second = functions.add("b", "3", mode="d")
    functions.confirm("b", made[10])
    assert functions.texts("b") == ("exact", ["1", "2"])
    functions.confirm("b", second[9])
    assert functions.texts("b") == ("exact", ["1", "2", "3"])
    messages = [Message(message) for message in subscription.messages(5)]
    assert [message.kind for message in messages] == ["p", "p", "c", "b", "b"]
    third = functions.add("b", "4", mode="d")
    functions.confirm("b", third[9])
    assert [Message(message).kind for message in subscription.messages(1)] == ["p"]
    assert Message(subscription.messages(1)[0]).texts == ["4"]
    subscription.close()


def test_a_source_keeps_its_name_until_its_last_fork_is_gone(functions):
    functions.create("a")
    fork(functions, "b", "a", copy(functions, "b", "a"), 0)
    fork(functions, "c", "b", copy(functions, "c", "b"), 0)
    assert functions.remove("a")[6:] == [b"", 1]
    assert functions.remove("b")[6:] == [b"", 1]
    for name in ("a", "b"):
        for call in (
            lambda: functions.info(name),
            lambda: functions.read(name),
            lambda: functions.add(name, "1"),
            lambda: functions.remove(name),
            lambda: functions.create(name),
            lambda: functions.touch(name),
            lambda: functions.lease(name, 1),
            lambda: functions.claim(name, "s.1"),
            lambda: functions.unclaim(name, "s.1"),
            lambda: functions.release(name, "s"),
            lambda: functions.confirm(name, "1-1"),
            lambda: functions.call("fork_enter", functions.keys(name, "m"), "", "z", "n"),
        ):
            assert call() == [b"gone"], name
    functions.now += 5000
    assert functions.settle("a") == [b"gone", 3_600_000, b"b", b"n", 5000]
    removed = functions.remove("c")
    assert removed[6:] == [b"origin b", 0]
    # The node goes up from source to source.
    assert leave(functions, "b", "c") == [b"left", b"origin a"]
    assert leave(functions, "a", "b") == [b"left"]
    assert leave(functions, "a", "b") == [b"none"]
    for name in ("a", "b", "c"):
        assert functions.info(name) == [b"none"]


def test_a_stream_that_has_forks_is_looked_at_again(functions):
    functions.create("a")
    assert functions.settle("a") == [b"next", b"", b""]
    for name in ("b", "c"):
        functions.call("fork_enter", functions.keys("a", "m"), "", name, "n")
    assert functions.settle("a") == [b"next", 3_600_000, b""]
    assert functions.add("a", "1")[0] == b"appended"
    leave(functions, "a", "b")
    assert functions.settle("a") == [b"next", 3_600_000, b""]
    leave(functions, "a", "c")
    assert functions.settle("a") == [b"next", b"", b""]


def test_only_the_fork_that_was_entered_is_taken_out(functions):
    functions.create("a")
    functions.call("fork_enter", functions.keys("a", "m"), "", b"b\xff", "new")
    assert leave(functions, "a", b"b\xff", "old") == [b"none"]
    assert leave(functions, "a", b"b\xff", "new") == [b"left"]
    assert functions.info("a")[0] == b"stream"
    for wrong in ("", "two words"):
        with pytest.raises(RedisError, match="^FRESHET_ARGUMENT fork"):
            functions.call("fork_enter", functions.keys("a", "m"), "", "b", wrong)
    assert functions.call("fork_enter", functions.keys("a", "m"), "1-1", "b", "n") == [b"none"]


# Imports --------------------------------------------------------------------------------------------------------------


def brought(
    functions, name, runs, *, birth, tail, floor=None, origin=None, end="", closing="", sequence="", producers=(), **options
):
    version, *wish, _ = functions.options(name, None, **options)
    keys = [*functions.keys(name, "mst"), functions.key(name, "b:n")]
    events = events_of([part for each in runs for part in each])
    size = sum(len(data) for _, data in events)
    if runs:
        build(functions, name, runs)
    return functions.call(
        "import",
        keys,
        version,
        *wish,
        birth,
        origin or birth,
        floor or birth,
        tail,
        len(events),
        size,
        len(runs),
        end,
        closing,
        sequence,
        "",
        *[part for each in producers for part in each],
    )


def test_an_import_is_the_stream_that_it_was(functions):
    birth, first = b"1700000000000-5", b"1700000000009-0"
    runs = [[first, *run("1", "2")], [b"1700000000010-7", *run("3")]]
    made = brought(
        functions,
        "a",
        runs,
        birth=birth,
        tail=b"1700000000010-7",
        sequence="+9",
        producers=[("p", 3, 4)],
        lease=5,
        retention="7,,",
    )
    assert made[0] == b"created" and made[1:7] == [birth, birth, b"1700000000010-7", b"", 3, 3]
    assert functions.texts("a") == ("exact", ["1", "2", "3"])
    assert functions.texts("a", later(first, 1)) == ("exact", ["3"])
    assert functions.add("a", "x", producer=("p", 3, 4))[0] == b"duplicate"
    assert functions.add("a", "x", sequence="8") == [b"sequence", b"9"]
    appended = functions.add("a", "4", producer=("p", 3, 5))
    assert parts(appended[2])[0] == NOW and appended[8] == 0
    assert functions.texts("a") == ("exact", ["1", "2", "3", "4"])


def test_an_import_of_what_has_ended_and_was_trimmed(functions):
    runs = [[b"1700000000010-7", *run("3")]]
    end = b"1700000000020-0 failed why"
    made = brought(
        functions,
        "a",
        runs,
        birth=b"1700000000000-5",
        floor=b"1700000000009-1",
        tail=b"1700000000010-7",
        end=end,
        closing="0 7 p q",
        producers=[("p q", 0, 7)],
    )
    assert made[2:5] == [b"1700000000009-1", b"1700000000010-7", end]
    assert functions.texts("a") == ("belowFloor", ["3"])
    assert functions.read("a", "1700000000020-0")[6] == 1
    assert functions.append("a", end="failed why", producer=("p q", 0, 7))[:3] == [b"duplicate", b"1700000000010-7", end]
    assert functions.add("a", "x")[:2] == [b"ended", end]


def test_an_import_of_a_fork_keeps_where_it_begins(functions):
    runs = [[b"1600000000010-7", *run("3")]]
    made = brought(
        functions,
        "a",
        runs,
        birth=b"1700000000000-5",
        origin=b"1600000000000-0",
        floor=b"1600000000000-0",
        tail=b"1600000000010-7",
    )
    assert made[2] == b"1600000000000-0"
    assert functions.texts("a") == ("exact", ["3"])
    functions.now = 1_650_000_000_000
    assert parts(functions.add("a", "4")[2]) > (1_700_000_000_000, 5)


def test_an_import_that_makes_no_sense_or_finds_a_stream_makes_nothing(functions):
    birth, tail = b"1700000000000-5", b"1700000000010-7"
    runs = [[tail, *run("3")]]
    for wrong in (
        dict(end=b"1700000000010-7 done"),
        dict(end="done"),
        dict(end=b"1700000000011-0 gone"),
        dict(closing="x"),
        dict(producers=[("p", "x", 0)]),
    ):
        with pytest.raises(RedisError, match="^FRESHET_ARGUMENT"):
            brought(functions, "a", runs, **{"birth": birth, "tail": tail} | wrong)
    assert functions.info("a") == [b"none"]
    functions.create("a")
    assert brought(functions, "a", runs, birth=birth, tail=tail)[0] == b"exists"
    assert functions.texts("a") == ("exact", [])
