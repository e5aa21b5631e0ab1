"""Exit codes: the program's own, 127 not found, 126 not executable, 125 cgtune failed, 2 usage; one line each."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from cgtune import __version__
from cgtune.__main__ import main
from cgtune.errors import CgtuneError, CommandNotExecutable, CommandNotFound, UsageError, describe
from tests.unit.command import COMMAND, PACKAGE, call, complaint, write_program

SOME_CODES = sorted({*range(6), *range(0, 256, 17), 124, 125, 126, 127, 128, 129, 130, 137, 143, 254, 255})


def test_the_programs_exit_code_is_the_commands() -> None:
    """Also where the code is one that cgtune itself would use."""
    for code in SOME_CODES:
        done = call("run", "--", "sh", "-c", f"exit {code}")
        assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.parametrize("number", [1, 9, 13, 15])
def test_a_program_ended_by_a_signal_is_seen_to_be(number: int) -> None:
    """cgtune is gone by then: whoever waits sees the signal itself."""
    assert call("run", "--", "sh", "-c", f"kill -{number} $$").returncode == -number


NOT_FOUND: dict[str, tuple[list[str], dict[str, str], str]] = {
    "a name": (["no-such-program"], {}, "no-such-program: not found in PATH"),
    "a path": (["/no/such/program"], {}, "/no/such/program: not found"),
    "a path through a file": (["/etc/passwd/program"], {}, "/etc/passwd/program: not found"),
    "a folder that ends in nothing": (["./no-such-folder/"], {}, "./no-such-folder/: not found"),
    "the empty string": ([""], {}, "the command is empty"),
    "a lone dash": (["-"], {}, "-: not found in PATH"),
    "an empty PATH": (["env"], {"PATH": ""}, "env: not found in PATH"),
    "a PATH of empty entries": (["env"], {"PATH": ":::"}, "env: not found in PATH"),
    "a PATH through a file": (["env"], {"PATH": "/etc/passwd"}, "env: not found in PATH"),
    "line breaks and colours": (["a\nb\x1b[31m\r"], {}, "a\\nb\\x1b[31m\\r: not found in PATH"),
    "bytes that are no text": (["\udcff"], {}, "\\xff: not found in PATH"),
}


@pytest.mark.parametrize("case", NOT_FOUND)
def test_not_found_is_127_and_one_short_line(case: str, tmp_path: Path) -> None:
    """Whatever the name holds, and without the whole PATH."""
    words, environment, expected = NOT_FOUND[case]
    done = call("run", "--", *words, environment=environment, directory=tmp_path)
    assert (complaint(done), done.returncode) == (expected, 127)


def test_a_very_long_name_gives_no_very_long_line(tmp_path: Path) -> None:
    """The line is cut; the code is the kernel's word for such a name."""
    done = call("run", "--", "x" * 100_000, directory=tmp_path)
    assert done.returncode in (126, 127)
    assert len(done.stderr) < 1100
    assert done.stderr.count("\n") == 1


def test_without_a_path_the_systems_own_is_searched() -> None:
    """PATH unset: `env` is found in the place that the system looks at then, as execvp does."""
    unset = call("-i", *COMMAND, "run", "--", "env", python=["/usr/bin/env"])
    assert (unset.returncode, unset.stderr) == (0, "")
    gone = call("-i", *COMMAND, "run", "--", "no-such-program", python=["/usr/bin/env"])
    assert gone.returncode == 127


