"""Measuring a worker: what the kernel's files say, which process is a worker, and how its memory adds up."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.files import NoFiles
from cgtune.measuring import kernel_files, processes, tree
from cgtune.measuring.kernel_files import Memory, Stat
from cgtune.measuring.measurement import patience_for
from cgtune.measuring.tree import BELOW, EITHER, ITSELF, Expected, Look, Process, expect
from cgtune.runtimes import recognise

KIB, MIB = 1 << 10, 1 << 20
STAT = "{pid} ({name}) {state} {parent} 7 {session} 0 -1 4194304 " + "0 " * 12 + "{started} 1 2 3"
ROLLUP = """\
55d240589000-7ffcbae3b000 ---p 00000000 00:00 0                          [rollup]
Rss:               47000 kB
Pss:               30000 kB
Pss_Dirty:         25000 kB
Private_Clean:      1000 kB
Private_Dirty:     20000 kB
Referenced:        47000 kB
Anonymous:         32000 kB
"""
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1482 1 0 100 0 0 10 0
   1: 0100007F:1F40 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 1483 1 0 100 0 0 10 0
"""
UNIX = """\
Num       RefCount Protocol Flags    Type St Inode Path
000000008e5b4080: 00000002 00000000 00010000 0001 01  1479 /run/with a space.sock
00000000f2be2800: 00000003 00000000 00000000 0001 03  1478
00000000f2be2801: 00000002 00000000 00010000 0005 01  1477 @abstract
"""


# --- the kernel's files


@pytest.mark.parametrize("name", ["gunicorn", "a b", "a) S 1", "((", "()", ""])
def test_a_process_may_have_any_name(name: str) -> None:
    """Field 2 of /proc/PID/stat is the program's own choice; the last parenthesis ends it."""
    text = STAT.format(pid=42, name=name, state="S", parent=7, session=9, started=12345)
    assert kernel_files.parse_stat(text) == Stat(pid=42, parent=7, session=9, started_ticks=12345, is_dead=False)


@pytest.mark.parametrize(("state", "is_dead"), [("R", False), ("D", False), ("T", False), ("Z", True), ("X", True)])
def test_the_dead_are_told_from_the_living(state: str, is_dead: bool) -> None:
    """A zombie is only waiting to be buried."""
    text = STAT.format(pid=1, name="a", state=state, parent=0, session=1, started=5)
    assert kernel_files.parse_stat(text).is_dead is is_dead


@given(st.text())
def test_no_stat_raises_anything_unforeseen(text: str) -> None:
    """What the kernel would not write is a ValueError or an IndexError."""
    try:
        kernel_files.parse_stat(text)
    except (ValueError, IndexError):
        pass


@given(st.text())
def test_no_text_disturbs_the_other_parsers(text: str) -> None:
    """They find something, or nothing."""
    kernel_files.parse_smaps(text)
    kernel_files.parse_statm(text)
    kernel_files.parse_listening_tcp(text)
    kernel_files.parse_listening_unix(text)


@pytest.mark.parametrize(
    ("text", "memory"),
    [
        (ROLLUP, Memory(private_bytes=20000 * KIB, shared_part_bytes=10000 * KIB, inherited_bytes=12000 * KIB)),
        # smaps has a block of these lines for each mapping.
        (ROLLUP * 2, Memory(private_bytes=40000 * KIB, shared_part_bytes=20000 * KIB, inherited_bytes=24000 * KIB)),
        # Dirty pages of files are no anonymous ones.
        (
            ROLLUP.replace("32000", "10000"),
            Memory(private_bytes=20000 * KIB, shared_part_bytes=10000 * KIB, inherited_bytes=0),
        ),
        # An old kernel, or gVisor, does not tell of anonymous memory.
        (
            ROLLUP.replace("Anonymous", "Unknown"),
            Memory(private_bytes=20000 * KIB, shared_part_bytes=10000 * KIB, inherited_bytes=0),
        ),
        (ROLLUP.replace("Pss:", "Other:"), None),
        (ROLLUP.replace("Private_Dirty:", "Other:"), None),
        (ROLLUP.replace("20000", "many"), None),
        ("", None),
    ],
)
def test_private_memory_is_what_a_process_has_written(text: str, memory: Memory | None) -> None:
    """Clean pages of files are there for the next worker too; inherited is anonymous memory that is not private."""
    assert kernel_files.parse_smaps(text) == memory


