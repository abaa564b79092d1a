"""The functions of the Redis store: what those are told who want to know of ends."""

import pytest

from support.redis import RedisError
from support.redis_functions import NOW, run

OUT = {part: f"freshet:{{out}}:{part}" for part in ("rows", "costs", "failed", "entered", "again", "leader")}


def notice(*receivers, most=1000, room=10_000, trace=""):
    """Who is to be told, as a call says it: ids and names."""
    return f" {trace} {most} {room}\n" + "\n".join(f"{id} {name}" for id, name in receivers)


def end(functions, name, *receivers, mode="", wish="done", **bounds):
    """Ends a stream of which these are to be told."""
    arguments = [mode + notice(*receivers, **bounds), "", "", "", "", "", "", "", wish]
    return functions.call("finish", functions.keys(name, "mso"), *arguments)


def unlisted(functions, name):
    return functions.ask("outbox_unlisted", functions.keys(name, "om"))


def entry(functions, name, id):
    """What is said of a stream: its texts, behind the count and the cost."""
    said = functions.client("HGET", functions.key(name, "o"), f"e:{id}")
    count, cost, rest = said.split(b" ", 2)
    texts = []
    while rest:
        length, _, rest = rest.partition(b":")
        texts.append(rest[: int(length)])
        rest = rest[int(length) :]
    return int(count), int(cost), texts


def content(functions, name, id):
    return functions.client("HGET", functions.key(name, "o"), f"c:{id}")


def enter(functions, name, after=15_000):
    return functions.call("outbox_enter", [OUT["entered"]], name, after)


def enlist(functions, name, moment, *entries):
    keys = [OUT[part] for part in ("rows", "costs", "failed", "entered")]
    return functions.call("outbox_list", keys, name, moment, *[part for each in entries for part in each])


def change_row(functions, row, change):
    return functions.call("outbox_row", [OUT[part] for part in ("rows", "costs", "failed", "again")], row, change)


def rows(functions, after=0, limit=100):
    found = functions.ask("outbox_rows", [OUT["rows"]], after, limit)
    return [(int(number), row.decode()) for number, row in zip(found[::2], found[1::2])]


def change(functions, name, id, *change):
    return functions.call("outbox_change", functions.keys(name, "o"), id, *change)


def test_an_end_is_written_beside_its_stream_with_its_events(functions):
    made = functions.create("a")
    tail = functions.append("a", run("1", "22"), run("3"))[3]
    ended = end(functions, "a", ("m1", "http://app/"), ("m2", "two words"), trace="4bf9")
    assert ended[0] == b"appended" and ended[4].endswith(b" done")
    count, cost, texts = entry(functions, "a", "m1")
    assert (count, cost) == (1, 512 + 4 + 3 * 64)
    assert texts == [b"ended", b"http://app/", b"%d" % NOW, b"4bf9", made[1], made[1], tail, ended[4], b"3", b"4", made[7], b""]
    assert entry(functions, "a", "m2")[0] == 2 and entry(functions, "a", "m2")[2][1] == b"two words"
    first, second = run("1", "22"), run("3")
    runs = functions.client("XRANGE", functions.key("a", "s"), "-", "+")
    expected = b"".join(
        b"%s %s %d\n%s" % (id, field.encode() if isinstance(field, str) else field, len(body), body)
        for (id, _), (field, body) in zip(runs, (first, second))
    )
    assert content(functions, "a", "m1") == content(functions, "a", "m2") == expected
    assert unlisted(functions, "a") == [b"unlisted", b"m1", b"708", b"", b"m2", b"708", b""]


def test_who_is_not_told_of_leaves_nothing(functions):
    functions.create("a")
    functions.append("a", run("1"), end="done")
    assert functions.client("EXISTS", functions.key("a", "o")) == 0 and unlisted(functions, "a") == [b"unlisted"]
    functions.create("b")
    # A duplicate of an end, and what ends nothing.
    assert end(functions, "a", ("m", "r"))[0] == b"ended"
    assert end(functions, "b", ("m", "r"), wish="")[0] == b"appended"
    assert functions.client("EXISTS", functions.key("a", "o"), functions.key("b", "o")) == 0


