"""Measuring a worker: the kernel's files, which process is a worker, and that nothing outlives it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.files import NoFiles
from cgtune.measuring import kernel_files, processes, tree
from cgtune.measuring.kernel_files import Memory, Stat
from cgtune.measuring.measurement import patience_for
from cgtune.measuring.tree import BELOW, EITHER, ITSELF, Expected, Look, Process, expect
from cgtune.runtimes import recognise
from tests.unit.command import COMMAND, DEADLINE_SECONDS, PACKAGE, PLAIN, call, complaint

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
        (ROLLUP, Memory(private_bytes=21000 * KIB, shared_part_bytes=9000 * KIB, inherited_bytes=12000 * KIB)),
        # smaps has a block of these lines for each mapping.
        (ROLLUP * 2, Memory(private_bytes=42000 * KIB, shared_part_bytes=18000 * KIB, inherited_bytes=24000 * KIB)),
        # Dirty pages of files are no anonymous ones.
        (
            ROLLUP.replace("32000", "10000"),
            Memory(private_bytes=21000 * KIB, shared_part_bytes=9000 * KIB, inherited_bytes=0),
        ),
        # An old kernel, or gVisor, does not tell of anonymous memory.
        (
            ROLLUP.replace("Anonymous", "Unknown"),
            Memory(private_bytes=21000 * KIB, shared_part_bytes=9000 * KIB, inherited_bytes=0),
        ),
        (ROLLUP.replace("Pss:", "Other:"), None),
        (ROLLUP.replace("Private_Dirty:", "Other:"), None),
        (ROLLUP.replace("20000", "many"), None),
        ("", None),
    ],
)
def test_private_memory_is_what_nobody_else_has(text: str, memory: Memory | None) -> None:
    """Clean and dirty; inherited is anonymous memory that is not private."""
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


# --- programs, started and stopped


# In a process of its own: a measuring process takes every orphan for its program's.
_DRIVER = """
import json, os, sys
sys.path.insert(0, {tree!r})
from cgtune.errors import CgtuneError
from cgtune.measuring.measurement import Patience, measure
from cgtune.measuring.program import Interrupted, started
from cgtune.measuring.tree import Expected
argv, patience, expected = json.loads(sys.argv[1])
patience = Patience(**patience)
try:
    with started(argv, dict(os.environ), patience.grace_seconds) as program:
        found = measure(program, Expected(**expected), patience, lambda line: print(line, file=sys.stderr))
    said = dict(at_rest=found.is_at_rest, alone=found.is_alone, ready=found.ready_seconds, samples=len(found.samples),
                worker=found.size.worker_bytes, shared=found.size.shared_bytes, workers=found.size.workers)
except CgtuneError as error:
    said = dict(error=str(error), code=error.exit_code)
print(json.dumps(said))
"""


@dataclass(frozen=True)
class Driven:
    """What a measurement in a process of its own gave."""

    result: dict[str, float]
    error: str | None
    seconds: float
    stderr: str


def drive(code: str, folder: Path, *, place: str = ITSELF, must_listen: bool = False, **patience: float) -> Driven:
    """Measure `python -c code` in short steps; `ready(name)` in the code leaves its process id in a file."""
    prelude = "import mmap, os, signal, socket, subprocess, sys, time\n"
    prelude += "def ready(name): open(name + '.part', 'w').write(str(os.getpid())); os.rename(name + '.part', name)\n"
    steps = {"seconds": 0.05, "rest_seconds": 0.05, "between_seconds": 0.01, "grace_seconds": 0.1, **patience}
    expected = {"workers": place, "must_listen": must_listen, "is_queue": not must_listen}
    driver = _DRIVER.format(tree=str(PACKAGE.parent))
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", driver, json.dumps([[sys.executable, "-c", prelude + code], steps, expected])],
        env=PLAIN,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    return Driven(result, result.get("error"), time.monotonic() - begun, done.stderr)


def is_alive(folder: Path, name: str) -> bool:
    """Whether the process that called `ready(name)` lives."""
    found = processes.read_stat(int((folder / name).read_text()))
    return found is not None and not found.is_dead


def test_a_program_that_is_one_process_is_measured_whole(tmp_path: Path) -> None:
    """Written memory counts, memory only asked for does not; it is gone afterwards."""
    code = "kept = bytearray(b'x') * (30 << 20); asked = mmap.mmap(-1, 500 << 20); ready('main'); time.sleep(1000)"
    driven = drive(code, tmp_path, rest_seconds=0.2)
    assert 30 * MIB < driven.result["worker"] < 45 * MIB
    assert (driven.result["at_rest"], driven.result["alone"], driven.result["samples"]) == (True, True, 3)
    assert not is_alive(tmp_path, "main")


def test_a_worker_is_told_from_its_master(tmp_path: Path) -> None:
    """The master's 20 MiB are shared, of which the child inherits the pages; its own 30 are its private ones."""
    code = (
        "master = bytearray(b'x') * (20 << 20)\n"
        "if os.fork() == 0:\n"
        "    own = bytearray(b'y') * (30 << 20); ready('worker'); time.sleep(1000)\n"
        "time.sleep(1000)"
    )
    driven = drive(code, tmp_path, place=BELOW, rest_seconds=0.2)
    assert 30 * MIB < driven.result["worker"] < 40 * MIB
    assert 20 * MIB < driven.result["shared"] < 40 * MIB
    assert not driven.result["alone"]
    assert not is_alive(tmp_path, "worker")


