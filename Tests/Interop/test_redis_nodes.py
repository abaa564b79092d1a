"""What is of no stream: the index of names, due times, sessions and usage, by the Redis store's functions."""

import pytest

from support.redis import RedisError
from support.redis_functions import NOW

INDEX = ["freshet:{idx0}", "freshet:{idx0}:v", "freshet:{idx0}:n"]
DUE = ["freshet:{due0}", "freshet:{due0}:t"]
BEATS, BURIED, REPORTS = "freshet:{nodes}:beats", "freshet:{nodes}:buried", "freshet:{nodes}:reports"


def claims(session):
    return f"freshet:{{nodes}}:claims:{session}"


# The index --------------------------------------------------------------------------------------------------------------


def test_every_entry_has_a_version_of_its_own_whatever_the_clock_does(functions):
    versions = []
    for step in (0, 0, -60_000, 5, 0):
        functions.now += step
        versions.append(functions.call("index_enter", INDEX, b"a\xff{}%"))
    assert versions == sorted(set(versions)) and versions[0] == NOW
    assert functions.client("ZRANGEBYLEX", INDEX[0], "-", "+") == [b"a\xff{}%"]


def test_a_name_is_dropped_only_by_who_knows_its_last_entry(functions):
    old = functions.call("index_enter", INDEX, "a")
    new = functions.call("index_enter", INDEX, "a")
    assert functions.call("index_drop", INDEX, "a", old, 0) == 0
    assert functions.client("ZRANGEBYLEX", INDEX[0], "-", "+") == [b"a"]
    assert functions.call("index_drop", INDEX, "a", new, 0) == 1
    assert functions.call("index_drop", INDEX, "a", new, 0) == 1
    assert functions.client("HLEN", INDEX[1]) == 0


def test_a_name_without_a_stream_is_dropped_when_nobody_can_be_making_it_any_more(functions):
    functions.call("index_enter", INDEX, "a")
    functions.now += 59_999
    assert functions.call("index_drop", INDEX, "a", "", 60_000) == 0
    functions.now += 1
    assert functions.call("index_drop", INDEX, "a", "", 60_000) == 1
    assert functions.client("ZCARD", INDEX[0]) == 0


# Due times ---------------------------------------------------------------------------------------------------------------


def enter(functions, name, after="", at=""):
    functions.call("due_enter", DUE, name, after, at)


def take(functions, limit=100, hold=5000):
    taken = functions.call("due_take", DUE, limit, hold)
    return dict(zip(taken[::2], taken[1::2]))


def settled(functions, name, token, after=""):
    return functions.call("due_settled", DUE, name, token, after)


def due_in(functions, name="a"):
    score = functions.client("ZSCORE", DUE[0], name)
    return score and int(score) - functions.now


def test_a_due_time_is_only_brought_forward(functions):
    assert functions.call("due_enter", DUE, "a", 5000, "") == NOW
    enter(functions, "a", 9000)
    assert due_in(functions) == 5000
    enter(functions, "a", 4000, NOW + 3000)
    assert due_in(functions) == 3000
    enter(functions, "a", at=NOW + 9000)
    assert due_in(functions) == 3000
    for wrong in (("",), ("a",), ("", 5)):
        with pytest.raises(RedisError, match="^FRESHET_ARGUMENT"):
            enter(functions, *wrong)


def test_what_is_due_is_taken_by_one_and_by_another_when_that_one_dies(functions):
    for number in range(5):
        enter(functions, f"{number}", number * 1000)
    assert take(functions) == {b"0": b"1"}
    functions.now += 3000
    taken = take(functions, limit=2)
    assert set(taken) == {b"1", b"2"}
    assert set(take(functions)) == {b"3"}
    assert take(functions) == {}
    functions.now += 5000
    # The one that took 0 and 1 has settled the one and died at the other.
    assert settled(functions, "1", taken[b"1"], 60_000) == 1
    again = take(functions)
    assert set(again) == {b"0", b"2", b"3", b"4"}
    assert settled(functions, "2", taken[b"2"]) == 0
    assert settled(functions, "2", again[b"2"]) == 1 and due_in(functions, "2") is None
    assert due_in(functions, "1") == 60_000


def test_what_is_entered_while_somebody_looks_is_never_lost(functions):
    for entered in (10, 4_000, 30_000):
        functions.client("DEL", *DUE)
        enter(functions, "a", 0)
        token = take(functions)[b"a"]
        enter(functions, "a", entered)
        # Who looked saw what was before.
        assert settled(functions, "a", token, 3_600_000) == 0
        assert due_in(functions) == min(entered, 5000)
        enter(functions, "a", 0)
        token = take(functions)[b"a"]
        enter(functions, "a", entered)
        assert settled(functions, "a", token) == 0
        assert due_in(functions) == min(entered, 5000)


def test_a_take_that_is_late_settles_nothing_of_the_next(functions):
    enter(functions, "a", 0)
    first = take(functions)[b"a"]
    enter(functions, "a", 0)
    second = take(functions)[b"a"]
    assert first != second
    assert settled(functions, "a", first, 3_600_000) == 0
    assert settled(functions, "a", second, 1000) == 1 and due_in(functions) == 1000


