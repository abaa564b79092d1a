"""The durable mark of the Redis store's functions: what is not confirmed is seen by nobody and told to nobody."""

import random

import pytest

from support.redis_functions import Message, events_of, later, parts, run


@pytest.fixture
def channel(functions, redis):
    """What is told of a stream, but for that something waits."""
    subscription = redis.subscribe(functions.key("a", "c"))

    def told(count):
        messages = []
        while len(messages) < count:
            message = Message(subscription.messages(1)[0])
            if message.kind != "p":
                messages.append(message)
        return messages

    yield told
    subscription.close()


def test_whoever_follows_is_told_that_something_waits(functions, redis):
    subscription = redis.subscribe(functions.key("a", "c"))
    marks = [
        functions.create("a", mode="d")[10],
        functions.add("a", "1", mode="d")[9],
        functions.append("a", end="done", mode="d")[9],
    ]
    assert [Message(message).words for message in subscription.messages(3)] == [[b"p", mark] for mark in marks]
    subscription.close()


def test_what_is_not_confirmed_is_seen_by_no_reader(functions, channel):
    birth = functions.create("a")[1]
    one = functions.add("a", "1")
    two = functions.add("a", "2", "3", mode="d")
    assert two[9] == two[3] and two[4] == b""
    three = functions.append("a", run("4"), run("5"), mode="d", end="done")
    mark = three[4].split(b" ")[0]
    assert three[9] == mark
    for position in ("start", "now", birth, one[3], two[2], two[3], three[3], mark):
        page = functions.read("a", position)
        assert page[4:6] == [one[3], b""] and page[8] == mark
        assert [data for _, data in events_of(page[9])] == ([b"1"] if parts(page[2]) < parts(one[3]) else [])
    info = functions.info("a")
    assert info[3:7] == [one[3], b"", 1, 1] and info[10] == mark
    # Whoever was given a position before it is durable is told of nothing lost.
    assert functions.read("a", two[2])[1] == functions.read("a", three[3])[1] == b"exact"

    assert functions.confirm("a", two[3]) == [b"confirmed", mark, b"", 0, 0]
    assert functions.texts("a") == ("exact", ["1", "2", "3"])
    assert functions.read("a", "now")[4:6] == [two[3], b""] and functions.info("a")[5] == 3
    assert functions.confirm("a", mark) == [b"confirmed", b"", b"", 0, 0]
    assert functions.texts("a") == ("exact", ["1", "2", "3", "4", "5"])
    assert functions.read("a", "now")[4:6] == [three[3], three[4]]
    assert functions.read("a", mark)[6] == 1
    assert b"v" not in functions.meta("a")
    made, first, second, third = channel(4)
    assert [made.kind, first.texts, second.texts, third.texts] == ["c", ["1"], ["2", "3"], ["4", "5"]]
    assert second.words[1:3] == [one[3], two[3]] and third.words[1:3] == [two[3], mark]
    assert (second.end, third.end) == (b"", three[4])


def test_the_mark_is_never_lowered_and_never_beyond_what_there_is(functions, channel):
    functions.create("a")
    marks = [functions.add("a", str(number), mode="d")[9] for number in range(4)]
    assert functions.confirm("a", marks[2])[1] == marks[3]
    for mark in (marks[0], marks[2], "0-0"):
        assert functions.confirm("a", mark)[1] == marks[3]
        assert functions.texts("a")[1] == ["0", "1", "2"]
    assert functions.confirm("a", "99999999999999-0")[1] == b""
    assert functions.confirm("a", marks[0])[1] == b""
    assert functions.texts("a")[1] == ["0", "1", "2", "3"]
    assert [message.texts for message in channel(3)[1:]] == [["0", "1", "2"], ["3"]]


