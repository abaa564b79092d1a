"""The functions of the Redis store: reading, retention, what is told, removal, and Redis itself."""

import random
import re

import pytest

from support.redis import RedisError, RedisServer
from support.redis_functions import FOLDER, Message, events_of, later, parts, run, source


def told(subscription, count):
    return [Message(message) for message in subscription.messages(count)]


# Reading --------------------------------------------------------------------------------------------------------------


def test_a_read_from_any_position_gives_exactly_what_is_later(functions):
    birth = functions.create("a")[1]
    first = functions.append("a", run("1", "2", "3"), run("4"))[2]
    functions.now += 5
    second = functions.append("a", run("5", "6"))[2]
    offsets = [birth, *(later(first, step) for step in range(4)), second, later(second, 1)]
    for position, offset in enumerate(offsets):
        assert functions.texts("a", offset) == ("exact", ["1", "2", "3", "4", "5", "6"][position:])
    assert functions.read("a", "now")[1:8] == [
        b"exact",
        offsets[-1],
        birth,
        offsets[-1],
        b"",
        0,
        b"options of text/event-stream",
    ]
    ms, counter = parts(birth)
    unknown = [
        later(first, 4),
        f"{ms - 1}-{counter}",
        f"{ms}-{counter - 1}",
        "0-0",
        f"{2**48 - 1}-{2**24 - 1}",
        later(second, 2),
    ]
    for offset in unknown:
        assert functions.texts("a", offset) == ("unknown", ["1", "2", "3", "4", "5", "6"])
    for position in ("", "end", "1", "1-", "-1", f"{2**48}-0", f"1-{2**24}", "1-1-1"):
        with pytest.raises(RedisError, match="^FRESHET_ARGUMENT position"):
            functions.read("a", position)


def test_the_end_s_own_offset_is_past_the_end(functions):
    functions.create("a")
    appended = functions.add("a", "1", end="done")
    tail, end = appended[3:5]
    past = functions.read("a", end.split(b" ")[0])
    assert past[1:3] == [b"exact", tail] and past[5:7] == [end, 1] and past[9] == []
    before = functions.read("a", tail)
    assert before[1:3] == [b"exact", tail] and before[5:7] == [end, 0] and before[9] == []


@pytest.mark.parametrize(("events", "size"), [(1, 65536), (7, 65536), (1000, 1), (1000, 40), (1000, 65536)])
def test_a_page_holds_at_least_what_was_asked_for_or_all_there_is(functions, events, size):
    functions.create("a")
    random.seed(events * size)
    log = []
    for number in range(120):
        texts = ["x" * random.choice([0, 1, 10, 300]) for _ in range(random.choice([1, 1, 2, 40]))]
        appended = functions.append("a", run(*texts))
        log += [(later(appended[2], step), text.encode()) for step, text in enumerate(texts)]
        functions.now += random.choice([0, 1])
    for start in random.sample(range(len(log)), 60):
        page = functions.read("a", log[start][0], events, size)
        got = [event for event in events_of(page[9]) if parts(event[0]) > parts(page[2])]
        rest = log[start + 1 :]
        assert got == rest[: len(got)]
        assert len(got) == len(rest) or len(got) >= events or sum(len(data) for _, data in got) > size


# Retention --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("retention", ["3,,", ",10,", "5,30,"])
def test_retention_takes_whole_runs_from_the_start_and_never_more_than_it_says(functions, redis, retention):
    subscription = redis.subscribe(functions.key("a", "c"))
    most_events, most_bytes = (int(number) if number else 10**9 for number in retention.split(",")[:2])
    random.seed(retention)
    birth = functions.create("a", retention=retention)[1]
    log, floor, seen = [], birth, 1
    for number in range(80):
        texts = [str(number) * random.choice([1, 2, 5]) for _ in range(random.choice([1, 1, 1, 2, 6]))]
        appended = functions.add("a", *texts)
        log += [(later(appended[2], step), text.encode()) for step, text in enumerate(texts)]
        info = functions.info("a")
        kept = events_of(functions.read("a")[9])
        assert kept == log[len(log) - len(kept) :] and info[5] == len(kept) and info[6] == sum(len(data) for _, data in kept)
        # All that the rule asks for is there, and no more than a run beside.
        wanted = 0
        while wanted < len(log) and wanted < most_events and sum(len(data) for _, data in log[-wanted - 1 :]) <= most_bytes:
            wanted += 1
        assert wanted <= len(kept) <= wanted + 6
        seen += 1
        if appended[5]:
            assert appended[6] > 0 and info[2] == appended[5] == log[len(log) - len(kept) - 1][0]
            floor, seen = appended[5], seen + 1
        else:
            assert appended[6:8] == [0, 0] and info[2] == floor
    messages = told(subscription, seen)
    assert [message.kind for message in messages[:2]] == ["c", "i"]
    assert [message.words[1] for message in messages if message.kind == "t"][-1] == floor
    assert functions.read("a", floor)[1] == b"exact"
    assert functions.read("a", birth)[1] == b"belowFloor"
    assert functions.read("a", later(log[0][0], 0))[1] == b"belowFloor"
    subscription.close()


