"""The functions of the Redis store: creating and appending, one call at a time."""

import binascii
import random

import pytest

from support.redis import RedisError
from support.redis_functions import Message, events_of, later, parts, run, stamp


def slot(key):
    """The slot of a key in a Redis Cluster."""
    _, brace, rest = key.partition(b"{")
    tag, end, _ = rest.partition(b"}")
    return binascii.crc_hqx(tag if brace and end and tag else key, 0) % 16384


def told(subscription, count):
    return [Message(message) for message in subscription.messages(count)]


# Creating ------------------------------------------------------------------------------------------------------------


def test_a_stream_is_made_once_and_with_what_it_was_made_with(functions):
    made = functions.create("a", run("one", "two"), lease=30, expiry="i60", retention="100,,")
    assert made[0] == b"created" and made[5:7] == [2, 6]
    birth, floor, tail, end, options, lease, lag = *made[1:5], made[7], made[8], made[10]
    assert floor == birth < tail and (end, lag) == (b"", b"") and lease == b"30"
    assert options == b"options of text/event-stream"
    again = functions.create("a", run("three"), essence="text/plain")
    assert again[0] == b"exists" and again[1:10] == made[1:10]
    assert functions.info("a")[1:10] == made[1:10]
    assert functions.texts("a") == ("exact", ["one", "two"])


def test_an_entry_in_the_index_that_may_have_been_dropped_makes_nothing(functions):
    version = functions.entered("a")
    functions.now += 30_001
    assert functions.create("a", version=version) == [b"late"]
    assert functions.info("a") == [b"none"]
    assert functions.create("a")[0] == b"created"


def test_a_second_creator_hands_its_entry_of_the_index_to_the_stream(functions):
    functions.create("a")
    first = functions.info("a")[16]
    version = functions.entered("a")
    assert version > int(first)
    functions.create("a", version=version)
    assert int(functions.info("a")[16]) == version
    # One that was entered before does not take it back.
    functions.create("a", version=int(first))
    assert int(functions.info("a")[16]) == version


def test_a_name_is_any_bytes(functions):
    names = ["a", "{a}", "}{", "%7Ba%7D", "a%", "\u00e9{\u0301", b"\xff{\x01}", "x" * 512, "a b\nc", "-", "{}"]
    for name in names:
        assert functions.create(name)[0] == b"created", name
        functions.add(name, repr(name))
    for name in names:
        assert functions.texts(name) == ("exact", [repr(name)])
    for name in names:
        assert len({slot(functions.key(name, kind)) for kind in "mstc"}) == 1
    assert len({slot(functions.key(name, "m")) for name in names}) == len(names)


# Offsets --------------------------------------------------------------------------------------------------------------


def test_offsets_rise_over_every_step_of_the_clock_and_across_deletion(functions):
    given = []
    for round in range(6):
        given.append(functions.create("a")[1])
        given += events_of([functions.add("a", "x")[2], b"1:1", run("x")[1]])[0][:1]
        appended = functions.add("a", "y", "z", end="done")
        given += [appended[2], later(appended[2], 1)]
        assert appended[3] == given[-1]
        given.append(appended[4].split(b" ")[0])
        functions.remove("a")
        functions.now += [-3_600_000, 0, 1, -1, 86_400_000, -7_200_000][round]
    assert [parts(offset) for offset in given] == sorted({parts(offset) for offset in given})


def test_a_full_counter_borrows_the_next_millisecond(functions):
    functions.create("a")
    birth = functions.info("a")[1]
    record = functions.meta("a")[b"h"]
    # The counter stands just before its end.
    functions.damage("a", "h", record[:10] + b"\xff\xff\xfe" + record[13:])
    appended = functions.add("a", "1", "2", "3")
    ms = parts(birth)[0]
    assert [parts(later(appended[2], step)) for step in range(3)] == [(ms, 0xFFFFFF), (ms + 1, 0), (ms + 1, 1)]
    assert parts(appended[3]) == (ms + 1, 1)
    assert functions.texts("a") == ("exact", ["1", "2", "3"])
    for step in range(3):
        assert functions.texts("a", later(appended[2], step)) == ("exact", ["1", "2", "3"][step + 1 :])


def test_streams_made_in_one_millisecond_do_not_share_offsets(functions):
    births = {functions.create(f"stream {number}")[1] for number in range(200)}
    assert len(births) == 200