def test_a_stream_is_there_for_readers_when_its_making_is_durable(functions, channel):
    made = functions.create("a", run("1"), mode="d")
    assert made[0] == b"created" and made[5] == 1
    lag = made[10]
    assert functions.info("a") == functions.read("a") == [b"pending", lag, 0]
    again = functions.create("a", mode="d")
    assert again[0] == b"exists" and again[10] == lag
    appended = functions.add("a", "2", mode="d")
    assert functions.info("a") == [b"pending", appended[9], 0]
    functions.confirm("a", lag)
    assert functions.texts("a")[1] == ["1"]
    functions.confirm("a", appended[9])
    assert functions.texts("a")[1] == ["1", "2"]
    first, second, third = channel(3)
    assert first.words == [b"c", made[1]] and second.words == [b"b", made[1], lag] and third.texts == ["2"]


def test_what_is_not_confirmed_says_for_how_long(functions):
    """After a while it may have been acknowledged at another master."""
    functions.create("a", run("1"), mode="d")
    functions.now += 1500
    assert functions.info("a")[2] == functions.read("a")[2] == 1500


def test_an_end_that_nobody_confirms_is_found_by_who_settles(functions):
    functions.create("a", expiry="i60")
    lag = functions.append("a", end="done", mode="d")[9]
    assert functions.settle("a", mode="d") == [b"behind", 60_000, lag]
    functions.confirm("a", lag)
    assert functions.settle("a", mode="d")[:2] == [b"next", 60_000]


@pytest.mark.parametrize("end", ["", "done"])
def test_a_stream_that_is_made_empty_is_confirmed_by_its_birth_or_its_end(functions, channel, end):
    made = functions.create("a", mode="d", end=end)
    assert made[10] == (made[4].split(b" ")[0] if end else made[1])
    functions.confirm("a", made[10])
    assert functions.info("a")[:5] == [b"stream", *made[1:5]]
    assert channel(1)[0].words == [b"c", made[1]]


def test_a_duplicate_and_an_end_say_whether_they_may_be_told(functions):
    functions.create("a")
    first = functions.add("a", "1", producer=("p", 0, 0), mode="d")
    duplicate = functions.add("a", "1", producer=("p", 0, 0), mode="d")
    assert duplicate == [b"duplicate", first[3], b"", 0, 0, first[9]]
    functions.confirm("a", first[9])
    assert functions.add("a", "1", producer=("p", 0, 0), mode="d")[5] == b""
    closing = functions.append("a", end="done", producer=("p", 0, 1), mode="d")
    assert functions.append("a", end="done", producer=("p", 0, 1), mode="d")[5] == closing[9]
    assert functions.append("a", end="done", mode="d")[5] == closing[9]
    functions.confirm("a", closing[9])
    assert functions.append("a", end="done", producer=("p", 0, 1), mode="d")[5] == b""
    assert functions.append("a", end="done", mode="d")[5] == b""


def test_what_brings_nothing_is_confirmed_too(functions):
    functions.create("a")
    functions.add("a", "1")
    only = functions.append("a", producer=("p", 0, 0), mode="d")
    assert only[0] == b"appended" and only[9] != b""
    assert functions.append("a", producer=("p", 0, 0), mode="d")[5] == only[9]
    assert functions.confirm("a", only[9])[1] == b""
    assert functions.append("a", producer=("p", 0, 0), mode="d")[5] == b""
    assert functions.texts("a") == ("exact", ["1"])


def test_a_node_that_waits_for_nobody_takes_what_others_hold_back_with_it(functions, channel):
    functions.create("a")
    functions.add("a", "1", mode="d")
    functions.add("a", "2")
    assert functions.texts("a") == ("exact", ["1", "2"]) and functions.info("a")[10] == b""
    assert channel(2)[1].texts == ["1", "2"]


def test_a_confirmation_of_a_stream_that_was_here_before_says_nothing_of_the_next(functions):
    functions.create("a")
    old = functions.add("a", "1", mode="d")[9]
    functions.remove("a")
    assert functions.confirm("a", old) == [b"none"]
    lag = functions.create("a", mode="d")[10]
    assert functions.confirm("a", old)[1] == lag
    assert functions.info("a") == [b"pending", lag, 0]