@pytest.mark.parametrize(
    ("text", "memory"),
    [
        ("2250 1021 700 1 0 500 0\n", Memory(321 * 4096, 700 * 4096, is_estimate=True)),
        ("2250 700 1021 1 0 500 0\n", Memory(0, 1021 * 4096, is_estimate=True)),
        ("0 0 0 0 0 0 0\n", Memory(0, 0, is_estimate=True)),
        ("2250 1021\n", None),
        ("2250 -1 700\n", None),
        ("", None),
    ],
)
def test_what_everybody_may_read_gives_an_estimate(text: str, memory: Memory | None) -> None:
    """Resident, less what is of files."""
    assert kernel_files.parse_statm(text, 4096) == memory


def test_only_listening_sockets_count() -> None:
    """Not an established connection, nor a connected pair."""
    assert kernel_files.parse_listening_tcp(TCP) == {"1482"}
    assert kernel_files.parse_listening_unix(UNIX) == {"1479", "1477"}


def test_this_process_is_read_as_it_is() -> None:
    """The real files of the kernel we run on; what is written to becomes private."""
    stat = processes.read_stat(os.getpid())
    assert stat is not None
    assert (stat.pid, stat.parent, stat.is_dead) == (os.getpid(), os.getppid(), False)
    assert processes.describe(stat).program == os.path.realpath(sys.executable)
    before = processes.read_memory(os.getpid())
    block = bytearray(b"\xa5") * (32 * MIB)
    after = processes.read_memory(os.getpid())
    assert before is not None
    assert after is not None
    assert 31 * MIB < after.private_bytes - before.private_bytes < 40 * MIB
    assert len(block) == 32 * MIB


def test_what_is_gone_holds_nothing() -> None:
    """No process has the id 2**22, the kernel's largest plus one."""
    gone = 1 << 22
    assert processes.read_stat(gone) is None
    assert processes.read_memory(gone) is None
    assert processes.is_listening([gone]) is False


# --- which processes


def stat(pid: int, parent: int = 1, session: int = 0, *, is_dead: bool = False, started: int = 0) -> Stat:
    return Stat(pid=pid, parent=parent, session=session, started_ticks=started, is_dead=is_dead)


def process(pid: int, parent: int, *words: str, program: str = "/usr/bin/python3.12") -> Process:
    return Process(stat=stat(pid, parent), words=words or ("python", "-m", "gunicorn"), program=program)


def workers_in(processes: list[Process], place: str) -> list[set[int]]:
    """The workers of the tree with the root 10."""
    main = tree.find_main(processes, 10)
    return [] if main is None else [set(worker) for worker in tree.find_workers(processes, main, place)]


@pytest.mark.parametrize(
    ("name", "stats", "known", "pids"),
    [
        ("below", [stat(10), stat(11, 10), stat(12, 11), stat(20)], [], [10, 11, 12]),
        ("a child listed before its parent", [stat(5, 12), stat(12, 10), stat(10)], [], [5, 10, 12]),
        ("its session, though init has adopted it", [stat(10), stat(11, 1, 10)], [], [10, 11]),
        ("the root is dead, what is below is not", [stat(10, is_dead=True), stat(11, 10)], [], [11]),
        ("known from before", [stat(10), stat(30, 1, 30, started=7)], [(30, 7)], [10, 30]),
        ("another with the id of a known one", [stat(10), stat(30, 1, 30, started=8)], [(30, 7)], [10]),
        ("nothing is left", [stat(20)], [(10, 0)], []),
        ("a circle the kernel would not make", [stat(10, 11), stat(11, 10)], [], [10, 11]),
    ],
)
def test_what_belongs_to_a_program(
    name: str, stats: list[Stat], known: list[tuple[int, int]], pids: list[int]
) -> None:
    """Its children and theirs, its session, and what was seen before; only the living."""
    found = tree.select_tree(stats, [10], frozenset(known))
    assert [one.pid for one in found] == pids, name


