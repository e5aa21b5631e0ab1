"""What tunes an interpreter from within: when it acts, what it leaves alone, how it is undone."""

from __future__ import annotations

import ast
import gc
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune import tuning
from tests.support import unavailable
from tests.unit.command import DEADLINE_SECONDS, PACKAGE, PLAIN

OLD, NEW = (700, 10, 10), (2000, 10, 10)
THIS_DEFAULT = tuning.default_threshold(sys.version_info[:3])


def run_tuned(code: str, **environment: str) -> list[str]:
    """The lines of a program that has `tuning` under that name, in an interpreter of its own."""
    load = (
        "import sys, gc, os, importlib.util as u\n"
        f"spec = u.spec_from_file_location('tuning', {str(PACKAGE / 'tuning.py')!r})\n"
        "tuning = u.module_from_spec(spec); spec.loader.exec_module(tuning)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", load + code],
        env={**PLAIN, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


# --- the words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", {}),
        ("gc=50000 freeze cpus=2 celery=4 debug", {"gc": 50000, "freeze": 1, "cpus": 2, "celery": 4, "debug": 1}),
        ("  gc=1\t\nfreeze ", {"gc": 1, "freeze": 1}),
        ("gc=1 gc=2", {"gc": 2}),  # the last one counts
        ("gc=2 gc=x", {"gc": 2}),
        ("gc", {}),
        ("gc=", {}),
        ("gc=0", {}),
        ("gc=-1", {}),
        ("gc=+1", {}),
        ("gc=1.5", {}),
        ("gc=1_000", {}),
        ("gc=1=2", {}),
        ("gc=٣", {}),  # a digit, but not one of ours
        ("gc=²", {}),
        ("gc=2147483647", {"gc": 2147483647}),
        ("gc=2147483648", {}),  # does not fit a C int
        ("gc=" + "9" * 5000, {}),  # int() itself refuses it
        ("freeze=1", {}),
        ("Freeze GC=1", {}),
        ("hugepages=always freeze something-later", {"freeze": 1}),
    ],
)
def test_words_are_read_strictly_and_others_skipped(text: str, words: dict[str, int]) -> None:
    """What a later cgtune may ask for, or a typo, is nothing; what is left of it counts."""
    assert tuning.parse_words(text) == words


@given(st.text())
def test_no_text_disturbs_the_reader(text: str) -> None:
    """Whatever stands in the variable, known words with positive numbers come out, or none."""
    words = tuning.parse_words(text)
    assert set(words) <= {"gc", "freeze", "cpus", "celery", "debug"}
    assert all(1 <= number < 2**31 for number in words.values())


@pytest.mark.parametrize(
    ("environment", "implementation", "is_isolated", "wanted"),
    [
        ({"CGTUNE_INJECT": "gc=1"}, "cpython", False, True),
        ({"CGTUNE_INJECT": "gc=1", "CGTUNE": "on"}, "cpython", False, True),
        ({}, "cpython", False, False),
        ({"CGTUNE_INJECT": "gc=1"}, "pypy", False, False),
        ({"CGTUNE_INJECT": "gc=1"}, "cpython", True, False),
        ({"CGTUNE_INJECT": "gc=1", "CGTUNE": "off"}, "cpython", False, False),
        ({"CGTUNE_INJECT": "gc=1", "CGTUNE": " Off "}, "cpython", False, False),
    ],
)
def test_it_acts_only_when_asked(
    environment: dict[str, str], implementation: str, is_isolated: bool, wanted: bool
) -> None:
    """Asked for, in CPython, not switched off, and not where the user wants no variables read."""
    assert tuning.is_wanted(environment, implementation, is_isolated) is wanted


@pytest.mark.parametrize(
    ("outcome", "said"),
    [(lambda: None, "gc=5 done"), (None, "gc=5 left alone"), (OSError("no"), "gc=5 failed (OSError('no'))")],
)
def test_it_can_say_what_it_did(outcome: tuning.Undo | Exception | None, said: str) -> None:
    """For the word `debug`."""
    assert tuning.describe("gc", 5, outcome) == said
    assert tuning.describe("freeze", 1, lambda: None) == "freeze done"


# --- the collector's thresholds