def test_retention_is_exact_where_every_event_came_alone(functions):
    functions.create("a", retention=",10,")
    functions.create("b", retention="3,,")
    for number in range(9):
        functions.add("a", f"{number}...")
        functions.add("b", f"{number}")
    assert functions.texts("a") == ("belowFloor", ["7...", "8..."])
    assert functions.texts("b") == ("belowFloor", ["6", "7", "8"])
    # What is larger than all that may be kept is not kept either.
    tail = functions.add("a", "x" * 11)[3]
    assert functions.read("a", tail)[1:5] == [b"exact", tail, tail, tail] and functions.texts("a") == ("belowFloor", [])


def test_retention_by_age_takes_what_is_due_when_it_is_settled(functions):
    functions.create("a", retention=",,10")
    old = functions.add("a", "old")[3]
    functions.now += 6000
    functions.add("a", "new")
    assert functions.settle("a") == [b"next", 4000, b""]
    functions.now += 4000
    assert functions.settle("a") == [b"trimmed", 6000, b"", old, 1, 3, b""]
    assert functions.texts("a") == ("belowFloor", ["new"])
    assert functions.texts("a", old) == ("exact", ["new"])
    functions.now += 6000
    trimmed = functions.settle("a")
    # Nothing is left, and an append enters nothing: it is looked at again.
    assert trimmed[:2] == [b"trimmed", 10_000] and functions.info("a")[5:7] == [0, 0]
    assert functions.read("a", "start")[1:5] == [b"belowFloor", trimmed[3], trimmed[3], trimmed[3]]
    assert functions.add("a", "again")[0] == b"appended"
    assert functions.texts("a", trimmed[3]) == ("exact", ["again"])
    functions.append("a", end="done")
    functions.now += 10_000
    assert functions.settle("a")[:2] == [b"trimmed", b""]


def test_what_is_too_old_after_an_outage_is_taken_a_part_at_a_time(functions):
    functions.create("a", retention=",,10")
    functions.append("a", *[run("x")] * 1200)
    functions.now += 10_000
    trims = [functions.settle("a") for _ in range(3)]
    assert [trim[0] for trim in trims] == [b"trimmed"] * 3
    assert trims[0][1] == trims[1][1] == 0 and trims[2][1] == 10_000
    assert sum(trim[4] for trim in trims) == 1200 and all(trim[4] < 600 for trim in trims)
    assert functions.texts("a") == ("belowFloor", [])


# Messages and removal ---------------------------------------------------------------------------------------------------


def test_what_happens_is_told_in_its_order(functions, redis):
    subscription = redis.subscribe(functions.key("a", "c"))
    birth = functions.create("a")[1]
    one = functions.append("a", run("1", "2"), run(("t", "3")))
    two = functions.append("a", run("4"), end="done  x\n")
    functions.add("a", "5")
    functions.remove("a", "expired")
    closed = functions.create("a", run("6"), end="failed")
    made, first, second, gone, again, third = told(subscription, 6)
    assert made.words == [b"c", birth]
    assert first.words[:4] == [b"i", birth, one[3], b"2"] and first.texts == ["1", "2", "3"] and first.end == b""
    assert second.words[:3] == [b"i", one[3], two[4].split(b" ")[0]] and second.texts == ["4"] and second.end == two[4]
    assert gone.words == [b"r", birth, b"expired"]
    assert again.words == [b"c", closed[1]]
    assert third.words[:2] == [b"i", closed[1]] and third.texts == ["6"] and third.end == closed[4]
    subscription.close()