def test_redis_s_own_time_is_used_when_none_is_stated(functions):
    functions.now = None
    seconds, micros = functions.client("TIME")
    ms = parts(functions.create("a")[1])[0]
    assert 0 <= ms - (int(seconds) * 1000 + int(micros) // 1000) < 60_000


# Appending ------------------------------------------------------------------------------------------------------------


def test_an_append_says_what_came_before_and_what_came_of_it(functions):
    birth = functions.create("a")[1]
    one = functions.add("a", "1", "2")
    assert one[0] == b"appended" and one[1] == birth and one[3] == later(one[2], 1)
    assert one[4:] == [b"", b"", 0, 0, 0, b""]
    two = functions.append("a", run("3"), run("4", "5"), end="failed why \n not")
    assert two[1] == one[3] and two[3] == later(two[2], 2)
    assert two[4] == later(two[3], 1) + b" failed why \n not"
    info = functions.info("a")
    assert info[3:7] == [two[3], two[4], 5, 5]
    assert functions.texts("a") == ("exact", ["1", "2", "3", "4", "5"])


def test_an_end_alone_moves_no_tail_and_works_as_finish_only_without_runs(functions):
    birth = functions.create("a")[1]
    with pytest.raises(RedisError, match="^FRESHET_ARGUMENT runs"):
        functions.add("a", "x", function="finish", end="done")
    ended = functions.append("a", end="cancelled")
    assert ended[:5] == [b"appended", birth, b"", birth, later(birth, 1) + b" cancelled"]


@pytest.mark.parametrize("wish", ["done", "failed ", "cancelled x", "abandoned \xe9\0\n "])
def test_a_stream_ends_once(functions, wish):
    functions.create("a")
    tail = functions.add("a", "1")[3]
    end = functions.append("a", end=wish)[4]
    assert end.partition(b" ")[2] == wish.encode()
    for again in ({"end": "done"}, {"end": "failed no"}, {}):
        assert functions.add("a", "2", **again) == [b"ended", end, tail, b"", b"", b""]
    assert functions.append("a") == [b"ended", end, tail, b"", b"", b""]
    assert functions.texts("a") == ("exact", ["1"])


def test_nothing_there_is_none_and_a_stream_that_was_born_elsewhere_too(functions):
    assert functions.add("a", "1") == [b"none"]
    old = functions.create("a")[1]
    assert functions.add("a", "1", birth=old)[0] == b"appended"
    functions.remove("a")
    new = functions.create("a")[1]
    assert parts(new) > parts(old)
    assert functions.add("a", "1", birth=old) == [b"none"]
    assert functions.append("a", end="abandoned", birth=old) == [b"none"]
    assert functions.add("a", "1", birth=new)[0] == b"appended"


def test_the_order_of_refusals(functions):
    functions.create("a")
    birth = functions.info("a")[1]
    functions.claim("a", "s.1")
    functions.add("a", "1", producer=("p", 1, 0), sequence="5")
    wish = dict(birth="1-1", claim="s.2", essence="text/plain", producer=("p", 0, 0), sequence="1", mode="w")
    assert functions.add("a", "x", **wish) == [b"none"]
    wish |= dict(birth=birth)
    assert functions.add("a", "x", **wish) == [b"superseded", b""]
    wish |= dict(claim="s.1")
    assert functions.add("a", "x", **wish) == [b"type", b"options of text/event-stream"]
    wish |= dict(essence="text/event-stream")
    assert functions.add("a", "x", **wish) == [b"fenced", 1]
    wish |= dict(producer=("p", 2, 1))
    assert functions.add("a", "x", **wish) == [b"epoch"]
    wish |= dict(producer=("p", 1, 2))
    assert functions.add("a", "x", **wish) == [b"gap", 1, 2]
    wish |= dict(producer=("q", 7, 1))
    assert functions.add("a", "x", **wish) == [b"gap", 0, 1]
    wish |= dict(producer=("p", 1, 0))
    assert functions.add("a", "x", **wish)[0] == b"duplicate"
    wish |= dict(producer=("p", 1, 1))
    assert functions.add("a", "x", **wish) == [b"sequence", b"5"]
    wish |= dict(sequence="6")
    assert functions.add("a", "x", **wish) == [b"withheld"]
    assert functions.texts("a") == ("exact", ["1"])
    wish |= dict(mode="")
    assert functions.add("a", "x", **wish)[0] == b"appended"
    end = functions.append("a", end="done")[4]
    wish |= dict(essence="text/plain", producer=("p", 1, 1))
    assert functions.add("a", "x", **wish)[:2] == [b"ended", end]
    wish |= dict(claim="s.2")
    assert functions.add("a", "x", **wish) == [b"superseded", end]


def test_a_refused_append_changes_nothing_but_what_a_duplicate_restarts(functions):
    functions.create("a")
    functions.add("a", "1", producer=("p", 0, 0), sequence="5")
    before = functions.meta("a")
    functions.now += 1000
    for wish in (
        dict(essence="text/plain"),
        dict(producer=("p", 0, 2)),
        dict(producer=("q", 0, 1)),
        dict(sequence="4"),
        dict(producer=("q", 0, 0), sequence="4", end="done"),
        dict(claim="s.1"),
        dict(birth="1-1"),
        dict(mode="w"),
    ):
        functions.add("a", "x", **wish)
        assert functions.meta("a") == before, wish
    silent = functions.info("a")
    functions.add("a", "x", producer=("p", 0, 0))
    info = functions.info("a")
    assert silent[12:14] == [1000, 1000] and info[12:14] == [0, 0] and info[11] != silent[11]


def test_producers_count_from_zero_in_each_epoch(functions):
    functions.create("a")
    state = {}
    random.seed(18)
    numbers = [0, 1, 2, 3, 2**53 - 2, 2**53 - 1]
    for _ in range(400):
        name, epoch, seq = random.choice("pq"), random.choice(numbers), random.choice(numbers)
        if random.random() < 0.6 and name in state:
            epoch, seq = random.choice([(state[name][0], state[name][1] + 1), (state[name][0] + 1, 0)])
            if max(epoch, seq) > 2**53 - 1:
                continue
        outcome = functions.add("a", "x", producer=(name, epoch, seq))
        known = state.get(name)
        if known is None:
            expected = [b"appended"] if seq == 0 else [b"gap", 0, seq]
        elif epoch < known[0]:
            expected = [b"fenced", known[0]]
        elif epoch > known[0]:
            expected = [b"appended"] if seq == 0 else [b"epoch"]
        elif seq <= known[1]:
            expected = [b"duplicate", functions.info("a")[3], b"", *known, b""]
        elif seq == known[1] + 1:
            expected = [b"appended"]
        else:
            expected = [b"gap", known[1] + 1, seq]
        if expected == [b"appended"]:
            assert outcome[0] == b"appended" and outcome[8] == (known is None)
            state[name] = (epoch, seq)
            assert stamp(functions.meta("a")[b"p:" + name.encode()]) == (epoch, seq)
        else:
            assert outcome == expected


def test_the_exact_closing_request_is_a_duplicate_and_any_other_meets_the_end(functions):
    functions.create("a")
    functions.add("a", "1", producer=("p 1", 0, 0))
    functions.add("a", "2", producer=("q", 4, 0))
    closing = functions.add("a", "3", producer=("p 1", 0, 1), end="done")
    tail, end = closing[3:5]
    assert functions.add("a", "3", producer=("p 1", 0, 1), end="done") == [b"duplicate", tail, end, 0, 1, b""]
    for producer, known in ((("p 1", 0, 0), (0, 1)), (("p 1", 0, 2), (0, 1)), (("q", 4, 0), (4, 0)), (("r", 0, 0), (b"", b""))):
        assert functions.add("a", "4", producer=producer) == [b"ended", end, tail, *known, b""]


def test_a_producer_s_name_is_any_bytes(functions):
    functions.create("a")
    for name in (b"", b" ", b"p:", b"\0\xff\n", b"%{}", b"x" * 1000):
        assert functions.add("a", "1", producer=(name, 0, 0))[0] == b"appended"
        assert functions.add("a", "1", producer=(name, 0, 0))[0] == b"duplicate"


def test_stream_seq_rises_byte_by_byte(functions):
    functions.create("a")
    steps = [
        ("", True),
        ("", False),
        ("10", True),
        ("10", False),
        ("1", False),
        ("2", True),
        ("19", False),
        ("20", True),
        ("Z", True),
        ("a", True),
        ("B", False),
        ("aa", True),
        ("\u00e9", True),
        ("z", False),
        (b"\xfe", True),
        (b"\xfe\0", True),
        (b"\xfe", False),
    ]
    last = b""
    for sequence, is_later in steps:
        outcome = functions.add("a", "x", sequence=sequence)
        if is_later:
            assert outcome[0] == b"appended", sequence
            last = sequence if isinstance(sequence, bytes) else sequence.encode()
        else:
            assert outcome == [b"sequence", last]
    assert functions.add("a", "without one")[0] == b"appended"


def test_what_an_event_holds_is_any_bytes(functions, redis):
    functions.create("a")
    subscription = redis.subscribe(functions.key("a", "c"))
    everything = bytes(range(256)) * 3
    events = [b"", b"\n", b"\r\n\0", everything, ("kind", b"x"), ("", b""), b"i 0-0 0-0 1\n"]
    field, body = run(*events)
    functions.append("a", [field, body], run(everything))
    page = functions.read("a")
    assert page[9][1::3] == [field.encode(), b"768:".replace(b"768", b"1") + b"768"]
    assert page[9][2::3] == [body, run(everything)[1]]
    message = told(subscription, 1)[0]
    assert message.runs == page[9]
    subscription.close()


def test_fifty_thousand_events_are_one_append(functions, redis):
    functions.create("a")
    subscription = redis.subscribe(functions.key("a", "c"))
    texts = [f"event {number}" for number in range(50_000)]
    runs = [run(*texts[index : index + 64]) for index in range(0, len(texts), 64)]
    appended = functions.append("a", *runs, producer=("p", 0, 0))
    assert appended[3] == later(appended[2], 49_999)
    assert functions.info("a")[5:7] == [50_000, sum(map(len, texts))]
    assert told(subscription, 1)[0].words == [b"b", appended[1], appended[3]]
    assert functions.texts("a") == ("exact", texts)
    assert functions.texts("a", later(appended[2], 33_333)) == ("exact", texts[33_334:])
    assert functions.append("a", *runs, producer=("p", 0, 0))[0] == b"duplicate"
    subscription.close()