@pytest.mark.parametrize(
    ("version", "wanted", "current", "is_free_threaded", "chosen"),
    [
        ((3, 8, 0), 50_000, OLD, False, (50_000, 10, 10)),
        ((3, 12, 9), 10_000, OLD, False, (10_000, 10, 10)),
        ((3, 13, 0), 10_000, NEW, False, (10_000, 10, 10)),
        ((3, 14, 5), 10_000, NEW, False, (10_000, 10, 10)),
        ((3, 15, 0), 10_000, NEW, False, (10_000, 10, 10)),
        ((3, 12, 9), 10_000, NEW, False, None),  # not this version's own
        ((3, 13, 0), 10_000, OLD, False, None),
        ((3, 12, 9), 10_000, (0, 10, 10), False, None),  # 0 switches it off
        ((3, 12, 9), 10_000, (700, 10, 5), False, None),
        ((3, 12, 9), 700, OLD, False, None),  # nothing to change
        ((3, 12, 9), 100, OLD, False, None),  # never lower
        ((3, 14, 0), 10_000, NEW, False, None),  # the incremental collector
        ((3, 14, 0), 10_000, (2000, 10, 0), False, None),
        ((3, 14, 4), 10_000, NEW, False, None),
        ((3, 13, 0), 10_000, NEW, True, None),
        ((3, 14, 5), 10_000, NEW, True, None),
    ],
)
def test_thresholds_are_raised_where_they_are_the_versions_own(
    version: tuple[int, int, int],
    wanted: int,
    current: tuning.Threshold,
    is_free_threaded: bool,
    chosen: tuning.Threshold | None,
) -> None:
    """The second and third stay as they are."""
    assert tuning.choose_threshold(wanted, current, version, is_free_threaded) == chosen


@pytest.mark.usefixtures("default_thresholds")
def test_the_table_knows_this_python() -> None:
    """What this version starts with is what the table says."""
    assert run_tuned("print(gc.get_threshold())") == [str(THIS_DEFAULT)]


@pytest.fixture
def default_thresholds() -> Iterator[None]:
    """As if the interpreter had just started."""
    if THIS_DEFAULT is None or tuning.is_free_threaded():
        unavailable("this Python's collector is left alone")
    before = gc.get_threshold()
    gc.set_threshold(*THIS_DEFAULT)
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("default_thresholds")
def test_thresholds_can_be_put_back() -> None:
    """Undone while they are ours, not after the program has changed them; a second time nothing is done."""
    undo = tuning.tune_gc(50_000)
    assert undo is not None
    assert gc.get_threshold() == (50_000, 10, 10)
    assert tuning.tune_gc(60_000) is None
    undo()
    assert gc.get_threshold() == THIS_DEFAULT
    undo = tuning.tune_gc(50_000)
    assert undo is not None
    gc.set_threshold(123, 4, 5)
    undo()
    assert gc.get_threshold() == (123, 4, 5)


# --- freeze before fork

# `big()` makes more objects than are not worth the trouble; `forked()` asks a child.
FORKING = """
def big():
    return [[] for _ in range(60_000)]
start = gc.get_freeze_count()
def count():
    return gc.get_freeze_count() - start
def forked(ask=count):
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.write(write, repr(ask()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    return eval(os.read(read, 1000))
"""
MANY = "some 60 000"


def frozen(code: str, **environment: str) -> list[object]:
    """What the program printed, with counts of frozen objects in words."""
    lines = [ast.literal_eval(line) for line in run_tuned(FORKING + code, **environment)]
    return [MANY if type(line) is int and 60_000 <= line < 90_000 else line for line in lines]


@pytest.fixture
def forking() -> None:
    """An interpreter in which something is frozen."""
    if not hasattr(os, "fork") or tuning.is_free_threaded():
        unavailable("nothing is frozen without a fork, nor in a free-threaded Python")


@pytest.mark.usefixtures("forking")
def test_the_heap_is_frozen_before_the_first_fork() -> None:
    """Once: what comes later stays within the collector's reach. Children have it enabled, as before."""
    code = (
        "tuning.freeze_before_fork(); keep = big(); print(count()); print(forked())\n"
        "print(count()); more = big(); print(forked()); print(forked(gc.isenabled))"
    )
    assert frozen(code) == [0, MANY, MANY, MANY, True]


@pytest.mark.usefixtures("forking")
def test_a_program_may_take_it_back() -> None:
    """Who calls gc.unfreeze() has no second freeze to fear."""
    code = "tuning.freeze_before_fork(); keep = big(); print(forked()); gc.unfreeze(); print(forked() <= 0)"
    assert frozen(code) == [MANY, True]


@pytest.mark.usefixtures("forking")
def test_without_it_nothing_is_frozen() -> None:
    """The control."""
    assert frozen("keep = big(); print(forked())") == [0]