def test_retention_takes_nothing_that_is_not_durable_and_nothing_for_it(functions, channel):
    functions.create("a", retention="1,,")
    marks = [functions.add("a", str(number), mode="d") for number in range(4)]
    assert all(mark[5:8] == [b"", 0, 0] for mark in marks)
    assert functions.texts("a") == ("exact", [])
    assert functions.confirm("a", marks[1][9]) == [b"confirmed", marks[3][9], marks[1][3], 2, 2]
    assert functions.texts("a") == ("belowFloor", [])
    assert functions.texts("a", marks[1][3]) == ("exact", [])
    assert functions.confirm("a", marks[3][9]) == [b"confirmed", b"", marks[2][3], 1, 1]
    assert functions.texts("a", marks[2][3]) == ("exact", ["3"])
    messages = channel(5)
    assert [message.kind for message in messages] == ["c", "i", "t", "i", "t"]
    assert messages[1].texts == ["0", "1"] and messages[3].texts == ["2", "3"]


def test_age_takes_nothing_that_is_not_durable(functions):
    functions.create("a", retention=",,5")
    mark = functions.add("a", "1", mode="d")[9]
    functions.now += 9000
    assert functions.settle("a") == [b"next", 1000, b""]
    functions.confirm("a", mark)
    assert functions.settle("a")[0] == b"trimmed"


def test_a_confirmation_of_much_says_read_again(functions, channel):
    functions.create("a")
    for _ in range(5):
        mark = functions.append("a", *[run("x" * 30_000)] * 3, mode="d")[9]
    functions.confirm("a", mark)
    assert channel(2)[1].words == [b"b", functions.info("a")[1], mark]
    assert functions.info("a")[5] == 15


def test_an_end_by_the_sweeper_waits_as_well(functions):
    functions.create("a", lease=5)
    functions.now += 5000
    ended = functions.settle("a", mode="d")
    assert ended[0] == b"abandoned" and ended[3] == ended[1].split(b" ")[0]
    assert functions.info("a")[4] == b""
    functions.confirm("a", ended[3])
    assert functions.info("a")[4] == ended[1]


def test_random_appends_and_confirmations_tell_one_unbroken_chain(functions, redis):
    for seed in range(12):
        functions.client("FLUSHDB")
        random.seed(seed)
        retention = random.choice(["", "3,,", ",5,"])
        subscription = redis.subscribe(functions.key("a", "c"))
        functions.create("a", retention=retention)
        log, confirmed, marks = [], 0, []
        for number in range(60):
            match random.random():
                case roll if roll < 0.6:
                    appended = functions.add("a", f"{number}", f"{number}+", mode="d")
                    log += [f"{number}", f"{number}+"]
                    marks.append((appended[9], len(log)))
                case roll if roll < 0.7:
                    functions.add("a", f"{number}")
                    log.append(f"{number}")
                    confirmed, marks = len(log), []
                case _ if marks:
                    mark, count = random.choice(marks)
                    functions.confirm("a", mark)
                    confirmed = max(confirmed, count)
                    marks = [each for each in marks if each[1] > confirmed]
            standing, texts = functions.texts("a")
            assert texts == log[confirmed - len(texts) : confirmed]
            assert retention or len(texts) == confirmed
            assert functions.info("a")[5] == len(texts)
        heard, last = [], functions.info("a")[1]
        assert Message(subscription.messages(1)[0]).kind == "c"
        while len(heard) < confirmed:
            message = Message(subscription.messages(1)[0])
            if message.kind in "tp":
                continue
            assert message.words[1] == last
            heard += message.texts
            last = message.offsets[-1]
        assert heard == log[:confirmed]
        subscription.close()


def test_positions_in_a_run_that_is_not_durable_stay_what_they_are(functions):
    functions.create("a")
    first = functions.add("a", "1", "2", "3", mode="d")
    for step in range(3):
        page = functions.read("a", later(first[2], step))
        assert page[1:3] == [b"exact", later(first[2], step)] and page[9] == []