# Sessions ------------------------------------------------------------------------------------------------------------------


def beat(functions, session, first=""):
    return functions.call("session_beat", [BEATS, BURIED], session, first)


def note(functions, session, name):
    return functions.call("session_note", [BEATS, BURIED, claims(session)], session, name)


def bury(functions, session, count):
    return functions.call("session_bury", [BEATS, BURIED], session, count)


def release(functions, session, *done):
    return functions.call("session_release", [BURIED, claims(session)], session, *done)


def test_sessions_see_each_other_s_counts(functions):
    assert beat(functions, "s", "1") == [b"alive", NOW, [b"s", b"1"], []]
    answer = beat(functions, "t", "1")
    assert dict(zip(answer[2][::2], answer[2][1::2])) == {b"s": b"1", b"t": b"1"}
    assert beat(functions, "s")[2][:2] == [b"s", b"2"]
    assert beat(functions, "unknown") == [b"buried"]
    for session in ("", "a.b"):
        with pytest.raises(RedisError, match="^FRESHET_ARGUMENT"):
            beat(functions, session, "1")


def test_a_session_is_buried_only_when_its_count_stood_still(functions):
    beat(functions, "s", "1")
    beat(functions, "s")
    assert bury(functions, "s", 1) == 0
    assert beat(functions, "s")[0] == b"alive"
    assert note(functions, "s", "1 a") == [b"noted", NOW]
    for wrong in ("", "a", "1 ", " a"):
        with pytest.raises(RedisError, match="^FRESHET_ARGUMENT"):
            note(functions, "s", wrong)
    # Whoever notes a claim lives.
    assert bury(functions, "s", 3) == 0
    assert bury(functions, "s", 4) == 1
    assert bury(functions, "s", 4) == 1
    assert beat(functions, "s") == [b"buried"]
    assert beat(functions, "s", "1") == [b"buried"]
    assert note(functions, "s", "2 b") == [b"buried"]
    assert beat(functions, "t", "1")[3] == [b"s"]


def test_what_a_buried_session_had_is_released_by_anybody_and_only_then_it_is_forgotten(functions):
    beat(functions, "s", "1")
    for entry in ("1 a", b"2 b\xff", "3 a", "4 c"):
        note(functions, "s", entry)
    assert functions.call("session_unnote", [claims("s")], "4 c") == 1
    assert release(functions, "s") == []
    bury(functions, "s", 5)
    assert set(release(functions, "s")) == {b"1 a", b"2 b\xff", b"3 a"}
    assert release(functions, "s", "1 a", "3 a") == [b"2 b\xff"]
    # The one that did this died: another goes on.
    assert beat(functions, "t", "1")[3] == [b"s"]
    assert release(functions, "s", b"2 b\xff") == []
    assert beat(functions, "t")[3] == []
    assert functions.client("EXISTS", claims("s")) == 0


def report(functions, session, *said, first=""):
    return functions.call("session_beat", [BEATS, BURIED, REPORTS], session, first, *said)


def test_what_a_session_says_of_itself_comes_and_goes_with_its_beats(functions):
    assert report(functions, "s", "{}", 400, first="1")[0] == b"alive"
    assert functions.client("HGET", REPORTS, "s") == b"%d {}" % (NOW - 400)
    functions.now += 1000
    report(functions, "s", "[1 2]", 0)
    assert functions.client("HGET", REPORTS, "s") == b"%d [1 2]" % (NOW + 1000)
    for wrong in (("{}",), ("{}", ""), ("{}", "-1")):
        with pytest.raises(RedisError, match="^FRESHET_ARGUMENT"):
            report(functions, "s", *wrong)
    # One of an older program says nothing about it.
    beat(functions, "s")
    assert functions.client("HLEN", REPORTS) == 1
    report(functions, "s")
    assert functions.client("HLEN", REPORTS) == 0
    # What is later than the clock's beginning has been said at it.
    report(functions, "s", "{}", NOW + 9999)
    assert functions.client("HGET", REPORTS, "s") == b"0 {}"


def test_a_session_that_is_buried_says_nothing_any_more(functions):
    report(functions, "s", "{}", 0, first="1")
    assert functions.call("session_bury", [BEATS, BURIED, REPORTS], "s", 2) == 0
    assert functions.client("HLEN", REPORTS) == 1
    assert functions.call("session_bury", [BEATS, BURIED, REPORTS], "s", 1) == 1
    assert functions.client("HLEN", REPORTS) == 0
    assert report(functions, "s", "{}", 0) == [b"buried"]
    assert functions.client("HLEN", REPORTS) == 0


# Usage ----------------------------------------------------------------------------------------------------------------------


def test_usage_is_summed(functions):
    key = ["freshet:{usage}"]
    assert functions.call("usage", key, 3, 5000) == [3, 5000]
    assert functions.call("usage", key, -1, -700) == [2, 4300]
    assert functions.call("usage", key, 0, 0) == [2, 4300]
    for wrong in (("x", 0), ("", 0), (0, "1.5")):
        with pytest.raises(RedisError, match="^FRESHET_ARGUMENT"):
            functions.call("usage", key, *wrong)
