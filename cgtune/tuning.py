"""Tune the interpreter that this runs in: what Python has no variable for.

Stands alone: any CPython from 3.8 on loads it by its path, also one that has no cgtune. So it imports what every
interpreter has built in or loaded at its start, not even `__future__`, and nothing here may stop a program.

`cgtune run` asks for it in CGTUNE_INJECT, words between spaces; unknown ones and bad numbers are skipped:

| word | does | left alone |
|---|---|---|
| `gc=N` | `gc.set_threshold(N, …)`, the other two as they are | thresholds that are not this version's own |
| `freeze` | before the first fork: `gc.collect()`, `gc.freeze()` | in forked children, with a small heap |
| `cpus=N` | `os.cpu_count()` answers N | from 3.13 on (PYTHON_CPU_COUNT), never raised |
| `celery=N` | `billiard.cpu_count()` answers N, celery's default concurrency | |
| `debug` | one line on stderr says what was done | |
"""

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Undo = Callable[[], None]
    Threshold = tuple[int, int, int]

VARIABLE = "CGTUNE_INJECT"
_NUMBERS = ("gc", "cpus", "celery")
_FLAGS = ("freeze", "debug")

# Fewer blocks than these are not worth a collection. CPython 3.8 to 3.13, one collection in the child of a fork: at
# 50 000 blocks (15 000 tracked objects) 2 ms in the parent spare each child 2 MiB. A bare interpreter has 10 000 to
# 16 000 blocks, an idle gunicorn 79 000, with Flask 136 000. Counting them takes 0.3 ms at 2.6 million.
_FEWEST_BLOCKS = 50_000


def tune_from_environment() -> None:
    """Do what CGTUNE_INJECT asks for. Raises nothing; says nothing unless asked to."""
    try:
        if is_wanted(os.environ, sys.implementation.name, bool(sys.flags.ignore_environment)):
            words = parse_words(os.environ[VARIABLE])
            said = [describe(name, words[name], _tune(name, words[name])) for name in words if name != "debug"]
            if "debug" in words:
                sys.stderr.write(f"cgtune: in Python {sys.version.split()[0]}, {', '.join(said)}\n")
    except Exception:  # whatever goes wrong here must not keep the program from starting
        pass


def is_wanted(environment: "Mapping[str, str]", implementation: str, is_isolated: bool) -> bool:
    """Whether there is anything to do: asked for, in a CPython that reads variables, and not switched off."""
    if VARIABLE not in environment or implementation != "cpython" or is_isolated:
        return False
    return environment.get("CGTUNE", "").strip().lower() not in ("off", "0", "false", "no")


def parse_words(text: str) -> "dict[str, int]":
    """The known words with their numbers (1 for those that have none): "gc=50000 freeze" -> gc 50000, freeze 1."""
    words = {}
    for word in text.split():
        name, equals, value = word.partition("=")
        if name in _FLAGS and not equals:
            words[name] = 1
        elif name in _NUMBERS and is_count(value):
            words[name] = int(value)
    return words


def is_count(text: str) -> bool:
    """Whether this is a plain number from 1 to what fits a C int, which the collector's thresholds are."""
    return text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= int(text) < 2**31


def describe(name: str, number: int, outcome: "Undo | Exception | None") -> str:
    """One word and what became of it."""
    word = name if name in _FLAGS else f"{name}={number}"
    if isinstance(outcome, Exception):
        return f"{word} failed ({outcome!r})"
    return f"{word} left alone" if outcome is None else f"{word} done"


def _tune(name: str, number: int) -> "Undo | Exception | None":
    try:
        if name == "gc":
            return tune_gc(number)
        if name == "freeze":
            return freeze_before_fork()
        if name == "cpus":
            return set_cpu_count(number)
        return set_celery_default(number)
    except Exception as error:
        return error


def tune_gc(wanted: int) -> "Undo | None":
    """Let that many objects come alive before a young collection. Undo, or None where nothing was changed."""
    before = gc.get_threshold()
    after = choose_threshold(wanted, before, sys.version_info[:3], is_free_threaded())
    if after is None:
        return None
    gc.set_threshold(*after)

    def undo() -> None:
        if gc.get_threshold() == after:
            gc.set_threshold(*before)

    return undo