def test_it_is_not_ready_before_its_worker_is(tmp_path: Path) -> None:
    """A master that listens, and rests, while its worker has not been started yet."""
    code = (
        "listening = socket.create_server(('127.0.0.1', 0))\n"
        "time.sleep(0.2)\n"
        "if os.fork() == 0:\n"
        "    own = bytearray(b'y') * (30 << 20); time.sleep(1000)\n"
        "time.sleep(1000)"
    )
    driven = drive(code, tmp_path, place=BELOW, must_listen=True, rest_seconds=0.2)
    assert driven.result["ready"] >= 0.2
    assert 30 * MIB < driven.result["worker"] < 40 * MIB


@pytest.mark.parametrize("kind", ["socket.create_server(('127.0.0.1', 0))", "unix()"])
def test_a_web_server_is_not_ready_before_it_listens(tmp_path: Path, kind: str) -> None:
    """On a TCP or a unix socket; it may rest before as long as it likes."""
    code = (
        "def unix():\n"
        "    made = socket.socket(socket.AF_UNIX); made.bind('s'); made.listen(); return made\n"
        f"time.sleep(0.2); listening = {kind}; time.sleep(1000)"
    )
    driven = drive(code, tmp_path, must_listen=True)
    assert driven.result["ready"] >= 0.2


def test_a_web_server_that_never_listens_is_told(tmp_path: Path) -> None:
    """Established connections, and sockets that are only bound, are no service."""
    code = "bound = socket.socket(); bound.bind(('127.0.0.1', 0)); time.sleep(1000)"
    never = drive(code, tmp_path, must_listen=True, ready_seconds=0.2)
    assert never.error == "it does not listen 0.2 s after its start"


def test_one_that_never_rests_is_measured_as_it_is(tmp_path: Path) -> None:
    """And the result says so."""
    code = "kept = []\nwhile True: kept.append(bytearray(b'x') * (1 << 20)); time.sleep(0.02)"
    driven = drive(code, tmp_path, ready_seconds=0.2, rest_seconds=0.2)
    assert not driven.result["at_rest"]
    assert "not at rest" in driven.stderr


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("sys.exit(3)", "it ended before it was ready, with exit code 3; what it said is above"),
        ("pass", "it ended before it was ready, with exit code 0; measure needs one that stays, in the foreground"),
        ("os.kill(os.getpid(), 9)", "signal 9 ended it before it was ready; was there too little memory?"),
        ("os.kill(os.getpid(), 15)", "signal 15 ended it before it was ready"),
        ("import nowhere", "it ended before it was ready, with exit code 1; what it said is above"),
    ],
)
def test_one_that_ends_at_once_is_told(tmp_path: Path, code: str, error: str) -> None:
    """Within a second, whatever there was to wait for; its own output is there."""
    driven = drive(code, tmp_path, must_listen=True)
    assert driven.error == error
    assert driven.seconds < 5
    assert ("nowhere" in driven.stderr) is ("nowhere" in code)


def test_one_that_ends_while_it_is_measured_is_told_at_once(tmp_path: Path) -> None:
    """Not only when the time is over."""
    driven = drive("time.sleep(0.3); sys.exit(4)", tmp_path, seconds=60.0)
    assert driven.error == "it ended while it was measured, with exit code 4; what it said is above"
    assert driven.seconds < 10


