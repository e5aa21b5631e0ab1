"""Immutable records for the hot path, without the price of `dataclasses`.

`dataclasses` imports `inspect`, which costs 15 ms, more than a bare interpreter start; `typing.NamedTuple`
imports `typing`. A record here is a class with annotated fields and, where useful, defaults::

    class Pids(Record):
        limit: int | None = None

Type checkers see a frozen, keyword-only dataclass.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from typing_extensions import Self, dataclass_transform
else:

    def dataclass_transform(**_options):
        return lambda decorated: decorated


_set = object.__setattr__


@dataclass_transform(kw_only_default=True, frozen_default=True)
class _RecordType(type):
    """Turns the annotations of a class into slots, and what is assigned to them into defaults."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> type:
        fields = tuple(namespace.get("__annotations__", ()))
        namespace["_defaults"] = {field: namespace.pop(field) for field in fields if field in namespace}
        namespace["__slots__"] = namespace["_fields"] = fields
        return type.__new__(mcs, name, bases, namespace)


class Record(metaclass=_RecordType):
    """Base of all records: set once, compared by value."""

    if TYPE_CHECKING:
        _fields: ClassVar[tuple[str, ...]]
        _defaults: ClassVar[dict[str, Any]]

    def __init__(self, **values: Any) -> None:
        defaults = self._defaults
        for field in self._fields:
            if field in values:
                _set(self, field, values.pop(field))
            elif field in defaults:
                _set(self, field, defaults[field])
            else:
                raise TypeError(f"{type(self).__name__} needs {field}")
        if values:
            raise TypeError(f"{type(self).__name__} has no {', '.join(values)}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable; use replace({name}=…)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, field) == getattr(other, field) for field in self._fields)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, field) for field in self._fields))

    def __repr__(self) -> str:
        inside = ", ".join(f"{field}={getattr(self, field)!r}" for field in self._fields)
        return f"{type(self).__name__}({inside})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), {field: getattr(self, field) for field in self._fields})

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        values = {field: getattr(self, field) for field in self._fields}
        values.update(changes)
        return type(self)(**values)

    def as_dict(self) -> dict[str, Any]:
        """The record as plain dicts and lists, ready for JSON."""
        return {field: _plain(getattr(self, field)) for field in self._fields}


def _rebuild(kind: type[Record], values: dict[str, Any]) -> Record:
    return kind(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.as_dict()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