TRACKER = ("python", "-c", "from multiprocessing.resource_tracker import main;main(4)")
FORK_SERVER = ("python", "-c", "from multiprocessing.forkserver import main; main(3)")


@pytest.mark.parametrize(
    ("name", "processes", "below", "itself", "either"),
    [
        ("nothing yet", [], [], [], []),
        ("a master alone", [process(10, 1)], [], [{10}], [{10}]),
        ("a worker", [process(10, 1), process(11, 10)], [{11}], [{10, 11}], [{11}]),
        (
            "two, one with a helper of its own",
            [process(10, 1), process(11, 10), process(12, 10), process(13, 12, "ffmpeg", program="/bin/ffmpeg")],
            [{11}, {12, 13}],
            [{10, 11, 12, 13}],
            [{11}, {12, 13}],
        ),
        (
            "another program is no worker",
            [process(10, 1), process(11, 10, "node", program="/bin/node")],
            [],
            [{10, 11}],
            [{10, 11}],
        ),
        (
            "another user's, whose program is not to be seen",
            [process(10, 1), process(11, 10, "gunicorn: worker", program="")],
            [{11}],
            [{10, 11}],
            [{11}],
        ),
        (
            "a tracker is no worker",
            [process(10, 1), process(11, 10, *TRACKER), process(12, 10)],
            [{12}],
            [{10, 11, 12}],
            [{12}],
        ),
        (
            "what a fork server starts is",
            [process(10, 1), process(11, 10, *FORK_SERVER), process(12, 11)],
            [{12}],
            [{10, 11, 12}],
            [{12}],
        ),
        (
            "below a shell and an init",
            [
                process(10, 1, "tini", "--", "sh", program="/usr/bin/tini"),
                process(11, 10, "/bin/sh", "-c", "gunicorn a:b", program="/bin/dash"),
                process(12, 11),
                process(13, 12),
            ],
            [{13}],
            [{12, 13}],
            [{13}],
        ),
        (
            "below a runner in Python",
            [process(10, 1, "/v/bin/python", "/v/bin/pdm", "run", "gunicorn"), process(11, 10), process(12, 11)],
            [{12}],
            [{11, 12}],
            [{12}],
        ),
        ("a shell that has not started it yet", [process(10, 1, "sh", "-c", "x")], [], [{10}], [{10}]),
        ("a process whose words are gone", [process(10, 1, "")], [], [{10}], [{10}]),
    ],
)
def test_which_processes_are_workers(
    name: str, processes: list[Process], below: list[set[int]], itself: list[set[int]], either: list[set[int]]
) -> None:
    """By where a server has them; each with all below it."""
    found = [workers_in(processes, place) for place in (BELOW, ITSELF, EITHER)]
    assert found == [below, itself, either], name