def choose_threshold(
    wanted: int, current: "Threshold", version: "tuple[int, ...]", is_free_threaded: bool
) -> "Threshold | None":
    """The thresholds to set; None where these are not Python's own, lower than ours, or another collector's.

    A free-threaded collector has no generations, and waits by itself for memory to grow.
    """
    if is_free_threaded or current != default_threshold(version) or wanted <= current[0]:
        return None
    return (wanted, *current[1:])


def default_threshold(version: "tuple[int, ...]") -> "Threshold | None":
    """What a CPython starts with. None for the incremental collector of 3.14.0 to 3.14.4.

    That one was taken back in 3.14.5 because it could hold several times the memory (cpython#148726), which a
    higher threshold would add to.
    """
    if version < (3, 13):
        return (700, 10, 10)
    if (3, 14) <= version < (3, 14, 5):
        return None
    return (2000, 10, 10)


def is_free_threaded() -> bool:
    """Whether this build can run without the GIL; its collector is another one even while the GIL is on."""
    return "free-threading" in sys.version


def freeze_before_fork() -> "Undo | None":
    """Before this process forks, collect its garbage once and put what lives out of the collector's reach.

    A collection writes into the header of each object it looks at; in a forked child that copies every page the
    two still share. Meant for a server that loads an application and then forks workers: what is frozen is never
    collected again as part of a cycle, in the parent as in the children.
    """
    if is_free_threaded() or not hasattr(os, "register_at_fork"):
        return None
    waiting = [os.getpid()]
    # 3.12 has some 375 there from the start.
    frozen_at_start = gc.get_freeze_count()

    def freeze() -> None:
        try:
            freeze_if_due()
        except Exception:  # nor from forking
            pass

    def freeze_if_due() -> None:
        # Only in the process that the interpreter started in: a worker that forks has its requests to answer.
        if not waiting or waiting[0] != os.getpid():
            return
        # Switched off, or frozen already: the program looks after this by itself.
        if not gc.isenabled() or 0 < sys.getallocatedblocks() < _FEWEST_BLOCKS:
            return
        waiting.clear()
        if gc.get_freeze_count() <= frozen_at_start:
            gc.collect()
            gc.freeze()

    os.register_at_fork(before=freeze)
    return waiting.clear


def set_cpu_count(wanted: int) -> "Undo | None":
    """os.cpu_count() answers `wanted`, and what asks it: multiprocessing, executors. Undo, or None."""
    original = os.cpu_count
    count = choose_cpu_count(wanted, original(), os.environ.get("PYTHON_CPU_COUNT"), sys.version_info[:2])
    if count is None:
        return None

    def cpu_count() -> int:
        return count

    cpu_count.__doc__ = original.__doc__
    # Where pickle and help() look for it.
    cpu_count.__module__, cpu_count.__qualname__ = "os", "cpu_count"
    os.cpu_count = cpu_count

    def undo() -> None:
        if os.cpu_count is cpu_count:
            os.cpu_count = original

    return undo


def choose_cpu_count(
    wanted: int, found: "int | None", said: "str | None", version: "tuple[int, ...]"
) -> "int | None":
    """The number to answer; None where it would not be a smaller one, or the user has `said` another.

    PYTHON_CPU_COUNT works by itself from 3.13 on. What stands there is meant for older ones as well.
    """
    if version >= (3, 13) or found is None or wanted >= found or said not in (None, str(wanted)):
        return None
    return wanted


def set_celery_default(count: int) -> "Undo | None":
    """billiard.cpu_count() answers `count`: see injection/celery.py, which few programs need."""
    from _frozen_importlib_external import SourceFileLoader

    path = os.path.join(os.path.dirname(__file__), "injection", "celery.py")
    module = type(sys)("_cgtune_inject_celery")
    SourceFileLoader(module.__name__, path).exec_module(module)
    undo: Undo = module.set_default(count)
    return undo


# The name under which cgtune.pth and our sitecustomize load this file.
if __name__ == "_cgtune_inject":
    tune_from_environment()