def test_a_program_without_a_worker_is_told(tmp_path: Path) -> None:
    """A master that starts none."""
    never = drive("time.sleep(1000)", tmp_path, place=BELOW, ready_seconds=0.2)
    assert never.error == "no worker of it is there 0.2 s after its start"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (
            "a worker that ignores SIGTERM",
            "if os.fork() == 0: signal.signal(15, signal.SIG_IGN); ready('last'); time.sleep(1000)\ntime.sleep(1000)",
        ),
        (
            "a program that is stopped",
            (
                "if os.fork() == 0: ready('last'); os.kill(os.getppid(), signal.SIGSTOP); time.sleep(1000)\n"
                "time.sleep(1000)"
            ),
        ),
        (
            "a daemon in a session of its own, its parents gone",
            (
                "if os.fork() == 0:\n"
                "    os.setsid()\n"
                "    if os.fork() == 0: ready('last'); time.sleep(1000)\n"
                "    os._exit(0)\n"
                "os.wait(); time.sleep(1000)"
            ),
        ),
        (
            "the same, of a program that is gone itself",
            (
                "if os.fork() == 0:\n"
                "    os.setsid()\n"
                "    if os.fork() == 0: signal.signal(15, signal.SIG_IGN); ready('last'); time.sleep(1000)\n"
                "    os._exit(0)\n"
                "os.wait()"
            ),
        ),
        (
            "one that starts another when it is told to end",
            (
                "def again(*_):\n"
                "    if os.fork() == 0: signal.signal(15, signal.SIG_IGN); ready('last'); time.sleep(1000)\n"
                "    os._exit(0)\n"
                "signal.signal(15, again); ready('last'); time.sleep(1000)"
            ),
        ),
    ],
)
def test_nothing_outlives_a_measurement(tmp_path: Path, name: str, code: str) -> None:
    """Whatever it does to stay: what cannot be asked to end is killed."""
    drive(code, tmp_path)
    assert not is_alive(tmp_path, "last"), name


def test_one_that_ends_in_order_is_given_the_time(tmp_path: Path) -> None:
    """SIGTERM comes first, to the program alone: it ends its own workers."""
    code = (
        "worker = subprocess.Popen([sys.executable, '-c', 'import signal, time\\n'\n"
        '    \'signal.signal(15, lambda *_: open("told", "w")); time.sleep(1000)\'])\n'
        "def end(*_):\n"
        "    time.sleep(0.1); worker.kill(); ready('ended'); os._exit(0)\n"
        "signal.signal(15, end); time.sleep(1000)"
    )
    drive(code, tmp_path, grace_seconds=30.0)
    assert (tmp_path / "ended").exists()
    assert not (tmp_path / "told").exists()


# --- the command


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ([], 2, "no command to measure"),
        (["--"], 2, "no command to measure"),
        (["--seconds", "0", "--", "true"], 2, "--seconds: '0' is not a number of seconds from 1 to 3600"),
        (["--workers", "2", "--", "true"], 2, "no such option --workers"),
        (["--", "cgtune", "run", "--", "gunicorn"], 2, "measure takes the program itself"),
        (["--", "no-such-program"], 127, "no-such-program: not found in PATH"),
        (["--", "/no/such/program"], 127, "/no/such/program: not found"),
        (["--", "/etc/passwd"], 126, "/etc/passwd: Permission denied"),
        (["--", ""], 127, "the command is empty"),
    ],
)
def test_what_cannot_be_measured_is_one_line(words: list[str], code: int, says: str) -> None:
    """With the exit code that `run` has for it."""
    done = call("measure", *words)
    assert done.returncode == code
    assert complaint(done).startswith(says)
    assert done.stdout == ""


def test_a_program_that_fails_is_125_after_its_own_words() -> None:
    """Its output comes first, on stderr, also what it wrote to stdout."""
    done = call("measure", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout) == (125, "")
    assert done.stderr.splitlines() == [
        "cgtune: starting sh; what it says follows",
        "out",
        "err",
        "cgtune: sh: it ended before it was ready, with exit code 3; what it said is above",
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_all_it_has_started(tmp_path: Path, number: int) -> None:
    """128 + its number, no result, and nobody left: a second one cuts the waiting short."""
    code = "import os, signal, time\nsignal.signal(15, signal.SIG_IGN)\nopen('pid', 'w').write(str(os.getpid()))\n"
    code += "os.rename('pid', 'main')\ntime.sleep(1000)"
    measuring = subprocess.Popen(
        [*COMMAND, "measure", "--", sys.executable, "-c", code],
        env=PLAIN,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
    try:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not (tmp_path / "main").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert is_alive(tmp_path, "main")
        begun = time.monotonic()
        # The first is taken before the second comes: else they would be one.
        for _ in range(200):
            measuring.send_signal(number)
            try:
                measuring.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue
            break
        assert measuring.returncode == 128 + number
        assert time.monotonic() - begun < 9  # less than the ten seconds a program has to end
        assert measuring.stdout is not None
        assert measuring.stdout.read() == ""
        assert not is_alive(tmp_path, "main")
    finally:
        measuring.kill()
        measuring.wait()
        assert measuring.stdout is not None
        measuring.stdout.close()
