"""`cgtune run`: its options and variables, what it says, and what `CGTUNE=off` means."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from cgtune.cli import run
from cgtune.host import Host
from tests.unit.command import COMMAND, call, write_program


@pytest.fixture
def gunicorn(tmp_path: Path) -> Path:
    """A program of that name that prints its variables, each on a line, and its arguments."""
    return write_program(tmp_path / "gunicorn", '#!/bin/sh\nenv\necho "ARGUMENTS $*"\n')


def variables(output: str) -> dict[str, str]:
    """What the program above printed."""
    return dict(line.split("=", 1) for line in output.splitlines() if "=" in line)


def test_each_figure_is_said_once_on_stderr(gunicorn: Path) -> None:
    """One line a setting with its reason and source; what is said is what is set."""
    done = call("run", "--cpu-limit", "0.5", "--memory-limit", "512Mi", gunicorn)
    lines = done.stderr.splitlines()
    assert len(lines) == len(set(lines))
    said = dict(line.removeprefix("cgtune: ").split(" ", 1)[0].split("=", 1) for line in lines if "=" in line)
    # What goes into the interpreter has names with a dot, and is one variable.
    injected = {name: said.pop(name) for name in list(said) if "." in name}
    seen = variables(done.stdout)
    assert said
    assert {name: seen[name] for name in said} == said
    words = {f"gc={injected['gc.set_threshold']}", f"cpus={injected['os.cpu_count']}"}
    assert set(seen["CGTUNE_INJECT"].split()) == words
    assert "cgtune: OMP_NUM_THREADS=1 (CPU 0.50 shared by 2 workers from --cpu-limit)" in lines
    assert all(len(line) < 160 for line in lines)


def test_quiet_sets_the_same_and_says_nothing(gunicorn: Path) -> None:
    """Also by its short form and its variable; an error is still said."""
    loud = call("run", gunicorn)
    assert loud.stderr
    for words, environment in ((["--quiet"], {}), (["-q"], {}), ([], {"CGTUNE_QUIET": "yes"})):
        quiet = call("run", *words, gunicorn, environment=environment)
        assert quiet.stderr == ""
        seen, expected = variables(quiet.stdout), variables(loud.stdout)
        seen.pop("CGTUNE_QUIET", None)
        assert seen == expected
    assert call("run", "-q", "no-such-program").stderr.startswith("cgtune: no-such-program: not found")


def test_options_end_at_the_program(gunicorn: Path) -> None:
    """What stands behind the first word that is none is the program's own, also what looks like ours."""
    for ours in (["-q"], ["-q", "--"], ["--quiet", "--workers=3", "--"], ["--exec", "-q", "--workers", "3"]):
        done = call("run", *ours, gunicorn, "--quiet", "--workers", "9", "--", "-h", "--wrong")
        assert (done.returncode, done.stderr) == (0, "")
        assert "ARGUMENTS --quiet --workers 9 -- -h --wrong" in done.stdout.splitlines()


def test_a_program_may_be_named_like_an_option(tmp_path: Path) -> None:
    """Behind `--` even a name with a dash is a program."""
    write_program(tmp_path / "--help", "#!/bin/sh\nexit 4\n")
    assert call("run", "--", "--help", environment={"PATH": str(tmp_path)}).returncode == 4


def test_the_users_variables_are_kept(gunicorn: Path) -> None:
    """Each keeps its value, also an empty one, and the line says whose it is."""
    theirs = {"WEB_CONCURRENCY": "7", "OMP_NUM_THREADS": "", "MALLOC_ARENA_MAX": "1"}
    done = call("run", gunicorn, environment=theirs)
    seen = variables(done.stdout)
    assert {name: seen[name] for name in theirs} == theirs
    assert "cgtune: kept WEB_CONCURRENCY=7 (yours)" in done.stderr.splitlines()
    assert "cgtune: kept OMP_NUM_THREADS= (yours)" in done.stderr.splitlines()


def test_workers_from_gunicorns_own_variable_are_not_written_elsewhere(gunicorn: Path) -> None:
    """GUNICORN_CMD_ARGS decides; WEB_CONCURRENCY is not set beside it, and nothing else it holds is said."""
    done = call("run", gunicorn, environment={"GUNICORN_CMD_ARGS": "-w 3 --env TOKEN=secret"})
    assert "WEB_CONCURRENCY" not in variables(done.stdout)
    assert "cgtune: kept --workers=3 (yours, GUNICORN_CMD_ARGS)" in done.stderr.splitlines()
    assert "secret" not in done.stderr


def test_a_placeholder_is_logged_as_it_was_written(gunicorn: Path) -> None:
    """Not as what stands for it while the command line is read."""
    done = call("run", gunicorn, "--threads", "$(CGTUNE_PLAN_THREADS:-4)")
    assert "cgtune: kept --threads=$(CGTUNE_PLAN_THREADS) (yours, command line)" in done.stderr.splitlines()


