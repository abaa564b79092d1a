"""Leases, uses, expiry and claims of the Redis store's functions, on a clock that the test sets."""

import pytest

from support.redis import RedisError
from support.redis_functions import NOW, Message


def ended(functions, name="a"):
    return functions.info(name)[4].partition(b" ")[2]


# Leases ---------------------------------------------------------------------------------------------------------------


def test_a_lease_that_runs_out_ends_the_stream_once(functions, redis):
    functions.create("a", lease=5)
    functions.now += 4999
    assert functions.settle("a") == [b"next", 1, b""]
    functions.now += 1
    tail = functions.info("a")[3]
    subscription = redis.subscribe(functions.key("a", "c"))
    what = functions.settle("a")
    assert what[0] == b"abandoned" and what[2:] == [tail, b"", b""]
    assert what[1].partition(b" ")[2] == b"abandoned The producer was silent for 5 s." == ended(functions)
    assert functions.settle("a") == [b"next", b"", b""]
    message = Message(subscription.messages(1)[0])
    assert message.words[1:2] == [tail] and message.end == what[1]
    subscription.close()


def test_appends_duplicates_and_renewals_restart_a_lease_and_nothing_else_does(functions):
    functions.create("a", lease=5)
    restarts = [
        lambda: functions.add("a", "1", producer=("p", 0, 0)),
        lambda: functions.add("a", "1", producer=("p", 0, 0)),
        lambda: functions.append("a", producer=("p", 0, 1)),
        lambda: functions.lease("a", 5),
    ]
    versions = set()
    for restart in restarts:
        functions.now += 4000
        restart()
        assert functions.settle("a") == [b"next", 5000, b""]
        versions.add(functions.info("a")[11])
    assert len(versions) == len(restarts)
    functions.now += 4000
    functions.touch("a")
    functions.read("a")
    functions.add("a", "x", essence="text/plain")
    functions.create("a")
    functions.claim("a", "s.1", noted=1)
    assert functions.settle("a") == [b"next", 1000, b""]


def test_a_lease_may_be_changed_while_the_stream_is_open(functions):
    birth = functions.create("a")[1]
    assert functions.settle("a") == [b"next", b"", b""]
    assert functions.lease("a", 7, birth="1-1") == [b"none"]
    assert functions.lease("a", 7, birth=birth) == [b"set"]
    assert functions.info("a")[8] == b"7" and functions.settle("a") == [b"next", 7000, b""]
    end = functions.append("a", end="done")[4]
    assert functions.lease("a", 8) == [b"ended", end]
    assert functions.lease("b", 8) == [b"none"]


def test_a_lease_whose_due_time_may_have_been_looked_at_is_late(functions):
    functions.create("a")
    for entered, said in ((NOW - 2501, b"late"), (NOW + 1, b"late"), (NOW - 2500, b"set"), (NOW, b"set")):
        assert functions.call("lease", functions.keys("a", "m"), "", 5, entered) == [said]


def test_a_lease_is_due_by_the_clock_only_where_the_same_redis_served_all_the_time(functions):
    functions.create("a", lease=5)
    functions.now += 60_000
    start = NOW
    for trusted in ("", start + 1):
        waiting = functions.settle("a", trusted=trusted)
        assert waiting[:2] == [b"waiting", 5000] and waiting[3] == 5000
    # The node has seen this version, for a while by its own clock.
    version = waiting[2]
    assert functions.settle("a", trusted="", seen=version, seen_for=3000)[:4] == [b"waiting", 2000, version, 2000]
    assert functions.settle("a", trusted="", seen="L9-9", seen_for=9000)[3] == 5000
    # Meanwhile the producer came back.
    functions.add("a", "1")
    functions.now += 60_000
    assert functions.settle("a", trusted="", seen=version, seen_for=9000)[3] == 5000
    assert ended(functions) == b""
    assert functions.settle("a", trusted="", seen=functions.settle("a", trusted="")[2], seen_for=5000)[0] == b"abandoned"


def test_a_redis_whose_clock_is_ahead_or_behind_ends_nothing_early(functions):
    functions.create("a", lease=5)
    functions.now += 60_000
    assert functions.settle("a", trusted=functions.now)[0] == b"waiting"
    functions.add("a", "1")
    functions.now -= 120_000
    assert functions.settle("a", trusted=functions.now)[0] == b"next"
    assert functions.info("a")[12] == 0
    functions.add("a", "2")
    assert functions.settle("a", trusted=functions.now) == [b"next", 5000, b""]


def test_a_clock_that_was_set_forward_is_not_trusted(functions):
    functions.create("a", lease=5, retention=",,3600")
    functions.add("a", "1")
    functions.now += 7_200_000
    expected = functions.now - 2001
    settle = functions.keys("a", "mst"), "", NOW, "", ""
    assert functions.call("settle", *settle, expected, NOW)[0] == b"waiting"
    assert functions.call("settle", *settle, functions.now - 2000, NOW)[0] == b"abandoned"
    # The node's clock says that the event is as young as it is.
    assert functions.call("settle", *settle, "", NOW + 3_599_999) == [b"next", 1000, b""]
    assert functions.texts("a")[1] == ["1"]
    assert functions.call("settle", *settle, "", NOW + 3_600_000)[0] == b"trimmed"


