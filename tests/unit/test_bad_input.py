"""Closed streams, no /proc, hostile surroundings: one line at most, never a traceback, the program starts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import unavailable
from tests.unit.command import COMMAND, DEADLINE_SECONDS, PACKAGE, PLAIN, call, complaint, shell, write_program

LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc and /dev/full")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that is planned for, so that cgtune reads a lot and has much to say; it leaves a mark."""
    return write_program(tmp_path / "gunicorn", '#!/bin/sh\n: >"$(dirname "$0")/started"\nexit 6\n')


def has_started(program: Path) -> bool:
    """Whether it ran, once more."""
    mark = program.parent / "started"
    was_there = mark.exists()
    mark.unlink(missing_ok=True)
    return was_there


STREAMS = ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"]


@pytest.mark.parametrize("streams", STREAMS)
def test_closed_streams_do_not_keep_the_program_from_starting(streams: str, program: Path) -> None:
    """In all combinations, with its own exit code, and nothing of Python's on what is left open."""
    done = shell(
        f'exec 3>"$2"; cgtune run -- "$1" {streams}; echo $? >&3', str(program), str(program.parent / "code")
    )
    assert (program.parent / "code").read_text() == "6\n"
    assert has_started(program)
    assert all(line.startswith("cgtune: ") for line in done.stderr.splitlines())
    assert done.stdout == ""


@pytest.mark.parametrize("streams", STREAMS)
def test_closed_streams_leave_the_right_exit_code(streams: str) -> None:
    """Not found stays 127, wrong use 2; only what had to be printed and could not be is 125."""
    assert shell(f"cgtune run -- no-such-program {streams}").returncode == 127
    assert shell(f"cgtune run --wrong {streams}").returncode == 2
    done = shell(f"cgtune inspect {streams}")
    assert done.returncode == (125 if ">&-" in streams.replace("2>&-", "") else 0)
    assert "Traceback" not in done.stderr


@LINUX_ONLY
@pytest.mark.parametrize("command", ["inspect", "inspect --json", "run --help", "--version"])
def test_a_full_disk_is_said(command: str) -> None:
    """What cannot be written is no success."""
    done = shell(f"cgtune {command} >/dev/full")
    assert (complaint(done), done.returncode) == ("cannot write to stdout: No space left on device", 125)


def test_a_reader_that_has_gone_is_no_fault() -> None:
    """`inspect | true`: silence, and the exit code of SIGPIPE."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [*COMMAND, "inspect"], env=PLAIN, stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@LINUX_ONLY
def test_a_full_stderr_disk_does_not_matter(program: Path) -> None:
    """What cannot be said is left unsaid."""
    assert shell('cgtune run -- "$1" 2>/dev/full', str(program)).returncode == 6
    assert has_started(program)
    assert shell("cgtune run -- no-such-program 2>/dev/full").returncode == 127


def start_with_stderr(stderr: int, *words: str | Path) -> int:
    """The exit code of cgtune with this stderr."""
    return subprocess.run(
        [*COMMAND, *words], env=PLAIN, stderr=stderr, stdout=subprocess.DEVNULL, timeout=DEADLINE_SECONDS, check=False
    ).returncode


def test_a_stderr_nobody_reads_any_more_does_not_matter(program: Path) -> None:
    """A pipe whose reader has gone: the program starts, and not found is 127, no death by SIGPIPE."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert start_with_stderr(writer, "run", program) == 6
        assert has_started(program)
        assert start_with_stderr(writer, "run", "no-such-program") == 127
        assert start_with_stderr(writer, "run", "--wrong") == 2
    finally:
        os.close(writer)


def fill(pipe: int) -> None:
    """Write until not a byte more goes in, and leave it blocking, as pipes are."""
    os.set_blocking(pipe, False)
    for size in (4096, 1):
        try:
            while True:
                os.write(pipe, b"x" * size)
        except BlockingIOError:
            continue
    os.set_blocking(pipe, True)


def test_a_stderr_that_is_full_does_not_block(program: Path) -> None:
    """A pipe that nobody empties: the program would start without us, so it starts with us."""
    reader, writer = os.pipe()
    try:
        fill(writer)
        assert start_with_stderr(writer, "run", program) == 6
        assert has_started(program)
    finally:
        os.close(reader)
        os.close(writer)


