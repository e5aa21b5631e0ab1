"""`$(CGTUNE_PLAN_WORKERS)` in a command line: our figures for programs that no variable reaches. Pure.

    hypercorn -w $(CGTUNE_PLAN_WORKERS) app:app     hypercorn -w 2 app:app
    $(CGTUNE_PLAN_WORKERS:-4)                       the figure, or 4 where there is none
    $$(CGTUNE_PLAN_WORKERS)                         $(CGTUNE_PLAN_WORKERS), as it stands

Written as Kubernetes writes it, which passes on what it does not know. There is always a value: the default given,
else 1, for memory the machine's. Anything else in argv stays as it is, also other names in `$(…)`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

CPUS = "CGTUNE_PLAN_CPUS"
MEMORY = "CGTUNE_PLAN_MEMORY_BYTES"
WORKERS = "CGTUNE_PLAN_WORKERS"
THREADS = "CGTUNE_PLAN_THREADS"
NAMES = (CPUS, MEMORY, WORKERS, THREADS)
_OPENING = "$(CGTUNE_PLAN_"
#: Of a name and its default; what is longer is none of ours.
_MOST_CHARACTERS = 256
#: Stands for a figure of ours while the command line is read: no number, and nothing a shell would obey.
_MASK = "{{{}}}"


def expand(argv: Sequence[str], values: Mapping[str, str], machine_bytes: int | None) -> list[str]:
    """The command line with figures in the places asked for; `machine_bytes` where memory has no other value."""
    last_resort = {MEMORY: str(machine_bytes or 1)}

    def replace(name: str, default: str | None) -> str:
        value = values.get(name)
        return value or default or last_resort.get(name, "1")

    return [_replace(word, replace) for word in argv]


def mask(argv: Sequence[str]) -> tuple[str, ...]:
    """The command line with each placeholder as one plain word, for reading it."""
    return tuple(_replace(word, lambda name, _: _MASK.format(name)) for word in argv)


def is_asking(text: str, name: str) -> bool:
    """Whether a masked word is a placeholder of that name, or a list with one: "{…},1", but not "{…}0"."""
    return _MASK.format(name) in text.split(",")


def unmask(text: str) -> str:
    """A masked word as the user has written it, without its default."""
    for name in NAMES:
        text = text.replace(_MASK.format(name), f"$({name})")
    return text


def _replace(word: str, value_of: Callable[[str, str | None], str]) -> str:
    if _OPENING not in word:
        return word
    parts = []
    index = 0
    while (start := word.find(_OPENING, index)) >= 0:
        if word[start - 1 : start] == "$" and start > index:
            parts.append(word[index : start - 1] + _OPENING)
            index = start + len(_OPENING)
            continue
        parts.append(word[index:start])
        end = _closing(word, start + 2)
        name, has_default, default = word[start + 2 : end].partition(":-") if end else ("", "", "")
        if name in NAMES:
            parts.append(value_of(name, default if has_default else None))
            index = end + 1
        else:
            parts.append(_OPENING)
            index = start + len(_OPENING)
    return "".join(parts) + word[index:]


def _closing(word: str, index: int) -> int:
    """Where the parenthesis is closed, since a default may have its own: "$(CGTUNE_PLAN_WORKERS:-$(nproc))"; or 0."""
    depth = 1
    for place in range(index, min(len(word), index + _MOST_CHARACTERS)):
        depth += (word[place] == "(") - (word[place] == ")")
        if depth == 0:
            return place
    return 0