def test_an_end_alone_is_an_item_without_runs(functions, redis):
    functions.create("a")
    tail = functions.add("a", "1")[3]
    subscription = redis.subscribe(functions.key("a", "c"))
    end = functions.append("a", end="done")[4]
    message = told(subscription, 1)[0]
    assert message.words == [b"i", tail, end.split(b" ")[0], b"0"] and message.end == end
    subscription.close()


@pytest.mark.parametrize("count", [1, 3])
def test_an_item_that_is_too_large_says_read_again(functions, redis, count):
    functions.create("a")
    subscription = redis.subscribe(functions.key("a", "c"))
    appended = functions.append("a", *[run("x" * (270_000 // count)) for _ in range(count)], end="done")
    assert told(subscription, 1)[0].words == [b"b", appended[1], appended[4].split(b" ")[0]]
    assert functions.read("a")[4] == appended[3]
    subscription.close()


def test_a_removed_stream_is_gone_with_all_it_remembered(functions):
    birth = functions.create("a", retention="9,,")[1]
    version = functions.info("a")[16]
    functions.add("a", "12345", producer=("p", 5, 0), sequence="9")
    functions.append("a", end="done", producer=("q", 0, 0))
    assert functions.remove("a", birth="1-1") == [b"none"]
    assert functions.remove("a", birth=birth) == [b"removed", birth, 1, 5, 2, version, b"", 0]
    assert functions.remove("a") == [b"none"] and functions.info("a") == [b"none"] and functions.read("a") == [b"none"]
    left = functions.client("KEYS", "freshet:{a}:*")
    assert left == [functions.key("a", "t")] and 86_000_000 < functions.client("PTTL", left[0]) <= 86_400_000
    functions.create("a", essence="text/plain")
    assert functions.add("a", "1", producer=("p", 0, 0), sequence="1")[0] == b"appended"


# Redis itself -------------------------------------------------------------------------------------------------------------


def test_a_full_redis_refuses_appends_and_still_ends_reads_and_removes(functions, redis):
    functions.create("a")
    functions.add("a", "1")
    version = functions.entered("b")
    functions.client("CONFIG", "SET", "maxmemory", 1)
    try:
        with pytest.raises(RedisError, match="^OOM"):
            functions.add("a", "2")
        with pytest.raises(RedisError, match="^OOM"):
            functions.create("b", version=version)
        assert functions.texts("a") == ("exact", ["1"])
        assert functions.info("a")[0] == b"stream"
        assert functions.append("a", end="failed full")[0] == b"appended"
        assert functions.settle("a")[0] == b"next"
        assert functions.remove("a")[0] == b"removed"
    finally:
        functions.client("CONFIG", "SET", "maxmemory", 0)


def test_streams_survive_kill_9_of_redis_and_so_do_the_functions(functions):
    server = RedisServer("--appendonly", "yes", "--appendfsync", "always")
    try:
        with server.client() as client:
            functions.client = client
            functions.load()
            functions.create("a", lease=9)
            functions.add("a", "1", "2", producer=("p", 3, 0))
            before = functions.meta("a")
        server.kill()
        server.start()
        with server.client() as client:
            functions.client = client
            assert functions.meta("a") == before
            assert functions.texts("a") == ("exact", ["1", "2"])
            assert functions.add("a", "1", "2", producer=("p", 3, 0))[0] == b"duplicate"
            assert functions.add("a", "3", producer=("p", 3, 1))[0] == b"appended"
    finally:
        server.stop()


def test_loading_again_changes_nothing_for_who_calls(functions):
    functions.create("a")
    functions.load()
    functions.client("FUNCTION", "FLUSH")
    with pytest.raises(RedisError, match="Function not found"):
        functions.add("a", "1")
    functions.load()
    assert functions.add("a", "1")[0] == b"appended"


def test_every_function_s_name_has_the_version(functions):
    listed = functions.client("FUNCTION", "LIST")
    names = [entry[1] for library in listed for entry in library[5]]
    assert len(names) > 20 and all(name.startswith(b"freshet1_") for name in names)
    assert source().startswith(b"#!lua name=freshet1\n")


def test_the_program_and_its_library_say_the_same_revision(functions):
    revision = re.search(r"static let revision = (\d+)", (FOLDER / "FunctionLibrary.swift").read_text())
    assert functions.client("FCALL_RO", "freshet1_revision", 0) == int(revision[1])
