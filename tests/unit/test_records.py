"""The immutable records of the hot path behave as frozen, keyword-only dataclasses do."""

from __future__ import annotations

import copy
import pickle

import pytest

from cgtune.limits import Cpu, Declared, Limits
from cgtune.notices import Notice
from cgtune.records import Record


class Point(Record):
    """A record with a field that has no default, and one that has."""

    x: int
    names: tuple[str, ...] = ()


class Line(Record):
    """A record of records."""

    points: tuple[Point, ...]
    start: Point | None = None


def test_fields_are_given_by_name_and_may_have_defaults() -> None:
    """As in the class body."""
    point = Point(x=1)
    assert (point.x, point.names) == (1, ())


def test_a_missing_or_unknown_field_is_an_error() -> None:
    """Named in the message."""
    with pytest.raises(TypeError, match="Point needs x"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Point has no y, z"):
        Point(x=1, y=2, z=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Point(1)  # type: ignore[call-arg]


def test_a_record_cannot_be_changed() -> None:
    """Neither an old nor a new attribute, nor taken away; there is no dict to go around it."""
    point = Point(x=1)
    with pytest.raises(AttributeError, match=r"use replace\(x="):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        point.y = 2
    with pytest.raises(AttributeError):
        del point.x
    assert not hasattr(point, "__dict__")
    assert point == Point(x=1)


def test_records_are_equal_by_kind_and_value() -> None:
    """And equal ones have equal hashes."""
    assert Point(x=1) == Point(x=1, names=())
    assert Point(x=1) != Point(x=2)
    assert hash(Point(x=1)) == hash(Point(x=1))
    assert Point(x=1) != (1, ())
    assert Cpu(status="limited") != Declared()


def test_replace_makes_a_changed_copy() -> None:
    """The original stays as it was; an unknown field is an error."""
    point = Point(x=1, names=("a",))
    assert point.replace(x=2) == Point(x=2, names=("a",))
    assert point.x == 1
    with pytest.raises(TypeError, match="has no z"):
        point.replace(z=1)


def test_as_dict_is_plain_all_the_way_down() -> None:
    """Records become dicts, tuples lists, ready for JSON."""
    line = Line(points=(Point(x=1), Point(x=2, names=("a",))), start=Point(x=0))
    assert line.as_dict() == {
        "points": [{"x": 1, "names": []}, {"x": 2, "names": ["a"]}],
        "start": {"x": 0, "names": []},
    }


@pytest.mark.parametrize("record", [Point(x=1, names=("a",)), Notice(code="A", message="b"), Declared()], ids=repr)
def test_records_can_be_copied_pickled_and_read(record: Record) -> None:
    """All three give the same again."""
    assert pickle.loads(pickle.dumps(record)) == record
    assert copy.deepcopy(record) == record
    assert eval(repr(record), {type(record).__name__: type(record)}) == record


def test_defaults_are_fields_of_the_class_that_says_so() -> None:
    """The records in use: what has no default must be given."""
    with pytest.raises(TypeError, match="Limits needs cgroup"):
        Limits()  # type: ignore[call-arg]