@pytest.mark.parametrize(
    ("line", "workers", "expected"),
    [
        ("gunicorn app:app", 1, Expected(workers=BELOW, must_listen=True, is_queue=False)),
        (
            "gunicorn -k uvicorn.workers.UvicornWorker a:b",
            1,
            Expected(workers=BELOW, must_listen=True, is_queue=False),
        ),
        ("uvicorn app:app", 1, Expected(workers=ITSELF, must_listen=True, is_queue=False)),
        ("uvicorn --workers 2 app:app", 2, Expected(workers=BELOW, must_listen=True, is_queue=False)),
        ("granian app:app", 1, Expected(workers=EITHER, must_listen=True, is_queue=False)),
        ("hypercorn app:app", 1, Expected(workers=EITHER, must_listen=True, is_queue=False)),
        ("uwsgi app.ini", 1, Expected(workers=EITHER, must_listen=True, is_queue=False)),
        ("celery -A t worker", 1, Expected(workers=BELOW, must_listen=False, is_queue=True)),
        ("celery -A t worker -P threads", 1, Expected(workers=ITSELF, must_listen=False, is_queue=True)),
        ("rq worker", 1, Expected(workers=ITSELF, must_listen=False, is_queue=True)),
        ("rq worker-pool", 1, Expected(workers=BELOW, must_listen=False, is_queue=True)),
        ("dramatiq t", 1, Expected(workers=BELOW, must_listen=False, is_queue=True)),
        ("python app.py", 1, Expected(workers=ITSELF, must_listen=False, is_queue=False)),
        ("./server", 1, Expected(workers=ITSELF, must_listen=False, is_queue=False)),
    ],
)
def test_what_is_waited_for(line: str, workers: int, expected: Expected) -> None:
    """By the server, and by how many workers it has."""
    assert expect(recognise(tuple(line.split()), {}, NoFiles()), workers) == expected


# --- figures


def test_the_largest_worker_counts_and_the_rest_is_shared() -> None:
    """A master's own memory is there once; what is shared is counted by its parts."""
    memories = {
        1: Memory(10 * MIB, 4 * MIB),
        2: Memory(20 * MIB, 3 * MIB, 7 * MIB),
        3: Memory(30 * MIB, 3 * MIB, 5 * MIB),
        4: Memory(5 * MIB, 1 * MIB, 1 * MIB),
    }
    size = tree.add_up(memories, [frozenset({2}), frozenset({3, 4})])
    assert size == tree.Size(
        worker_bytes=35 * MIB, inherited_bytes=6 * MIB, shared_bytes=21 * MIB, workers=2, is_estimate=False
    )


def test_an_estimate_counts_what_is_shared_once() -> None:
    """It is not divided among those that share it."""
    memories = {1: Memory(10, 5, is_estimate=True), 2: Memory(20, 7, is_estimate=True)}
    size = tree.add_up(memories, [frozenset({2})])
    assert size == tree.Size(worker_bytes=20, inherited_bytes=0, shared_bytes=17, workers=1, is_estimate=True)


def test_a_worker_that_has_just_ended_has_no_size() -> None:
    """Nor has a program that has none yet."""
    assert tree.add_up({1: Memory(1, 1)}, [frozenset({2})]) is None
    assert tree.add_up({1: Memory(1, 1)}, []) is None


def test_rest_is_when_nothing_changes() -> None:
    """It begins anew with another worker, or with more than 1 % and 256 KiB of change since it began."""
    two = (frozenset({2}),)
    first = Look(seconds=0, workers=two, private_bytes=100 * MIB)
    assert tree.rest_since(None, first) is first
    for change, begins_anew in ((0, False), (MIB, False), (-MIB, False), (MIB + 1, True), (-MIB - 1, True)):
        now = Look(seconds=1, workers=two, private_bytes=100 * MIB + change)
        assert tree.rest_since(first, now) is (now if begins_anew else first), change
    small = Look(seconds=0, workers=two, private_bytes=MIB)
    now = Look(seconds=1, workers=two, private_bytes=MIB + 256 * KIB)
    assert tree.rest_since(small, now) is small
    other = Look(seconds=1, workers=(frozenset({3}),), private_bytes=100 * MIB)
    assert tree.rest_since(first, other) is other


@pytest.mark.parametrize(("seconds", "rest_seconds"), [(1, 0.5), (5, 1), (10, 2), (3600, 2)])
def test_how_long_it_must_rest(seconds: float, rest_seconds: float) -> None:
    """A fifth of the time to measure, from half a second to two."""
    assert patience_for(seconds).rest_seconds == rest_seconds