@pytest.mark.usefixtures("forking")
def test_garbage_is_not_frozen() -> None:
    """It would never be freed again: it is collected before."""
    code = (
        "tuning.freeze_before_fork(); gc.set_threshold(10**9); keep = big()\n"
        "class Cycle: pass\n"
        "cycle = Cycle(); cycle.cycle = cycle\n"
        "import weakref; seen = weakref.ref(cycle); del cycle\n"
        "print(seen() is None); forked(); print(seen() is None)"
    )
    assert frozen(code) == [False, True]


@pytest.mark.usefixtures("forking")
def test_a_small_heap_is_not_worth_it_but_may_grow() -> None:
    """A helper forked early does not use up the one time."""
    code = "tuning.freeze_before_fork(); print(forked()); keep = big(); print(forked())"
    assert frozen(code) == [0, MANY]


@pytest.mark.usefixtures("forking")
def test_without_pythons_allocator_the_size_is_not_known() -> None:
    """PYTHONMALLOC=malloc counts no blocks: then it is frozen whatever its size."""
    assert frozen("tuning.freeze_before_fork(); print(forked() > 0)", PYTHONMALLOC="malloc") == [True]


@pytest.mark.usefixtures("forking")
def test_a_forked_child_does_not_freeze() -> None:
    """A worker that forks in a request has no time to collect, even when its parent was too small."""
    code = (
        "tuning.freeze_before_fork()\n"
        "def grow_and_fork():\n"
        "    keep = big(); return forked()\n"
        "print(forked(grow_and_fork)); keep = big(); print(forked())"
    )
    assert frozen(code) == [0, MANY]


@pytest.mark.usefixtures("forking")
@pytest.mark.parametrize(
    ("preparation", "count"),
    [("gc.disable()", 0), ("gc.freeze()", MANY)],
    ids=["collector off", "frozen by the program"],
)
def test_a_program_that_sees_to_it_is_left_alone(preparation: str, count: object) -> None:
    """Who switches the collector off or freezes has a plan; what was made since then stays as it is."""
    code = f"tuning.freeze_before_fork(); keep = big(); {preparation}; more = big(); print(forked())"
    assert frozen(code) == [count]


@pytest.mark.usefixtures("forking")
def test_a_fork_in_a_thread_is_like_any_other() -> None:
    """The count is the same, and the program goes on."""
    code = (
        "import threading, warnings; warnings.simplefilter('ignore'); tuning.freeze_before_fork(); keep = big()\n"
        "thread = threading.Thread(target=lambda: print(forked())); thread.start(); thread.join()"
    )
    assert frozen(code) == [MANY]


@pytest.mark.usefixtures("forking")
@pytest.mark.parametrize("option", ["", "preexec_fn=int"], ids=["plain", "with code to run after the fork"])
def test_a_subprocess_is_no_fork(option: str) -> None:
    """`subprocess` calls no hooks, or, for a preexec_fn, calls them with the collector off."""
    code = (
        "import subprocess; tuning.freeze_before_fork(); keep = big()\n"
        f"subprocess.run(['true'], check=True, {option}); print(count()); print(forked())"
    )
    assert frozen(code) == [0, MANY]


@pytest.mark.usefixtures("forking")
def test_multiprocessing_forks_as_well() -> None:
    """Its start method `fork` is os.fork."""
    code = (
        "import multiprocessing; tuning.freeze_before_fork(); keep = big()\n"
        "with multiprocessing.get_context('fork').Pool(1) as pool: print(pool.apply(count))"
    )
    assert frozen(code) == [MANY]


@pytest.mark.usefixtures("forking")
def test_the_freeze_can_be_taken_back() -> None:
    """As long as nothing was forked."""
    assert frozen("undo = tuning.freeze_before_fork(); undo(); keep = big(); print(forked())") == [0]


@pytest.mark.usefixtures("forking")
def test_nothing_in_the_hook_can_spoil_a_fork() -> None:
    """What goes wrong there is not the program's business."""
    code = (
        "tuning.freeze_before_fork(); keep = big()\n"
        "def broken(): raise RuntimeError('the hook met this')\n"
        "tuning.gc = type(sys)('gc'); tuning.gc.isenabled = broken; print(forked())"
    )
    assert frozen(code) == [0]


# --- the file itself


@pytest.mark.parametrize("name", ["tuning.py", "injection/celery.py"])
def test_it_is_written_for_old_pythons(name: str) -> None:
    """3.8 can read it, and it imports only what is built in or loaded at every start."""
    tree = ast.parse((PACKAGE / name).read_text(encoding="utf-8"), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    for_checkers = {"collections.abc", "importlib.machinery", "types"}
    assert imported - for_checkers <= {"gc", "os", "sys", "_frozen_importlib_external"}