def test_an_empty_path_entry_is_this_folder(tmp_path: Path) -> None:
    """As every shell has it; the control is a PATH without one."""
    write_program(tmp_path / "mine", "#!/bin/sh\nexit 7\n")
    assert call("run", "--", "mine", environment={"PATH": "/no/such/folder:"}, directory=tmp_path).returncode == 7
    assert call("run", "--", "mine", environment={"PATH": "/no/such/folder"}, directory=tmp_path).returncode == 127


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files that are there and cannot be executed as they are."""
    (tmp_path / "plain").write_text("no program\n")
    (tmp_path / "directory").mkdir()
    write_program(tmp_path / "broken-elf", "\x7fELF\x02\x01\x01\0\0\0 of nothing")
    write_program(tmp_path / "orphan", "#!/no/such/interpreter -x\nexit 0\n")
    write_program(tmp_path / "shell-script", 'echo "$0 $*"; exit 3\n')
    write_program(tmp_path / "empty", "")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("plain", "Permission denied"),
        ("directory", "Permission denied"),
        ("broken-elf", "Exec format error"),
    ],
)
@pytest.mark.parametrize("is_in_path", [False, True], ids=["by path", "in PATH"])
def test_what_is_there_and_cannot_be_executed_is_126(folder: Path, name: str, reason: str, is_in_path: bool) -> None:
    """A file without the permission, a folder, a broken binary; found by its path or in PATH."""
    word = name if is_in_path else f"./{name}"
    environment = {"PATH": str(folder)} if is_in_path else {}
    done = call("run", "--", word, directory=folder, environment=environment)
    assert (complaint(done), done.returncode) == (f"{word}: {reason}", 126)


def test_a_later_path_entry_helps(folder: Path) -> None:
    """What cannot be executed does not hide a program further on in PATH."""
    write_program(folder / "later" / "plain", "#!/bin/sh\nexit 9\n")
    write_program(folder / "later" / "orphan", "#!/bin/sh\nexit 8\n")
    environment = {"PATH": f"{folder}:{folder / 'later'}"}
    assert call("run", "--", "plain", environment=environment).returncode == 9
    assert call("run", "--", "orphan", environment=environment).returncode == 8


@pytest.mark.parametrize("is_in_path", [False, True], ids=["by path", "in PATH"])
def test_a_missing_interpreter_is_named(folder: Path, is_in_path: bool) -> None:
    """127, as the shells have it, but not "not found" of a file that is there."""
    word = "orphan" if is_in_path else "./orphan"
    done = call("run", "--", word, directory=folder, environment={"PATH": str(folder)} if is_in_path else {})
    assert complaint(done) == f"{word}: its interpreter /no/such/interpreter -x is missing"
    assert done.returncode == 127


def test_a_script_without_an_interpreter_line_runs_by_sh(folder: Path) -> None:
    """As execvp(3) does it, with its arguments; an empty one succeeds."""
    done = call("run", "--", "./shell-script", "a", "b c", directory=folder)
    assert (done.returncode, done.stdout, done.stderr) == (3, "./shell-script a b c\n", "")
    assert call("run", "--", "./empty", directory=folder).returncode == 0


USAGE: dict[str, tuple[list[str], str]] = {
    "no command": ([], "no command: "),
    "an unknown command": (["inspekt"], "no such command inspekt (did you mean inspect?)"),
    "nothing like a command": (["zzz"], "no such command zzz; cgtune --help lists them"),
    "an unknown option before the command": (["--wrong"], "no such option --wrong; cgtune --help lists them"),
    "run without a program": (["run"], "no command to run: "),
    "run with nothing after --": (["run", "--quiet", "--"], "no command to run: "),
    "an unknown option": (["run", "--wokers", "3", "true"], "no such option --wokers (did you mean --workers?)"),
    "nothing like an option": (["run", "--zzz", "true"], "no such option --zzz; cgtune run --help lists them"),
    "another command's option": (["run", "--json", "true"], "no such option --json"),
    "the name of no short form": (["run", "-None", "true"], "no such option -None"),
    "no value": (["run", "--workers"], "--workers needs a value: --workers auto|keep|N"),
    "an empty value": (["run", "--workers=", "true"], "--workers: '' is not auto, keep or a number"),
    "a wrong value": (["run", "--cpu-limit", "lots", "true"], "--cpu-limit: 'lots' is no CPU quantity"),
    "an infinite value": (["run", "--memory-limit", "1e999", "true"], "--memory-limit: '1e999' is out of range"),
    "the end of options as a value": (["run", "--workers", "--", "true"], "--workers: '--' is not auto"),
    "a value for a flag": (["run", "--exec=yes", "true"], "--exec takes no value"),
    "inspect with an argument": (["inspect", "stray"], "inspect takes no arguments: stray"),
    "a root that is not there": (["inspect", "--root", "/no/such/root"], "--root /no/such/root: no such directory"),
    "a root that is a file": (["inspect", "--root", "/etc/passwd"], "--root /etc/passwd: not a directory"),
    "an empty root": (["inspect", "--root="], "--root : no such directory"),
    "a line break in an option": (["run", "--a\nb"], "no such option --a\\nb"),
}


@pytest.mark.parametrize("case", USAGE)
def test_wrong_use_is_2_and_one_line(case: str) -> None:
    """Flags are strict, and the line says what to do; nothing is started and stdout stays empty."""
    words, expected = USAGE[case]
    if case == "an unknown option before the command":
        pytest.importorskip("click", reason="only run and inspect work without click")
    done = call(*words)
    assert complaint(done).startswith(expected)
    assert (done.returncode, done.stdout) == (2, "")


def test_each_error_has_its_exit_code() -> None:
    """The table of the documentation."""
    codes = {kind: kind.exit_code for kind in (CgtuneError, UsageError, CommandNotFound, CommandNotExecutable)}
    assert codes == {CgtuneError: 125, UsageError: 2, CommandNotFound: 127, CommandNotExecutable: 126}


def test_a_fault_of_ours_is_125_and_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not a traceback: what happened and where, ready for a report."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError("a planted\nfault")

    monkeypatch.setattr("cgtune.cli.inspect.read_limits", fail)
    assert main(["inspect"]) == 125
    error = capfd.readouterr().err
    assert error.startswith("cgtune: a fault in cgtune: ZeroDivisionError: a planted\\nfault at test_errors")
    assert error.count("\n") == 1


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while cgtune still looks around: 128 + SIGINT, in silence."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cgtune.cli.inspect.read_limits", interrupt)
    assert main(["inspect"]) == 130


def test_a_fault_is_described_with_its_deepest_place() -> None:
    """The innermost frame is named; an error that was never raised has none."""

    def deep() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError) as caught:
        deep()
    line = deep.__code__.co_firstlineno + 1
    assert describe(caught.value) == f"KeyError: 'x' at {os.path.basename(__file__)}:{line}"
    assert describe(ValueError("y")) == "ValueError: y"


@pytest.mark.parametrize("word", ["--help", "-h", "help", "--version", "-V", "version"])
def test_asking_for_help_is_no_error(word: str) -> None:
    """Help and version go to stdout, with exit code 0; as an option, as a letter and as a command."""
    is_version = word in ("--version", "-V", "version")
    if not is_version:
        pytest.importorskip("click", reason="only run and inspect work without click")
    done = call(word)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"cgtune {__version__}\n" if is_version else "Usage: cgtune ")


@pytest.mark.parametrize("command", ["run", "inspect", "plan", "measure", "completion"])
def test_help_may_stand_in_front_of_a_command(command: str) -> None:
    """`help run` is `run --help`; of a command that there is not, it is exit code 2."""
    done = call("help", command)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", call(command, "--help").stdout)
    assert done.stdout.startswith(f"usage: cgtune {command} ")
    wrong = call("help", f"{command}s")
    assert (wrong.returncode, complaint(wrong)) == (2, f"no such command {command}s (did you mean {command}?)")


def test_python_dash_m_is_the_same_command() -> None:
    """`python -m cgtune` gives the program's exit code as well."""
    environment = {"PYTHONPATH": str(PACKAGE.parent)}
    done = call("run", "--", "sh", "-c", "exit 5", python=[sys.executable, "-m", "cgtune"], environment=environment)
    assert (done.returncode, done.stderr) == (5, "")
