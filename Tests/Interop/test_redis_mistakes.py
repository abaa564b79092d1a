"""What the functions of the Redis store say when they are asked for nonsense, or find some."""

import pytest

from support.redis import RedisError
from support.redis_functions import NOW, run


def test_arguments_that_make_no_sense_change_nothing(functions):
    functions.create("a")
    functions.add("a", "1")
    before = functions.meta("a")
    field, body = run("x")
    wrong = [
        dict(end="gone"),
        dict(end="done\n"),
        dict(end=" done"),
        dict(producer=("p", "x", 0)),
        dict(producer=("p", 0, "-1")),
        dict(producer=("p", "01", 0)),
        dict(producer=("p", 2**53, 0)),
        dict(producer=("p", "9" * 400, 0)),
        dict(mode="x"),
    ]
    for wish in wrong:
        with pytest.raises(RedisError, match="^FRESHET_ARGUMENT"):
            functions.append("a", [field, body], **wish)
    for runs in (
        ["1"],
        ["1:1"],
        ["0:1", body],
        ["1:", body],
        ["1:1:1", body],
        ["99999:1", body],
        [field, body, "x", body],
        ["1:1e5", body],
    ):
        with pytest.raises(RedisError, match="^FRESHET_ARGUMENT"):
            functions.append("a", runs)
    for now in ("x", "-1", "1.5", str(2**60), "0x10"):
        functions.now = now
        with pytest.raises(RedisError, match="^FRESHET_ARGUMENT now"):
            functions.append("a", [field, body])
    functions.now = NOW
    with pytest.raises(RedisError, match="^FRESHET_ARGUMENT"):
        functions.call("append", functions.keys("a", "ms"))
    assert functions.meta("a") == before
    assert functions.texts("a") == ("exact", ["1"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("h", "x"),
        ("h", "x" * 36),
        ("b", None),
        ("e", "what"),
        ("f", "1"),
        ("g", "x-y"),
        ("z", None),
        ("v", "nothing"),
        ("x", "often"),
        ("q", "x"),
        ("u", "x"),
        ("r", "1"),
    ],
)
def test_a_meta_that_is_not_what_it_should_be_is_told_in_one_line(functions, field, value):
    functions.create("a", retention="5,,9", lease=9, expiry="i9")
    functions.add("a", "1", mode="d", end="done" if field == "e" else "")
    if value is None:
        functions.client("HDEL", functions.key("a", "m"), field)
    else:
        functions.damage("a", field, value)
    told = []
    for ask in (
        lambda: functions.add("a", "2"),
        lambda: functions.read("a"),
        lambda: functions.info("a"),
        lambda: functions.settle("a"),
        lambda: functions.confirm("a", "9999999999999-0"),
        lambda: functions.remove("a"),
    ):
        try:
            ask()
        except RedisError as error:
            told.append(str(error))
    assert told
    for line in told:
        assert line.startswith("FRESHET_DAMAGED ") and "user_function" not in line and "traceback" not in line.lower(), line


def test_another_kind_of_key_is_an_error_of_redis_and_nothing_of_lua(functions):
    functions.client("SET", functions.key("a", "m"), "x")
    with pytest.raises(RedisError, match="^FRESHET_DAMAGED WRONGTYPE"):
        functions.add("a", "1")
    functions.create("b")
    functions.client("SET", functions.key("b", "s"), "x")
    before = functions.meta("b")
    with pytest.raises(RedisError, match="^FRESHET_DAMAGED WRONGTYPE"):
        functions.add("b", "1", end="done", producer=("p", 0, 0))
    assert functions.meta("b") == before
