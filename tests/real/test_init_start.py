"""The program starts below an init as if it had been started directly: what it sees of itself is the same.

What is compared with is the program without any init, at the same place.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.real.init_cases import CGTUNE, DUMB_INIT, TINI, Init, every_init, everywhere
from tests.real.init_harness import AS_PID_1, BELOW_LAZY, AsPid1, Stage, run
from tests.real.init_processes import parse_status, signals_of, wait_until
from tests.real.init_programs import PYTHON, RECORDER, shell

pytestmark = pytest.mark.real

SIGNAL_LINES = ("SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt")
_STATUS = ("cat", "/proc/self/status")
#: Ignores and blocks signals, then becomes another program.
_SET_SIGNALS = """\
import json, os, signal, sys
ignored, blocked = json.loads(sys.argv[1])
for number in ignored:
    signal.signal(number, signal.SIG_IGN)
for number in (signal.SIGPIPE, signal.SIGXFSZ):
    if number not in ignored:
        signal.signal(number, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
os.execvp(sys.argv[2], sys.argv[2:])
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short-lived folder that everyone may enter."""
    with tempfile.TemporaryDirectory(prefix="init-start-") as path:
        os.chmod(path, 0o755)
        yield Path(path)


def signal_state(
    place: AsPid1, argv: Sequence[str], ignored: Sequence[int], blocked: Sequence[int]
) -> dict[str, str]:
    """The signal lines of a program that is started with these ignored and blocked."""
    start = [*PYTHON, _SET_SIGNALS, json.dumps([ignored, blocked]), *argv]
    code, output, said = run(place, start)
    assert code == 0, said
    status = parse_status(output)
    return {name: status[name] for name in SIGNAL_LINES}


_INHERITED = [
    ([], []),
    ([signal.SIGTTOU, signal.SIGSEGV, signal.SIGINT], [signal.SIGTTIN, signal.SIGILL, signal.SIGTERM]),
    ([signal.SIGHUP, 40], [signal.SIGCHLD, signal.SIGTSTP, 34, 64]),
    ([signal.SIGTERM], [signal.SIGTERM]),
]


@everywhere
@pytest.mark.parametrize("init", [TINI, CGTUNE], ids=str)
@pytest.mark.parametrize(("ignored", "blocked"), _INHERITED)
def test_signals_are_blocked_and_ignored_as_inherited(
    place: AsPid1, init: Init, ignored: list[int], blocked: list[int]
) -> None:
    """What was ignored and blocked when the init was started is so for the program, and nothing else."""
    seen = signal_state(place, init.argv(_STATUS), ignored, blocked)
    assert seen == signal_state(place, _STATUS, ignored, blocked)
    assert signals_of(seen["SigIgn"]) == set(ignored)
    assert signals_of(seen["SigBlk"]) == set(blocked)


@everywhere
def test_an_ignored_sigchld_is_inherited_and_no_hindrance(place: AsPid1) -> None:
    """Where SIGCHLD is ignored the kernel waits for children itself: the end of the program is seen all the same."""
    seen = signal_state(place, CGTUNE.argv(_STATUS), [signal.SIGCHLD], [])
    assert signals_of(seen["SigIgn"]) == {signal.SIGCHLD}


def test_dumb_init_clears_what_was_inherited() -> None:
    """What is known of another is seen: there the program starts with nothing ignored and nothing blocked."""
    seen = signal_state(AS_PID_1, DUMB_INIT.argv(_STATUS), [signal.SIGHUP], [signal.SIGTERM])
    assert signals_of(seen["SigIgn"]) == signals_of(seen["SigBlk"]) == set()


@everywhere
@pytest.mark.parametrize("group", [True, False])
def test_a_group_changes_no_signal(place: AsPid1, group: bool) -> None:
    """Nor do the options: those that stop a job are neither blocked nor ignored."""
    options = ("--stop-timeout", "5", "--signal", "TERM=QUIT", "--pdeathsig", "TERM")
    seen = signal_state(place, CGTUNE.argv(_STATUS, *options, group=group), [], [])
    assert {signals_of(mask) for mask in seen.values()} == {frozenset()}


@every_init
def test_a_broken_pipe_ends_the_program(init: Init) -> None:
    """`yes | head -1` ends: SIGPIPE does what it always does."""
    script = shell('{ "$@"; echo $? >&2; } | head -n 1', *init.argv(["yes"]))
    code, output, said = run(AS_PID_1, script)
    assert (code, output, said.splitlines()[-1]) == (0, "y", str(128 + signal.SIGPIPE))


# The environment and the words

_PATH = {"PATH": "/usr/bin:/bin"}
_ENVIRONMENTS: dict[str, dict[str, str]] = {
    "nothing": {},
    "no locale": {"HOME": "/", **_PATH},
    "the C locale": {"LC_ALL": "C", **_PATH},
    "POSIX": {"LANG": "POSIX", **_PATH},
    "a locale that is not here": {"LANG": "xx_YY.UTF-8", "LC_CTYPE": "xx_YY", **_PATH},
    "what Python would set": {"LC_CTYPE": "C.UTF-8", **_PATH},
    "not UTF-8": {"NAME\udcff": "\udcfe\udc80", **_PATH},
    "odd values": {"EMPTY": "", "LINES": "a\nb\n", "EQUALS": "=a=b", **_PATH},
    "not sorted": {"Z": "1", "A": "2", **_PATH, "M": "3", "_": "/old"},
    "for Python": {"PYTHONPATH": "/nowhere", "PYTHONHASHSEED": "7", "PYTHONUTF8": "1", **_PATH},
    "for systemd": {"NOTIFY_SOCKET": "/run/no", "LISTEN_PID": "4711", **_PATH},
    "a long one": {"LONG": "x" * 100_000, **_PATH},
}
_ENVIRON = ("/bin/cat", "/proc/self/environ")


def bytes_of(place: AsPid1, argv: Sequence[str], given: Mapping[str, str]) -> bytes:
    """What a program writes, in this environment: no shell above adds its own to it."""
    with Stage(place, ["/usr/bin/env", "--ignore-environment", *environment_words(given), *argv]) as stage:
        written = stage.all_bytes()
        assert stage.exit_code() == 0, stage.stderr()
        return written


def environment_words(given: Mapping[str, str]) -> list[str]:
    """For env(1)."""
    return [f"{name}={value}" for name, value in given.items()]


@pytest.mark.parametrize("place", [AS_PID_1, BELOW_LAZY], ids=lambda place: place.name)
@pytest.mark.parametrize("given", _ENVIRONMENTS.values(), ids=list(_ENVIRONMENTS))
def test_the_environment_is_the_same_byte_for_byte(place: AsPid1, given: dict[str, str]) -> None:
    """With nothing to tune, the program's variables are those that cgtune was started with, in their order."""
    given = {**given, "CGTUNE": "off"}
    plain = bytes_of(place, _ENVIRON, given)
    assert plain.count(b"\0") == len(given)
    assert bytes_of(place, CGTUNE.argv(_ENVIRON), given) == plain
    assert bytes_of(place, TINI.argv(_ENVIRON), {**given, **_PATH}) == bytes_of(place, _ENVIRON, {**given, **_PATH})


@pytest.mark.parametrize("given", _ENVIRONMENTS.values(), ids=list(_ENVIRONMENTS))
def test_what_is_tuned_is_all_that_differs(given: dict[str, str]) -> None:
    """With something to tune, the plan's variables are added; those given stay as they were, in order."""
    plain = bytes_of(AS_PID_1, _ENVIRON, given).split(b"\0")
    tuned = bytes_of(AS_PID_1, CGTUNE.argv(_ENVIRON), given).split(b"\0")
    assert [word for word in tuned if word in plain] == plain
    names = [os.fsdecode(word.partition(b"=")[0]) for word in tuned]
    assert len(set(names)) == len(names)
    assert "CGTUNE_PLAN" in names
    assert "LC_CTYPE" in given or "LC_CTYPE" not in names


@every_init
def test_words_reach_the_program_byte_for_byte(init: Init) -> None:
    """Its arguments are the same, whatever they hold: nothing, lines, what is no UTF-8, what a shell would expand."""
    words = ["", "-v", "--", "a\nb", "\udcff\udc80", "$HOME `x` $(y)", "ü", "*"]
    for locale in ("C", "C.UTF-8"):
        given = {"LC_ALL": locale, **_PATH}
        # An own name for the command: printf has no %s for none.
        written = bytes_of(AS_PID_1, init.argv(["printf", "%s\\0", *words]), given)
        assert written == b"".join(os.fsencode(word) + b"\0" for word in words)


# Descriptors, folder, input


def opened(pid: int) -> dict[int, str]:
    """What a process has open, by number."""
    return {int(name): os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")}


def holds(pid: int, name: str, keeps_it: bool) -> bool:
    """Whether it has this open, as it should; and if not, nothing but stdin, stdout and stderr."""
    there = opened(pid)
    return name in there.values() if keeps_it else max(there) <= 2


@everywhere
@pytest.mark.parametrize(("init", "keeps_them"), [(TINI, True), (CGTUNE, False)], ids=str)
def test_descriptors_reach_the_program_alone(place: AsPid1, init: Init, keeps_them: bool) -> None:
    """What is open at the start is open in the program under its number, and cgtune, unlike tini, lets go of it."""
    reading, writing = os.pipe()
    # Above what Python and pytest have open themselves.
    other = fcntl.fcntl(writing, fcntl.F_DUPFD, 200)
    name = os.readlink(f"/proc/self/fd/{writing}")
    seen = {}
    try:
        for about, argv in {"bare": RECORDER, "init": init.argv(RECORDER)}.items():
            with Stage(place, argv, pass_fds=(writing, other)) as stage:
                pid = stage.outside(int(stage.line().split()[1]))
                seen[about] = {number: what for number, what in opened(pid).items() if number > 2}
                if about == "init":
                    assert wait_until(functools.partial(holds, stage.init, name, keeps_them))
    finally:
        for descriptor in (reading, writing, other):
            os.close(descriptor)
    assert seen["init"] == seen["bare"] == {writing: name, other: name}


@everywhere
@pytest.mark.parametrize(("init", "stays"), [(TINI, True), (DUMB_INIT, False), (CGTUNE, False)], ids=str)
def test_the_folder_is_the_programs_alone(place: AsPid1, init: Init, stays: bool, folder: Path) -> None:
    """The program starts where the init was; the init goes to /, so that a mount does not stay busy because of it."""
    with Stage(place, init.argv(RECORDER), cwd=folder) as stage:
        program = stage.outside(int(stage.line().split()[1]))
        assert os.readlink(f"/proc/{program}/cwd") == str(folder)
        where = str(folder) if stays else "/"
        assert wait_until(lambda: os.readlink(f"/proc/{stage.init}/cwd") == where)


@every_init
@everywhere
def test_the_program_reads_the_input(place: AsPid1, init: Init) -> None:
    """What comes in on stdin is the program's, to the last byte; the init reads nothing of it."""
    assert run(place, init.argv(["sh"]), stdin=b"exit 7")[0] == 7
    assert run(place, init.argv(["cat"]), stdin=b"one\ntwo")[1] == "one\ntwo"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors_stay_closed(closed: str) -> None:
    """Who starts it with stdin, stdout or stderr closed gets a program that has them closed."""
    listing = shell('ls -l /proc/self/fd | grep -v "/proc/" | sed -n "s/.* \\([0-9]*\\) -> .*/\\1/p" >"$1"')
    seen = []
    for before in ((), (*CGTUNE.command, "--")):
        with tempfile.NamedTemporaryFile() as file:
            script = shell(f'"$@" {closed}', *before, *listing, file.name)
            code, _, said = run(AS_PID_1, script)
            assert code == 0, said
            seen.append(Path(file.name).read_text())
    assert seen[0] == seen[1]


@everywhere
@pytest.mark.parametrize(("init", "names_it"), [(TINI, False), (CGTUNE, True)], ids=str)
def test_what_systemd_says_names_the_program(place: AsPid1, init: Init, names_it: bool) -> None:
    """LISTEN_PID and WATCHDOG_PID that named the init name the program: else it would not take its sockets."""
    own = shell(
        'export LISTEN_PID=$$ WATCHDOG_PID=$$; exec "$@"', *init.argv(shell("echo $LISTEN_PID $WATCHDOG_PID $$"))
    )
    listen, watchdog, program = run(place, own)[1].split()
    assert listen == watchdog
    assert (listen == program) is names_it
    others = shell(
        'export LISTEN_PID=4711 WATCHDOG_PID=x; exec "$@"', *init.argv(shell("echo $LISTEN_PID $WATCHDOG_PID"))
    )
    assert run(place, others)[1] == "4711 x"


@everywhere
@pytest.mark.parametrize("init", [TINI, CGTUNE], ids=str)
def test_all_else_is_as_inherited(place: AsPid1, init: Init) -> None:
    """File mask, users, capabilities, limits, niceness, CPUs and what else the kernel tells of a process."""
    listing = shell(
        "cat /proc/self/status /proc/self/limits /proc/self/oom_score_adj /proc/self/personality; nice; umask"
    )
    before = "umask 027; ulimit -n 300 -c 0; echo 77 >/proc/self/oom_score_adj; exec nice -n 3 taskset 1 "
    texts = []
    for argv in (listing, init.argv(listing)):
        code, output, said = run(place, shell(before + '"$@"', *argv))
        assert code == 0, said
        texts.append([line for line in output.splitlines() if not line.startswith(_DIFFERS)])
    assert texts[0] == texts[1]
    assert "Umask:\t0027" in texts[0]
    assert texts[0][-2:] == ["3", "0027"]


#: What no two processes have in common.
_DIFFERS = ("Pid:", "PPid:", "NS", "Tgid:", "Ngid:", "Vm", "Rss", "voluntary", "nonvoluntary", "FDSize", "Hugetlb")


# Programs that do not start


def executable(folder: Path, name: str, content: bytes) -> str:
    """The path of an executable file."""
    path = folder / name
    path.write_bytes(content)
    path.chmod(0o755)
    return str(path)


@every_init
@everywhere
def test_a_script_without_an_interpreter_is_for_sh(place: AsPid1, init: Init, folder: Path) -> None:
    """A script without #! is run by sh, as every shell does it."""
    assert run(place, init.argv([executable(folder, "script", b"exit 9\n")]))[0] == 9


@everywhere
def test_what_cannot_be_executed_is_126(place: AsPid1, folder: Path) -> None:
    """A binary of another machine, a folder, a file that may not be executed: 126 and one line, as in a shell."""
    (folder / "plain").write_bytes(b"exit 0\n")
    for path in (executable(folder, "foreign", b"\x7fELF\x02\x01\x01" + b"\0" * 57), folder, folder / "plain"):
        code, output, said = run(place, CGTUNE.argv([str(path)]))
        assert (code, output) == (126, ""), said
        assert said.startswith("cgtune: ")
        assert said.count("\n") == 1


@everywhere
def test_what_is_not_there_is_127(place: AsPid1, folder: Path) -> None:
    """No such program, or none for what its first line names: 127 and one line that says which."""
    script = executable(folder, "script", b"#!/no/such/interpreter\n")
    for program, word in {
        "no-such-program": "no-such-program",
        "/no/such": "/no/such",
        script: "interpreter",
    }.items():
        code, output, said = run(place, CGTUNE.argv([program]))
        assert (code, output) == (127, ""), said
        assert word in said
        assert said.count("\n") == 1


@every_init
def test_a_program_named_like_an_option(init: Init, folder: Path) -> None:
    """Programs named -h, -v, --version are run, for they stand behind the `--`."""
    for name in ("-h", "-s", "-v", "-x", "--version", "--help"):
        executable(folder, name, b"#!/bin/sh\nexit 9\n")
        environment = {"PATH": f"{folder}:/usr/bin:/bin"}
        assert run(AS_PID_1, init.argv([name]), env=environment)[0] == 9


def test_pid_1_stays_by_itself() -> None:
    """As PID 1 no --supervise is needed: the program is another process, and variables do as flags."""
    words = [word for word in CGTUNE.command if word != "--supervise"]
    plain = [*words, "--", *shell("echo $$")]
    assert run(AS_PID_1, plain)[1] != "1"
    assert run(AS_PID_1, [*words, "--exec", "--", *shell("echo $$")])[1] == "1"
    assert run(AS_PID_1, plain, env={**os.environ, "CGTUNE_EXEC": "1"})[1] == "1"
    # Elsewhere it becomes the program, unless told to stay.
    below = shell('"$@"; exit', *words, "--", *shell("echo $PPID"))
    assert run(AS_PID_1, below)[1] == "1"
    assert run(AS_PID_1, below, env={**os.environ, "CGTUNE_SUPERVISE": "1"})[1] != "1"