@pytest.mark.parametrize(("most", "room", "omission"), [(64, 10_000, b"too-large"), (1000, 64, b"backlog"), (65, 65, b"")])
def test_a_content_over_a_bound_is_left_out(functions, most, room, omission):
    functions.create("a")
    functions.add("a", "1")
    end(functions, "a", ("m", "r"), most=most, room=room)
    assert entry(functions, "a", "m")[2][-1] == omission and (content(functions, "a", "m") is None) == bool(omission)
    assert unlisted(functions, "a") == [b"unlisted", b"m", b"512" if omission else b"577", omission]


def test_the_second_receiver_finds_what_the_first_has_left(functions):
    functions.create("a")
    functions.add("a", "1")
    end(functions, "a", ("m1", "r"), ("m2", "s"), room=577 + 64)
    assert [entry(functions, "a", id)[2][-1] for id in ("m1", "m2")] == [b"", b"backlog"]


def test_a_stream_made_with_its_end_and_one_that_expires_are_told_of(functions):
    options = functions.options("a", None, end="done")
    functions.call("create", functions.keys("a", "msto"), notice(("m", "r")), *options, *run("1"))
    assert entry(functions, "a", "m")[2][0] == b"ended"
    functions.create("b", run("1"))
    removed = functions.call("remove", functions.keys("b", "msto"), "expired", "", notice(("m", "r")))
    assert removed[0] == b"removed" and entry(functions, "b", "m")[2][0] == b"expired" and content(functions, "b", "m")
    # It stays though the stream is gone, and another of its name is none of its business.
    functions.create("b")
    end(functions, "b", ("m2", "r"))
    assert unlisted(functions, "b")[1::3] == [b"m", b"m2"]


@pytest.mark.parametrize("what", [dict(lease=5), dict(expiry="i5")], ids=["lease", "expiry"])
def test_who_settles_asks_first_and_what_time_ended_is_told_of(functions, what):
    functions.create("a", **what)
    functions.now += 5000
    keys = functions.keys("a", "msto")
    before = functions.meta("a")
    assert functions.call("settle", keys, " ?", 0, "", "") == [b"tell"]
    assert functions.meta("a") == before
    word = functions.call("settle", keys, notice(("m", "r")), 0, "", "")[0]
    assert word == (b"abandoned" if "lease" in what else b"removed")
    assert entry(functions, "a", "m")[2][0] == (b"ended" if "lease" in what else b"expired")
    assert functions.call("settle", keys, " ?", 0, "", "")[0] in (b"next", b"none")


def test_who_releases_a_dead_session_asks_first(functions):
    functions.create("a")
    functions.claim("a", "s.1", kind="a")
    keys = functions.keys("a", "mso")
    assert functions.call("release", keys, " ?", "s", "", "failed interrupted") == [b"tell"]
    assert functions.call("release", keys, notice(("m", "r")), "s", "", "failed interrupted")[2] == 1
    assert entry(functions, "a", "m")[2][7].endswith(b"failed interrupted")
    assert functions.call("release", keys, " ?", "s", "", "failed interrupted")[0] == b"released"


def test_nothing_is_told_of_an_end_that_is_not_durable(functions):
    functions.create("a")
    lag = end(functions, "a", ("m", "r"), mode="d")[9]
    assert unlisted(functions, "a") == [b"behind"]
    functions.confirm("a", lag)
    assert unlisted(functions, "a")[1] == b"m"


def test_entries_are_numbered_once_and_numbers_rise_though_the_clock_goes_back(functions):
    assert enlist(functions, "a", "", ("m1", 512), ("m2", 600)) == [b"sums", 1112, 2, 0]
    assert enlist(functions, "a", "", ("m1", 512), ("m2", 600)) == [b"sums", 1112, 2, 0]
    functions.now -= 60_000
    assert enlist(functions, "b", "", ("m3", 1)) == [b"sums", 1113, 3, 0]
    numbers = [number for number, _ in rows(functions)]
    assert numbers == sorted(set(numbers)) and numbers[0] == NOW * 4096
    assert [row for _, row in rows(functions)] == ["m1 a", "m2 a", "m3 b"]
    assert rows(functions, numbers[0], 1) == [(numbers[1], "m2 a")] and rows(functions, numbers[2]) == []
    # The last number is not given again.
    change_row(functions, "m3 b", "remove")
    enlist(functions, "c", "", ("m4", 1))
    assert rows(functions)[-1][0] > numbers[2]


