"""What a stream keeps, and how a reader learns that something is gone."""

KEEP_3 = {"Stream-Retention": "events=3"}


def trimmed(server, count=10):
    path = server.create(headers=KEEP_3)
    return path, server.append_each(path, [f"{n}" for n in range(count)])


def test_a_reader_below_the_floor_gets_a_gap_and_then_what_is_kept(server):
    path, offsets = trimmed(server)
    with server.subscribe(path, {"Last-Event-ID": offsets[1]}) as reader:
        gap, *events = reader.take(4)
    assert gap.type == "gap"
    assert gap.json == {"requested": offsets[1], "resumed": offsets[6]}
    assert gap.id == offsets[6], "the floor is the last event that was taken"
    assert [e.data for e in events] == ["7", "8", "9"]


def test_a_reader_exactly_at_the_floor_lost_nothing(server):
    path, offsets = trimmed(server)
    with server.subscribe(path, {"Last-Event-ID": offsets[6]}) as reader:
        assert [(e.type, e.data) for e in reader.take(3)] == [("message", n) for n in "789"]


def test_a_read_from_the_start_of_a_trimmed_stream_begins_with_a_gap(server):
    path, offsets = trimmed(server)
    with server.subscribe(path) as reader:
        gap, *events = reader.take(4)
        assert (gap.type, gap.id, [e.data for e in events]) == ("gap", offsets[6], ["7", "8", "9"])
    with server.lines(path) as lines:
        gap = lines.next()
        assert (gap["event"], gap["id"], lines.next()["data"]) == ("gap", offsets[6], "7")


def test_a_stream_that_was_trimmed_of_nothing_begins_without_a_gap(server):
    path, _ = trimmed(server, count=3)
    with server.subscribe(path) as reader:
        assert [e.type for e in reader.take(3)] == ["message"] * 3


def test_catch_up_reads_say_so_in_their_own_way(server):
    path, offsets = trimmed(server)
    below = server.read(f"{path}?offset={offsets[1]}")
    assert below.status == 410
    assert below["Stream-Earliest-Offset"] == offsets[6]
    start = server.read(f"{path}?offset=-1")
    assert (start.status, start.body, start["Stream-Gap"]) == (200, b"789", "true")
    exact = server.read(f"{path}?offset={offsets[6]}")
    assert (exact.status, exact.body, exact["Stream-Gap"]) == (200, b"789", None)


def test_a_reader_that_trimming_overtakes_is_told_while_it_is_connected(server):
    path = server.create(headers={"Stream-Retention": "bytes=1000000"})
    block = "x" * 200_000
    with server.subscribe(path) as slow:
        server.append(path, "first")
        assert slow.next().data == "first"
        # It reads nothing while far more than the sockets hold is written and trimmed.
        for number in range(100):
            assert server.append(path, f"{number:03}{block}").status == 204
        server.end(path)
        events = slow.rest()
    numbers = [int(e.data[:3]) for e in events if e.type == "message"]
    gaps = [index for index, e in enumerate(events) if e.type == "gap"]
    assert gaps, "nothing was trimmed past the reader: the test is too small"
    assert numbers == sorted(set(numbers)), "in order, and nothing twice"
    assert numbers[-1] == 99 and events[-1].type == "end"
    # Wherever a number is missing there is a gap, and nowhere else.
    previous, missed = -1, False
    for event in events:
        if event.type == "gap":
            missed = True
        elif event.type == "message":
            number = int(event.data[:3])
            assert missed or number == previous + 1, f"{number} after {previous} without a gap"
            previous, missed = number, False


def test_an_end_is_kept_whatever_is_trimmed(server):
    path, offsets = trimmed(server)
    server.end(path, "failed", "out of words")
    with server.subscribe(path, {"Last-Event-ID": offsets[-1]}) as reader:
        assert [e.json for e in reader.rest()] == [{"reason": "failed", "detail": "out of words"}]
