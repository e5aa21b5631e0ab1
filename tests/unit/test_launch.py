"""The program starts as if nobody had stood before it: arguments, variables, signals, descriptors, place, pid."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cgtune.marker import strip
from tests.unit.command import COMMAND, DEADLINE_SECONDS, PLAIN, call, shell, write_program

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

CAT = shutil.which("cat") or "/bin/cat"


def start(*words: str | bytes, variables: dict[str, str], block: int | None = None) -> bytes:
    """What a command printed that had exactly these variables, and perhaps one signal blocked."""

    def block_signal() -> None:
        if block is not None:
            signal.pthread_sigmask(signal.SIG_BLOCK, {block})

    done = subprocess.run(
        words, env=variables, capture_output=True, timeout=DEADLINE_SECONDS, check=True, preexec_fn=block_signal
    )
    return done.stdout


def entries(environ: bytes) -> dict[bytes, bytes]:
    """The variables in the kernel's record of a start."""
    return dict(entry.split(b"=", 1) for entry in environ.split(b"\0") if entry)


VARIABLES: dict[str, dict[str, str]] = {
    "none at all": {},
    "the C locale by LANG": {"LANG": "C"},
    "the C locale by LC_CTYPE": {"LC_CTYPE": "C"},
    "POSIX": {"LC_CTYPE": "POSIX", "LANG": "C.UTF-8"},
    "what Python would set": {"LC_CTYPE": "C.UTF-8"},
    "the C locale by LC_ALL": {"LC_ALL": "C"},
    "LC_ALL over LC_CTYPE": {"LC_ALL": "C", "LC_CTYPE": "C.UTF-8"},
    "an empty LC_ALL": {"LC_ALL": ""},
    "UTF-8 mode": {"PYTHONUTF8": "1"},
    "UTF-8 mode and LC_CTYPE": {"PYTHONUTF8": "1", "LC_CTYPE": "C.UTF-8"},
    "no UTF-8 mode": {"PYTHONUTF8": "0"},
    "no coercion": {"PYTHONCOERCECLOCALE": "0"},
    "a locale that does not exist": {"LANG": "xx_XX.UTF-8"},
    "a UTF-8 locale": {"LANG": "C.UTF-8"},
    "bytes that are no text": {"LANG": "C.UTF-8", "X": "\udcff\udc80"},
    "bytes that are no text, in C": {"X": "\udcff\udc80"},
    "unusual names and values": {"a.b-c": "1", "EMPTY": "", "LINES": "a\nb", "EQUALS": "a=b="},
    "what matters to Python": {"PYTHONSTARTUP": "/no/such", "PYTHONINSPECT": "1", "PYTHONHASHSEED": "7"},
    "switched off": {"CGTUNE": "off"},
    "switched off, with LC_CTYPE": {"CGTUNE": "off", "LC_CTYPE": "C.UTF-8"},
    "switched off, LC_ALL over LC_CTYPE": {"CGTUNE": "off", "LC_ALL": "C", "LC_CTYPE": "C.UTF-8"},
}


@pytest.mark.parametrize("case", VARIABLES)
def test_an_unknown_programs_variables_are_untouched(case: str) -> None:
    """Byte for byte but for what it is told, also in the C locale, where Python sets LC_CTYPE for itself."""
    program = (CAT, "/proc/self/environ")
    direct = start(*program, variables=VARIABLES[case])
    through = start(*COMMAND, "run", *program, variables=VARIABLES[case]).split(b"\0")
    assert sorted(entry for entry in through if not entry.startswith(b"CGTUNE_PLAN")) == sorted(direct.split(b"\0"))


@pytest.fixture
def gunicorn(tmp_path: Path) -> str:
    """A program of that name that prints the files it is given; its own text comes first."""
    return str(write_program(tmp_path / "gunicorn", f"#!{CAT}\n"))


@pytest.mark.parametrize("case", [case for case in VARIABLES if "CGTUNE" not in VARIABLES[case]])
def test_a_known_programs_variables_are_untouched_but_for_the_plan(case: str, gunicorn: str) -> None:
    """What the plan sets comes on top, and nothing else does."""
    variables = VARIABLES[case]
    words = ("run", "--quiet", gunicorn, "/proc/self/environ")
    seen = entries(start(*COMMAND, *words, variables=variables).removeprefix(f"#!{CAT}\n".encode()))
    text = {os.fsdecode(name): os.fsdecode(value) for name, value in seen.items()}
    assert "CGTUNE_PLAN" in text
    before = {os.fsencode(name): os.fsencode(value) for name, value in strip(text).items()}
    assert before == entries(start(CAT, "/proc/self/environ", variables=variables))


def test_pythons_own_variable_would_be_seen() -> None:
    """The control: a bare Python in the C locale hands LC_CTYPE on."""
    code = "import os; os.execv(os.sys.argv[1], os.sys.argv[1:])"
    seen = entries(start(sys.executable, "-c", code, CAT, "/proc/self/environ", variables={}))
    assert seen == {b"LC_CTYPE": b"C.UTF-8"}


def test_a_variable_without_a_name_does_not_keep_the_program_from_starting() -> None:
    """exec with such a variable is refused by Python; it is left out."""
    done = call("=x", "A=1", *COMMAND, "run", "--", CAT, "/proc/self/environ", python=["env", "-i"])
    kept = [entry for entry in done.stdout.split("\0") if not entry.startswith("CGTUNE_PLAN")]
    assert (done.returncode, kept, done.stderr) == (0, ["A=1", ""], "")