SERVICE_LINKS = {
    "CGTUNE_SERVICE_HOST": "10.0.0.1",
    "CGTUNE_SERVICE_PORT": "80",
    "CGTUNE_PORT": "tcp://10.0.0.1:80",
    "CGTUNE_PORT_80_TCP": "tcp://10.0.0.1:80",
    "CGTUNE_PORT_80_TCP_PROTO": "tcp",
    "CGTUNE_UNKNOWN": "",
}


def test_kubernetes_service_links_are_harmless(gunicorn: Path) -> None:
    """A service named "cgtune" puts such variables into every pod: no word about them, no change."""
    plain, noisy = call("run", gunicorn), call("run", gunicorn, environment=SERVICE_LINKS)
    assert (noisy.returncode, noisy.stderr) == (0, plain.stderr)
    seen = variables(noisy.stdout)
    assert {name: seen.pop(name) for name in SERVICE_LINKS} == SERVICE_LINKS
    assert seen == variables(plain.stdout)


def test_a_wrong_variable_is_one_warning(gunicorn: Path) -> None:
    """Each is named once and dropped; a right one beside them counts, and the program starts."""
    wrong = {"CGTUNE_CPU_LIMIT": "fast", "CGTUNE_WORKER_MEMORY": "512m", "CGTUNE_EXEC": "perhaps"}
    done = call("run", gunicorn, environment={**wrong, "CGTUNE_WORKERS": "3"})
    assert done.returncode == 0
    assert variables(done.stdout)["WEB_CONCURRENCY"] == "3"
    warnings = [line for line in done.stderr.splitlines() if line.endswith("; ignored")]
    assert [line.removeprefix("cgtune: ").split(":")[0] for line in warnings] == list(wrong)


def test_a_wrong_variable_is_also_said_for_a_program_nothing_is_planned_for() -> None:
    """A typo should not wait for the day the program is recognised."""
    done = call("run", "--", "true", environment={"CGTUNE_WORKERS": "many"})
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert done.stderr.startswith("cgtune: CGTUNE_WORKERS: 'many' is not auto, keep or a number")


def test_a_wrong_flag_starts_nothing(gunicorn: Path) -> None:
    """The control: what a variable may do, a flag may not."""
    done = call("run", "--cpu-limit", "fast", gunicorn)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("word", ["off", "OFF", " off ", "0", "false", "no"])
def test_off_sets_nothing_and_says_nothing(word: str, gunicorn: Path) -> None:
    """The program as it would be without cgtune, apart from the switch itself."""
    done = call("run", "--workers", "3", gunicorn, environment={"CGTUNE": word})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == call(gunicorn, python=["env"], environment={"CGTUNE": word}).stdout


@pytest.mark.parametrize("word", ["on", "1", "", "offf"])
def test_anything_else_is_not_off(word: str, gunicorn: Path) -> None:
    """The control."""
    assert "WEB_CONCURRENCY=3" in call("run", "--workers=3", gunicorn, environment={"CGTUNE": word}).stdout


def test_a_wrong_flag_is_wrong_also_when_switched_off() -> None:
    """The switch is for what cgtune does, not for what it is told."""
    assert call("run", "--wrong", "true", environment={"CGTUNE": "off"}).returncode == 2


@pytest.mark.parametrize(("word", "is_read"), [("off", False), ("on", True)])
def test_off_opens_no_kernel_file(word: str, is_read: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one goes through the door to the machine; the control opens some."""
    opened: list[str] = []

    def spy(_: Host, path: str) -> None:
        opened.append(path)

    def stop(*_: object) -> int:
        return 0

    monkeypatch.setattr(Host, "open", spy)
    monkeypatch.setattr("cgtune.launch.replace_process", stop)
    monkeypatch.setenv("CGTUNE", word)
    assert run.main(["-q", "gunicorn"]) == 0
    assert bool(opened) is is_read


# Not the likes of /proc/sys/vm/overcommit_memory, which the C library's malloc looks at.
KERNEL_FILES = re.compile(r'"/(proc/(self|1|meminfo|version)|sys)\b')


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("strace") is None, reason="needs strace")
def test_off_really_opens_none(tmp_path: Path) -> None:
    """The same, as the kernel sees it."""
    trace = tmp_path / "trace"
    probe = call("-o", os.devnull, "true", python=["strace"])
    if probe.returncode:
        pytest.skip("strace may not trace here")
    opened = {}
    for word in ("off", "on"):
        call(
            "-o",
            trace,
            "-e",
            "trace=open,openat",
            *COMMAND,
            "run",
            "-q",
            "gunicorn",
            python=["strace"],
            environment={"CGTUNE": word},
        )
        opened[word] = [line for line in trace.read_text().splitlines() if KERNEL_FILES.search(line)]
    assert opened["off"] == []
    assert opened["on"]