def test_a_name_is_left_by_who_entered_it_last(functions):
    first, second = enter(functions, "a"), enter(functions, "a")
    assert first == NOW + 15_000 and second == first + 1
    enlist(functions, "a", first)
    functions.now += 15_001
    due = lambda: functions.ask("outbox_due", [OUT["entered"]], 10)  # noqa: E731
    assert due() == [b"a", b"%d" % second]
    enlist(functions, "a", second)
    assert due() == []


def test_what_is_listed_is_not_listed_again(functions):
    functions.create("a")
    end(functions, "a", ("m", "r"))
    functions.call("outbox_listed", functions.keys("a", "o"), "m", "another")
    assert unlisted(functions, "a") == [b"unlisted"]
    assert change(functions, "a", "m", "remove") == 1 and change(functions, "a", "m", "remove") == 0
    functions.call("outbox_listed", functions.keys("a", "o"), "m")
    assert functions.client("EXISTS", functions.key("a", "o")) == 0


def test_an_entry_fails_is_told_anew_and_goes(functions):
    functions.create("a")
    end(functions, "a", ("m", "r"), ("n", "s"))
    enlist(functions, "a", "", ("m", 512), ("n", 512))
    state = lambda: functions.client("HGET", functions.key("a", "o"), "s:m")  # noqa: E731
    assert change(functions, "a", "m", "fail", "it answered 500") == 1 and state() == b" it answered 500"
    assert change_row(functions, "m a", "fail") == [b"sums", 1024, 2, 1]
    functions.now += 5
    assert change(functions, "a", "m", "retry") == 1 and state() == b"%d" % functions.now
    assert change_row(functions, "m a", "retry") == [b"sums", 1024, 2, 0]
    again = functions.call("outbox_again", [OUT["again"], OUT["rows"]])
    assert again[1] == b"m a" and functions.call("outbox_again", [OUT["again"], OUT["rows"]]) == []
    change(functions, "a", "m", "fail", "no")
    assert state() == b"%d no" % functions.now
    for id in ("m", "n"):
        assert change(functions, "a", id, "remove") == 1
        change_row(functions, f"{id} a", "remove")
    assert change_row(functions, "m a", "remove") == [b"sums", 0, 0, 0]
    assert functions.client("EXISTS", functions.key("a", "o")) == 0


def test_one_session_tells_until_it_gives_it_up_or_another_takes_it(functions):
    lead = lambda *words: functions.call("outbox_lead", [OUT["leader"]], *words)  # noqa: E731
    assert lead("", "one") == b"one" and lead("", "two") == b"one"
    assert lead("one", "two") == b"two" and lead("one", "") == b"two" and lead("two", "") == b""
    look = functions.ask("outbox_look", [OUT[part] for part in ("rows", "costs", "failed", "leader")])
    assert look == [b"sums", 0, 0, 0, b""]


@pytest.mark.parametrize("bad", [" x", " 4bf9 1\n", "  1 1\n", "  1 1\nid", "  -1 1\nm r"])
def test_a_notice_that_makes_no_sense_changes_nothing(functions, bad):
    functions.create("a")
    before = functions.meta("a")
    with pytest.raises(RedisError, match="^FRESHET_ARGUMENT notice"):
        functions.call("finish", functions.keys("a", "mso"), bad, "", "", "", "", "", "", "", "done")
    assert functions.meta("a") == before


def test_a_damaged_entry_keeps_no_other_from_being_listed(functions):
    functions.create("a")
    end(functions, "a", ("m", "r"), ("n", "s"))
    functions.client("HSET", functions.key("a", "o"), "e:m", "what")
    assert unlisted(functions, "a")[1::3] == [b"n"]


def test_what_ends_in_a_full_redis_is_told_of(functions):
    functions.create("a")
    functions.client("CONFIG", "SET", "maxmemory", "1")
    try:
        moment = enter(functions, "a")
        assert end(functions, "a", ("m", "r"))[0] == b"appended"
        assert enlist(functions, "a", moment, ("m", 512))[2] == 1
        functions.call("outbox_listed", functions.keys("a", "o"), "m")
        assert change(functions, "a", "m", "remove") == 1
        assert change_row(functions, "m a", "remove") == [b"sums", 0, 0, 0]
    finally:
        functions.client("CONFIG", "SET", "maxmemory", "0")
