"""The text of a config file -> its entries, each with its line. Pure; needs PyYAML, and is loaded with a file only.

    workers: 4                          a text
    disable: [MALLOC_ARENA_MAX, gc]  a list
    env:                                a mapping
      MY_POOL: "{workers * 4}"

Read from PyYAML's events, so that a value stays the text that was written: `on`, `010` and `1e9` mean what they mean
in a variable, not what YAML 1.1 makes of them. A null is not set. Anchors and aliases are refused, so that there is
nothing to expand; what is nested deeper than the above is skipped, and much deeper refused.
"""

from __future__ import annotations

import yaml

from cgtune.config import FileEntry, FileItem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# Many more than there are options, or than a person writes.
_MOST_KEYS = 100
_MOST_ITEMS = 1000
_LONGEST_KEY_CHARACTERS = 60
# Both of PyYAML's parsers take time by the square of the depth: 100,000 brackets are 10 s (2026-11-21, 2 cores).
_DEEPEST = 20
_NULLS = ("", "~", "null", "Null", "NULL")
# The one written in C is ten times as fast, and not everywhere.
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Malformed(ValueError):
    """The text is no mapping in YAML; `line` counts from 1."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line


def parse_settings(text: str, path: str) -> tuple[FileEntry, ...]:
    """The entries of a config file, unchecked; `path` is for their origins. Malformed says where and why not."""
    try:
        return tuple(_read_document(_refuse_references(yaml.parse(text, Loader=_LOADER)), path))
    except yaml.MarkedYAMLError as error:
        raise _explain(error, text) from None
    except yaml.reader.ReaderError as error:
        # The parser in C counts bytes.
        before = text[: error.position] if _LOADER is yaml.SafeLoader else text.encode()[: error.position].decode()
        raise Malformed(before.count("\n") + 1, "no YAML: a control character") from None


def _explain(error: yaml.MarkedYAMLError, text: str) -> Malformed:
    """YAML's own words, at the line where a person would look."""
    problem = str(error.problem or error.context)
    # A key without its colon is noticed only when the next one begins.
    mark = error.context_mark if "could not find expected ':'" in problem else error.problem_mark
    if mark is None:
        return Malformed(1, f"no YAML: {problem}")
    lines = text.split("\n")
    index = min(mark.line, len(lines) - 1)
    if lines[index][mark.column : mark.column + 1] == "\t":
        problem = "a tab, where YAML wants spaces"
    return Malformed(index + 1, f"no YAML: {problem}")


def _refuse_references(events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    for event in events:
        if getattr(event, "anchor", None) is not None:
            raise Malformed(_line(event), "anchors and aliases are not read here")
        yield event


def _read_document(events: Iterator[yaml.Event], path: str) -> Iterator[FileEntry]:
    """The entries of the only document; an empty file has none."""
    next(events)
    if isinstance(next(events), yaml.StreamEndEvent):
        return
    root = next(events)
    if isinstance(root, yaml.MappingStartEvent):
        for count, (key, line, value) in enumerate(_read_pairs(events)):
            if count == _MOST_KEYS:
                raise Malformed(line, f"more than {_MOST_KEYS} keys")
            shape, items = _read_value(value, events, path)
            yield FileEntry(key=_cut(key), where=f"{path}:{line}", shape=shape, items=tuple(items))
    elif not _is_null(root):
        raise Malformed(_line(root), "not a mapping of keys to values")
    next(events)
    more = next(events)
    if not isinstance(more, yaml.StreamEndEvent):
        raise Malformed(_line(more), "a second document; only one is read")


def _read_pairs(events: Iterator[yaml.Event]) -> Iterator[tuple[str, int, yaml.Event]]:
    """Each key of a mapping, its line, and the event its value begins with, whose rest is the caller's to read."""
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            return
        if not isinstance(key, yaml.ScalarEvent):
            raise Malformed(_line(key), "a key is a word, not a list or a mapping")
        yield key.value, _line(key), next(events)


def _read_value(first: yaml.Event, events: Iterator[yaml.Event], path: str) -> tuple[str, list[FileItem]]:
    """The shape of a value, and its items without the nulls."""
    if isinstance(first, yaml.ScalarEvent):
        return "text", _read_item(first, path)
    is_list = isinstance(first, yaml.SequenceStartEvent)
    items: list[FileItem] = []
    for count, (name, line, event) in enumerate(_read_list(events) if is_list else _read_pairs(events)):
        if count == _MOST_ITEMS:
            raise Malformed(line, f"more than {_MOST_ITEMS} items")
        if isinstance(event, yaml.ScalarEvent):
            items += _read_item(event, path, name)
        else:
            items.append(FileItem(text=None, where=f"{path}:{line}", name=name))
            _skip(events)
    return "list" if is_list else "mapping", items


def _read_list(events: Iterator[yaml.Event]) -> Iterator[tuple[None, int, yaml.Event]]:
    """The same of a list, whose items have no keys."""
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            return
        yield None, _line(event), event


def _skip(events: Iterator[yaml.Event]) -> None:
    """Read on to the end of a list or mapping that has begun."""
    depth = 1
    while depth:
        event = next(events)
        if depth > _DEEPEST:
            raise Malformed(_line(event), f"nested deeper than {_DEEPEST}")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)


def _read_item(event: yaml.ScalarEvent, path: str, name: str | None = None) -> list[FileItem]:
    return [] if _is_null(event) else [FileItem(text=event.value, where=f"{path}:{_line(event)}", name=name)]


def _cut(key: str) -> str:
    """No key we know is so long; a message should not be either."""
    return key if len(key) <= _LONGEST_KEY_CHARACTERS else key[:_LONGEST_KEY_CHARACTERS] + "…"


def _is_null(event: yaml.Event) -> bool:
    """`implicit` tells a plain word from a quoted one, and from one with a tag."""
    return isinstance(event, yaml.ScalarEvent) and event.implicit[0] and event.value in _NULLS


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return 1 if mark is None else mark.line + 1