def test_arguments_arrive_byte_for_byte() -> None:
    """Empty ones, options after the program's name, line breaks, bytes that are no text, in any locale."""
    words = (
        b"-c",
        b"cat /proc/$$/cmdline",
        b"",
        b"--workers",
        b"-h",
        b"--",
        b"a\nb",
        b"\xff\xfe",
        "ü€".encode(),
        b"$(X)",
    )
    direct = b"sh\0" + b"\0".join(words) + b"\0"
    for variables in ({}, {"LC_ALL": "C"}, {"LC_ALL": "C.UTF-8"}, {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}):
        path = {"PATH": PLAIN["PATH"]}
        assert start(*COMMAND, "run", "--", "sh", *words, variables={**variables, **path}) == direct


def signals(status: bytes) -> dict[bytes, bytes]:
    """The signal masks in a process's status: blocked, ignored, caught."""
    lines = (line.split(b":\t") for line in status.splitlines() if line.startswith(b"Sig"))
    return {name: mask for name, mask in lines if name in (b"SigBlk", b"SigIgn", b"SigCgt")}


@pytest.mark.parametrize("block", [None, signal.SIGUSR1])
def test_signals_are_as_the_caller_has_them(block: int | None) -> None:
    """Nothing more is ignored or blocked than without cgtune, SIGPIPE among it; a caller's own mask is kept."""
    program = (CAT, "/proc/self/status")
    direct = signals(start(*program, variables=PLAIN, block=block))
    assert len(direct) == 3
    assert signals(start(*COMMAND, "run", *program, variables=PLAIN, block=block)) == direct


def test_pythons_ignored_signals_would_be_seen() -> None:
    """The control: a bare Python hands on an ignored SIGPIPE and SIGXFSZ."""
    code = "import os; os.execv(os.sys.argv[1], os.sys.argv[1:])"
    program = (CAT, "/proc/self/status")
    direct = int(signals(start(*program, variables=PLAIN))[b"SigIgn"], 16)
    ignored = int(signals(start(sys.executable, "-c", code, *program, variables=PLAIN))[b"SigIgn"], 16)
    assert ignored & ~direct == 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)


def test_what_nohup_ignores_stays_ignored() -> None:
    """A disposition that the caller set is the program's."""
    done = shell("trap '' HUP INT; cgtune run -- cat /proc/self/status")
    ignored = int(signals(done.stdout.encode())[b"SigIgn"], 16)
    expected = 1 << (signal.SIGHUP - 1) | 1 << (signal.SIGINT - 1)
    assert ignored & expected == expected


def test_a_writer_whose_reader_leaves_ends() -> None:
    """`yes | head` ends, by SIGPIPE."""
    done = shell("{ cgtune run -- yes; echo $? >&2; } | head -n 1")
    assert (done.stdout, done.stderr) == ("y\n", f"{128 + signal.SIGPIPE}\n")


def test_descriptors_are_the_callers_and_no_others() -> None:
    """An inherited one stays open with its number; none of ours leaks, for an unknown and for a known program."""
    reader, writer = os.pipe()
    kept = 37
    os.dup2(reader, kept)
    try:
        os.write(writer, b"through\n")
        os.close(writer)
        listing = ("ls", "/proc/self/fd")
        direct = call(*listing, pass_fds=[kept], python=["env"])
        assert str(kept) in direct.stdout.split()
        assert call("run", *listing, pass_fds=[kept]).stdout == direct.stdout
        assert call("run", "cat", f"/proc/self/fd/{kept}", pass_fds=[kept]).stdout == "through\n"
    finally:
        os.close(reader)
        os.close(kept)


def test_none_of_the_planners_descriptors_reach_the_program(tmp_path: Path) -> None:
    """Nor after a whole detection for a program that is planned for."""
    program = write_program(tmp_path / "gunicorn", "#!/bin/sh\nexec ls /proc/self/fd\n")
    assert call("run", "-q", program).stdout == call(program, python=["env"]).stdout


def test_stdin_is_the_programs() -> None:
    """Not a byte of it is read before."""
    assert shell("echo one | cgtune run -- cat").stdout == "one\n"


def test_the_folder_and_what_else_is_inherited_stays(tmp_path: Path) -> None:
    """Working folder, umask, nice value and resource limits."""
    script = "pwd -P; umask; nice; ulimit -n; ulimit -c"
    words = ("-c", f"umask 027; ulimit -n 99; nice -n 3 \"$@\" sh -c '{script}'", "sh")
    direct = call(*words, python=["sh"], directory=tmp_path)
    ours = call(*words, *COMMAND, "run", "--", python=["sh"], directory=tmp_path)
    assert ours.stdout == direct.stdout
    assert ours.stdout.startswith(f"{tmp_path.resolve()}\n0027\n3\n99\n")


def test_the_process_is_the_same() -> None:
    """An exec, not a child: who started cgtune has started the program."""
    with subprocess.Popen(
        [*COMMAND, "run", "--", "sh", "-c", "echo $$"], env=PLAIN, stdout=subprocess.PIPE
    ) as started:
        output, _ = started.communicate(timeout=DEADLINE_SECONDS)
    assert int(output) == started.pid


def test_a_nested_cgtune_is_handed_over_to_in_silence(gunicorn: str) -> None:
    """The inner one plans, once."""
    folder = Path(gunicorn).parent
    write_program(folder / "cgtune", f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n')
    done = call("run", str(folder / "cgtune"), "run", gunicorn)
    once = call("run", gunicorn)
    assert (done.returncode, done.stderr) == (0, once.stderr)
    assert "WEB_CONCURRENCY" in once.stderr