# Expiry ---------------------------------------------------------------------------------------------------------------


def test_an_idle_stream_expires_and_every_use_holds_that_off(functions, redis):
    birth = functions.create("a", expiry="i10")[1]
    for use in (
        lambda: functions.add("a", "1", producer=("p", 0, 0)),
        lambda: functions.add("a", "1", producer=("p", 0, 0)),
        lambda: functions.touch("a"),
    ):
        functions.now += 9999
        assert functions.settle("a") == [b"next", 1, b""]
        use()
        assert functions.settle("a")[1] == 10_000 and functions.info("a")[13] == 0
    # A lease that is only set is no use.
    functions.now += 9999
    functions.lease("a", 1000)
    assert functions.settle("a")[1] == 1
    functions.now += 1
    subscription = redis.subscribe(functions.key("a", "c"))
    gone = functions.settle("a")
    assert gone[:5] == [b"removed", birth, 1, 1, 1]
    assert functions.settle("a") == [b"none"]
    assert Message(subscription.messages(1)[0]).words == [b"r", birth, b"expired"]
    subscription.close()


def test_idle_is_judged_as_a_lease_is(functions):
    functions.create("a", expiry="i10")
    functions.now += 60_000
    waiting = functions.settle("a", trusted="")
    assert waiting[:2] == [b"waiting", 10_000]
    functions.touch("a")
    functions.now += 60_000
    assert functions.settle("a", trusted="", seen=waiting[2], seen_for=20_000)[:2] == [b"waiting", 10_000]
    again = functions.settle("a", trusted="")
    assert functions.settle("a", trusted="", seen=again[2], seen_for=10_000)[0] == b"removed"


def test_a_moment_is_a_moment_and_readers_hold_it_off(functions):
    functions.create("a", expiry=f"a{NOW + 5000}")
    assert functions.settle("a") == [b"next", 5000, b""]
    functions.touch("a", hold=15_000)
    functions.now += 14_000
    assert functions.settle("a")[:2] == [b"next", 1000]
    functions.touch("a", hold=15_000)
    functions.now += 15_000
    assert functions.settle("a", trusted="")[:2] == [b"waiting", 15_000]
    assert functions.settle("a")[0] == b"removed"
    functions.create("b", expiry=f"a{NOW}")
    assert functions.call("settle", functions.keys("b", "mst"), "", 0, "", "", "", NOW - 1)[0] == b"next"
    assert functions.settle("b", trusted="")[0] == b"removed"


def test_readers_hold_an_idle_stream_too(functions):
    functions.create("a", expiry="i1")
    functions.touch("a", hold=15_000)
    functions.now += 14_999
    assert functions.settle("a")[:2] == [b"next", 1]
    functions.now += 1
    assert functions.settle("a")[0] == b"removed"


def test_an_ended_stream_expires_and_has_no_lease(functions):
    functions.create("a", lease=5, expiry="i10", end="done")
    functions.now += 5000
    assert functions.settle("a") == [b"next", 5000, b""]
    functions.now += 5000
    assert functions.settle("a")[0] == b"removed"


# Claims ---------------------------------------------------------------------------------------------------------------


def test_a_claim_appends_and_what_has_lost_its_claim_does_not(functions):
    birth = functions.create("a")[1]
    claimed = functions.claim("a", "s.1", birth=birth)
    assert claimed[0] == b"claimed" and claimed[1] == birth and claimed[14] == [b"s.1", b"p"]
    assert functions.add("a", "1", claim="s.1")[0] == b"appended"
    assert functions.add("a", "2", claim="s.2") == [b"superseded", b""]
    assert functions.add("a", "3")[0] == b"appended"
    functions.claim("a", "t.9", kind="a")
    assert sorted(functions.info("a")[14]) == [b"a", b"p", b"s.1", b"t.9"]
    assert functions.unclaim("a", "s.1") == [b"unclaimed", b""]
    assert functions.unclaim("a", "s.1") == [b"superseded", b""]
    assert functions.add("a", "4", claim="s.1") == [b"superseded", b""]
    assert functions.texts("a")[1] == ["1", "3"]


def test_a_newer_claim_of_a_label_takes_over_and_the_older_one_is_told(functions, redis):
    functions.create("a")
    label = b"a label\n\0\xff"
    functions.claim("a", "s.1", label=label)
    functions.claim("a", "s.2", label="another")
    subscription = redis.subscribe(functions.key("a", "c"))
    functions.claim("a", "t.1", label=label)
    told = Message(subscription.messages(1)[0])
    assert told.words == [b"s", b"s.1"] and told.rest == label
    assert functions.add("a", "1", claim="s.1") == [b"superseded", b""]
    assert functions.add("a", "1", claim="s.2")[0] == functions.add("a", "1", claim="t.1")[0] == b"appended"
    # Who was superseded takes nothing of the newer one with it.
    assert functions.unclaim("a", "s.1", label=label)[0] == b"superseded"
    assert functions.meta("a")[b"l:" + label] == b"t.1"
    functions.unclaim("a", "t.1", label=label)
    assert b"l:" + label not in functions.meta("a")
    subscription.close()