def in_own_mounts(hide: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run cgtune with an empty file system over each of these folders."""
    mounts = " && ".join(f"mount -t tmpfs none {folder}" for folder in hide.split())
    probe = call("-m", "sh", "-c", mounts, python=["unshare"]) if shutil.which("unshare") else None
    if probe is None or probe.returncode:
        unavailable("no mount namespace of our own: needs root")
    return call("-m", "sh", "-c", f'{mounts} && exec "$@"', "sh", *COMMAND, *words, python=["unshare"])


@LINUX_ONLY
@pytest.mark.real
@pytest.mark.parametrize("hide", ["/proc", "/sys", "/proc /sys"])
def test_without_kernel_files_the_program_starts(hide: str, program: Path) -> None:
    """No /proc, no /sys, neither: a word about it at most, no number of workers made up from nothing."""
    done = in_own_mounts(hide, "run", program)
    assert (done.returncode, done.stdout) == (6, "")
    assert has_started(program)
    assert all(line.startswith("cgtune: ") for line in done.stderr.splitlines())
    assert in_own_mounts(hide, "run", "no-such-program").returncode == 127
    table = in_own_mounts(hide, "inspect")
    assert (table.returncode, table.stderr) == (0, "")


@LINUX_ONLY
@pytest.mark.real
def test_without_proc_the_c_locale_leaves_no_trace(program: Path) -> None:
    """LC_CTYPE goes also where the kernel's record of our start cannot be read; the user's own stays."""
    cat = shutil.which("env") or "env"
    for variables, expected in (([], ""), (["LC_CTYPE=C.UTF-8"], "LC_CTYPE=C.UTF-8\n")):
        words = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]
        done = call(*words, cat, "-i", *variables, *COMMAND, "run", cat, python=["env"])
        if "unshare failed" in done.stderr or "permission denied" in done.stderr:
            unavailable("no mount namespace of our own: needs root")
        seen = "".join(line for line in done.stdout.splitlines(True) if not line.startswith("CGTUNE_PLAN"))
        assert (seen, done.stderr) == (expected, "")


FAULTS = {
    "plan": "def make_plan(*_):\n    raise RuntimeError('a planted\\nfault')\n",
    "detect": "raise ImportError('a planted fault')\n",
    "config": "def make_config(*_):\n    return None.nothing\n",
    "apply": "syntax error here\n",
    "command_line": "raise ImportError('a planted fault')\n",
    "config_file": "def load_config(*_):\n    return None.nothing\n",
    "planning": "import no_such_module\n",
}


@pytest.mark.parametrize("module", FAULTS)
def test_a_fault_of_ours_does_not_keep_the_program_from_starting(module: str, program: Path, tmp_path: Path) -> None:
    """A broken copy of cgtune: one line that names the fault, then the program with the environment it has."""
    copy = tmp_path / "copy"
    shutil.copytree(PACKAGE, copy / "cgtune", ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / "cgtune" / f"{module}.py").open("a", encoding="utf-8") as file:
        file.write(FAULTS[module])
    python = [sys.executable, "-m", "cgtune"]
    done = call("run", "./gunicorn", python=python, environment={"PYTHONPATH": str(copy)}, directory=program.parent)
    assert done.returncode == 6
    assert has_started(program)
    assert complaint(done).startswith("cannot plan (")
    assert complaint(done).endswith("; starting ./gunicorn as it is")


ALIAS_BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (name, name, b",".join([b"*%c" % (name - 1)] * 9)) for name in b"bcdefghi"
)
# What a config file may hold, and the start of what is said of it; "" where nothing is wrong.
CONFIGS = {
    "empty": (b"", ""),
    "a list": (b"- list\n", "FILE:1: not a mapping of keys to values; ignored"),
    "100 MB": (b"#" * 100_000_000, "CGTUNE_CONFIG: FILE: larger than 1 MiB; ignored"),
    "not UTF-8": (b"workers: \xff\n", "FILE:1: not UTF-8; ignored"),
    "an alias bomb": (ALIAS_BOMB, "FILE:1: anchors and aliases are not read here; ignored"),
    "100,000 brackets": (b"a: " + b"[" * 100_000, "FILE:1: nested deeper than 20; ignored"),
    "a program": (b"\x7fELF\x02\x01\x01\0\0\0", "FILE:1: no YAML: a control character; ignored"),
    "NaN": (b"cpu_limit: .nan\n", "FILE:1: cpu_limit: '.nan' is no CPU quantity; "),
    "negative": (b"worker_memory: -1\n", "FILE:1: worker_memory: '-1' is out of range for a size; ignored"),
    "10**30": (
        b"max_workers: 1" + b"0" * 30,
        "FILE:1: max_workers: '1000000000000000000000000000000' is not a number ",
    ),
    "infinite": (b"memory_limit: 1e999\n", "FILE:1: memory_limit: '1e999' is out of range for a size; ignored"),
    "contradictory": (
        b"workers: 9\nmax_workers: 2\n",
        "FILE:2: --workers 9 is above --max-workers 2 (from FILE:1); ",
    ),
    "a typo": (b"wrkers: 9\n", "FILE:1: wrkers: no such key (did you mean workers?); ignored"),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_no_config_file_keeps_the_program_from_starting(case: str, program: Path, tmp_path: Path) -> None:
    """One line at most, which names the file and its line, and the program starts; strict, it does not."""
    pytest.importorskip("yaml", reason="only a config file needs PyYAML")
    content, expected = CONFIGS[case]
    (tmp_path / "FILE").write_bytes(content)
    environment = {"CGTUNE_CONFIG": "FILE"}
    done = call("run", "-q", program, environment=environment, directory=tmp_path)
    assert (done.returncode, has_started(program)) == (6, True)
    if not expected:
        assert done.stderr == ""
        return
    assert complaint(done).startswith(expected)
    strict = call("run", "-q", "--strict", program, environment=environment, directory=tmp_path)
    assert (strict.returncode, has_started(program)) == (2, False)
    assert complaint(strict) == complaint(done).removesuffix("; ignored")


@pytest.mark.parametrize("case", ["a folder", "missing", "unreadable"])
def test_no_config_path_keeps_the_program_from_starting(case: str, program: Path, tmp_path: Path) -> None:
    """Named by a variable it is one warning; named by a flag, exit code 2, and nothing starts."""
    path = tmp_path / "config.yaml"
    user: list[str] = []
    if case == "a folder":
        path.mkdir()
    if case == "unreadable":
        path.write_text("workers: 3\n")
        path.chmod(0)
        if os.getuid() == 0:
            # Root reads whatever it likes, unless it gives that up.
            user = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
            if shutil.which("setpriv") is None:
                unavailable("root, and no setpriv to give up its rights")
    done = call(*COMMAND, "run", "-q", program, python=user or ["env"], environment={"CGTUNE_CONFIG": str(path)})
    assert (done.returncode, has_started(program)) == (6, True)
    assert complaint(done).startswith(f"CGTUNE_CONFIG: {path}: ")
    done = call(*COMMAND, "run", "-q", "--config", path, program, python=user or ["env"])
    assert (done.returncode, has_started(program)) == (2, False)
    assert complaint(done).startswith(f"--config: {path}: ")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder of modules that must never become ours."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in ("json", "typing", "enum", "re", "errno", "click", "select", "difflib", "cgtune", "collections"):
        (folder / f"{name}.py").write_text("raise SystemExit('a stray module was imported')\n", encoding="utf-8")
    return folder


def test_the_working_folder_is_no_place_for_our_modules(hostile: Path) -> None:
    """cgtune started where a json.py and a cgtune.py lie does not import them."""
    for words in (("run", "--", "true"), ("inspect", "--json"), ("inspect",), ("run", "--help"), ("--version",)):
        done = call(*words, directory=hostile)
        assert (done.returncode, done.stderr) == (0, ""), words
    assert call("run", "--wrong", "true", directory=hostile).returncode == 2


def test_run_imports_nothing_that_pythonpath_may_hide(program: Path, hostile: Path) -> None:
    """PYTHONPATH is the program's: what it may spoil there does not reach us, with a config and with words to say."""
    (hostile / "config.yaml").write_text("workers: 3\nwrokers: 4\n", encoding="utf-8")
    for words in (("-q",), (), ("--config", str(hostile / "config.yaml"))):
        (program.parent / "started").unlink(missing_ok=True)
        done = call("run", *words, program, environment={"PYTHONPATH": str(hostile)})
        assert (done.returncode, "stray" in done.stderr) == (6, False), done.stderr
        assert has_started(program)
    assert call("run", "--wrong", "true", environment={"PYTHONPATH": str(hostile)}).returncode == 2
    assert call("plan", "--json", "x", environment={"PYTHONPATH": str(hostile)}).stderr == ""


def test_pythons_own_variables_do_not_reach_us(program: Path, hostile: Path) -> None:
    """A startup file and the wish for a prompt are for interactive Pythons; the program still sees them."""
    startup = hostile / "json.py"
    environment = {"PYTHONSTARTUP": str(startup), "PYTHONINSPECT": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = call("run", "-q", program, environment=environment)
    assert (done.returncode, done.stdout, done.stderr) == (6, "", "")