def test_nobody_claims_what_is_not_there_has_ended_or_was_noted_too_long_ago(functions):
    assert functions.claim("a", "s.1") == [b"none"]
    functions.create("a")
    assert functions.claim("a", "s.1", birth="1-1") == [b"none"]
    assert functions.claim("a", "s.1", noted=NOW - 2501) == [b"late"]
    assert functions.claim("a", "s.1", noted=NOW + 1) == [b"late"]
    functions.append("a", end="done")
    before = functions.meta("a")
    refused = functions.claim("a", "s.1", label="x", lease=9)
    assert refused[0] == b"ended" and refused[4].endswith(b" done") and functions.meta("a") == before
    for claim, kind in (("s", "p"), (".1", "p"), ("s.", "p"), ("s.1", "x"), ("", "p")):
        with pytest.raises(RedisError, match="^FRESHET_ARGUMENT"):
            functions.claim("a", claim, kind=kind)


def test_while_a_claim_is_there_lease_and_time_to_live_stand_still(functions):
    functions.create("a", lease=5, expiry="i10")
    functions.claim("a", "s.1")
    functions.claim("a", "s.2")
    functions.now += 100_000
    waits = functions.settle("a")
    assert waits[:3] == [b"next", 60_000, b""] and sorted(waits[3]) == [b"p", b"p", b"s.1", b"s.2"]
    functions.unclaim("a", "s.1")
    assert functions.settle("a")[0] == b"next"
    assert functions.unclaim("a", "s.2") == [b"unclaimed", 5000]
    assert functions.settle("a") == [b"next", 5000, b""]
    functions.now += 5000
    assert functions.settle("a")[0] == b"abandoned"


def test_a_claim_may_bring_a_lease_and_a_torn_one_leaves_one(functions):
    functions.create("a")
    assert functions.claim("a", "s.1", lease=9)[8] == b"9"
    functions.unclaim("a", "s.1", torn=60)
    assert functions.info("a")[8] == b"9"
    functions.create("b")
    functions.claim("b", "s.2")
    assert functions.unclaim("b", "s.2", torn=60) == [b"unclaimed", 60_000]
    assert functions.info("b")[8] == b"60"
    functions.create("c")
    functions.claim("c", "s.3")
    assert functions.unclaim("c", "s.3", torn=0) == [b"unclaimed", b""]
    functions.create("d")
    functions.claim("d", "s.4")
    functions.append("d", end="done", claim="s.4")
    assert functions.unclaim("d", "s.4", torn=60) == [b"unclaimed", b""]
    assert functions.info("d")[8] == b""


def test_a_dead_session_s_appends_are_torn_and_its_answers_end_once(functions):
    functions.create("a")
    functions.claim("a", "dead.1", label="x")
    functions.claim("a", "dead.2", kind="a")
    functions.claim("a", "deader.1", label="y")
    released = functions.release("a", "dead", torn=60)
    assert released == [b"released", b"", 1, b""]
    assert ended(functions) == b"failed interrupted"
    meta = functions.meta("a")
    assert {field for field in meta if field[:2] in (b"o:", b"l:")} == {b"o:deader.1", b"l:y"}
    assert functions.release("a", "dead", torn=60)[2] == 0
    assert functions.add("a", "1", claim="dead.1")[0] == b"superseded"
    assert functions.release("b", "dead") == [b"none"]


def test_a_dead_session_s_streaming_append_gives_a_lease_that_begins_now(functions):
    functions.create("a")
    functions.claim("a", "dead.1")
    functions.now += 50_000
    assert functions.release("a", "dead", torn=60) == [b"released", 60_000, 0, b""]
    functions.now += 1000
    # Who does it again, because another died meanwhile, learns when it is due and restarts nothing.
    assert functions.release("a", "dead", torn=60) == [b"released", 59_000, 0, b""]
    functions.now += 59_000
    assert functions.settle("a")[0] == b"abandoned"


def test_an_answer_that_ended_by_itself_is_not_ended_again(functions):
    functions.create("a")
    functions.claim("a", "dead.1", kind="a")
    functions.append("a", end="done", claim="dead.1")
    assert functions.release("a", "dead") == [b"released", b"", 0, b""]
    assert ended(functions) == b"done"


def test_a_removed_stream_takes_its_claims_with_it(functions):
    functions.create("a")
    functions.claim("a", "s.1")
    functions.remove("a")
    assert functions.unclaim("a", "s.1") == [b"none"]
    functions.create("a")
    assert functions.add("a", "1", claim="s.1") == [b"superseded", b""]
