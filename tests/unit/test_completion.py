"""The completion scripts, in the shells themselves: bash always, zsh and fish where they are installed."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from cgtune.cli.completion import make_script
from cgtune.cli.group import COMMANDS
from cgtune.options import OPTIONS
from tests.unit.command import DEADLINE_SECONDS, PLAIN, call, complaint

SHELLS = ["bash", *(shell for shell in ("zsh", "fish") if shutil.which(shell))]
INTERACTIVE = [shell for shell in SHELLS if shell != "fish"]
# Bash takes a word apart at each of these.
BREAKS = " =:"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder with files and a program of their own names."""
    (tmp_path / "zz-file.yaml").touch()
    (tmp_path / "zz folder").mkdir()
    program = tmp_path / "bin" / "zz-program"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for shell in SHELLS:
        (tmp_path / f"script.{shell}").write_text(make_script(shell), encoding="utf-8")
    return tmp_path


def environment_in(folder: Path) -> dict[str, str]:
    """A shell with no settings of a user's, and the program in its PATH."""
    return {**PLAIN, "PATH": f"{folder}/bin:{PLAIN['PATH']}", "HOME": str(folder), "TERM": "dumb", "PS1": "> "}


def complete_in_bash(folder: Path, line: str, breaks: str = BREAKS) -> list[str]:
    """What bash's function answers, given the words as bash would split the line."""
    words = [""]
    for char in line:
        if char == " ":
            words.append("")
        elif char in breaks:
            words += [char, ""] if words[-1] else ["", ""]
        else:
            words[-1] += char
    if "=" in breaks and len(words) > 1 and words[-1] == "" and words[-2] == "=":
        words.pop()
    script = (
        f'source ./script.bash; COMP_WORDS=("$@"); COMP_CWORD={len(words) - 1}; '
        '_cgtune; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", *words],
        cwd=folder,
        env=environment_in(folder),
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_SECONDS,
        check=True,
    )
    return done.stdout.split("\n")[:-1] if done.stdout != "\n" else []


def complete_in_fish(folder: Path, line: str) -> list[str]:
    """What fish would offer."""
    done = subprocess.run(
        ["fish", "--no-config", "-c", 'source ./script.fish; complete -C "$argv[1]"', line],
        cwd=folder,
        env=environment_in(folder),
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_SECONDS,
        check=True,
    )
    assert done.stderr == ""
    return [found.split("\t")[0] for found in done.stdout.splitlines()]


def complete_by_tab(shell: str, folder: Path, line: str, expected: str) -> str:
    """What an interactive shell shows after this line and the tab key; ends as soon as `expected` is seen."""
    start = {
        "bash": (["bash", "--norc", "-i"], "source ./script.bash; bind 'set bell-style none'"),
        "zsh": (["zsh", "-f", "-i"], "autoload -U compinit; compinit -D -u; source ./script.zsh; setopt no_beep"),
    }
    words, preparation = start[shell]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe(words[0], words, environment_in(folder))
    seen = ""
    try:
        os.write(terminal, f"{preparation}; echo rea''dy\n".encode())
        seen = read_until(terminal, "ready\r\n")
        os.write(terminal, f"{line}\t".encode())
        seen = read_until(terminal, expected)
    finally:
        os.close(terminal)
        # Without its terminal an interactive shell ends.
        os.waitpid(pid, 0)
    return seen


def read_until(terminal: int, expected: str) -> str:
    """What the terminal shows, up to this text or the deadline."""
    seen = ""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while expected not in seen and (left := deadline - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            seen += os.read(terminal, 4096).decode("utf-8", "replace")
    return seen


def complete(shell: str, folder: Path, line: str) -> list[str]:
    """The same question to either of those that answer without a terminal."""
    found = complete_in_bash(folder, line) if shell == "bash" else complete_in_fish(folder, line)
    return sorted(found)


ANSWERING = [shell for shell in SHELLS if shell != "zsh"]
CASES = {
    "commands": ("cgtune ", sorted(COMMANDS)),
    "a command begun": ("cgtune me", ["measure"]),
    "an option begun": ("cgtune run --wor", ["--worker-memory", "--workers"]),
    "an option of another command": ("cgtune run --js", []),
    "its own": ("cgtune inspect --js", ["--json"]),
    "choices": ("cgtune run --workers ", ["auto", "keep"]),
    "a choice begun": ("cgtune run --kind queue-", ["queue-cpu", "queue-io"]),
    "an option behind a value": ("cgtune run --workers 3 --max-w", ["--max-workers"]),
    "an option behind an equals sign": ("cgtune run --workers=3 --max-w", ["--max-workers"]),
    "a value that is free": ("cgtune run --cpu-limit ", []),
    "formats of plan": ("cgtune plan --format d", ["docker", "dotenv"]),
    "the program": ("cgtune run zz-", ["zz-program"]),
    "the program behind an option": ("cgtune run --workers 3 -q zz-", ["zz-program"]),
    "the program behind two dashes": ("cgtune measure -- zz-", ["zz-program"]),
    "its files": ("cgtune run cat zz-f", ["zz-file.yaml"]),
    "its files behind our option's name": ("cgtune run cat --workers zz-f", ["zz-file.yaml"]),
    "no program where none is wanted": ("cgtune inspect zz-", []),
    "a config file": ("cgtune run --config zz-", ["zz-file.yaml"]),
    "shells": ("cgtune completion ", ["bash", "fish", "zsh"]),
}


@pytest.mark.parametrize("shell", ANSWERING)
@pytest.mark.parametrize("case", CASES)
def test_what_is_offered(case: str, shell: str, folder: Path) -> None:
    """Commands, options and choices of the table; then the program, as if it stood alone."""
    line, expected = CASES[case]
    assert complete(shell, folder, line) == expected


@pytest.mark.parametrize("shell", ANSWERING)
@pytest.mark.parametrize("command", ["run", "inspect", "plan", "measure"])
def test_each_command_offers_its_own_options(command: str, shell: str, folder: Path) -> None:
    """All of the table's, and no other's."""
    names = [f"--{option.name}" for option in OPTIONS if command in option.commands]
    assert complete(shell, folder, f"cgtune {command} --") == sorted(names)


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.choices], ids=lambda option: option.name)
@pytest.mark.parametrize("shell", ANSWERING)
def test_each_choice_is_offered(shell: str, option: object, folder: Path) -> None:
    """In both ways of writing."""
    assert isinstance(option, type(OPTIONS[0]))
    command = option.commands[0]
    assert complete(shell, folder, f"cgtune {command} --{option.name} ") == sorted(option.choices)
    joined = complete(shell, folder, f"cgtune {command} --{option.name}=")
    assert [word.removeprefix(f"--{option.name}=") for word in joined] == sorted(option.choices)


def test_bash_that_does_not_break_at_an_equals_sign(folder: Path) -> None:
    """COMP_WORDBREAKS is the user's: then the whole word is completed."""
    assert complete_in_bash(folder, "cgtune run --workers=a", breaks=" ") == ["--workers=auto"]
    assert complete_in_bash(folder, "cgtune run --workers=3 --max-w", breaks=" ") == ["--max-workers"]


def test_bash_hands_the_program_to_its_own_completion(folder: Path) -> None:
    """Where bash-completion is installed, the program's own options are offered."""
    with (folder / "script.bash").open("a") as script:
        script.write('_command_offset() { COMPREPLY=("offset $1"); }\n')
    assert complete_in_bash(folder, "cgtune run --workers 3 -- cat --nu") == ["offset 5"]


TABS = {
    "an option": ("cgtune run --max-w", "--max-workers"),
    "a choice": ("cgtune plan --format kub", "kubernetes"),
    "a choice behind an equals sign": ("cgtune plan --format=kub", "kubernetes"),
    "the program": ("cgtune run -q --workers 3 zz-p", "zz-program"),
    "its file": ("cgtune run -- cat zz-fi", "zz-file.yaml"),
    "a file with a space": ("cgtune run -- cat zz\\ fo", "zz\\ folder"),
    "a setting": ("cgtune run --disable OMP_N", "OMP_NUM_THREADS"),
    "a command": ("cgtune insp", "inspect"),
}


@pytest.mark.parametrize("shell", INTERACTIVE)
@pytest.mark.parametrize("case", TABS)
def test_the_tab_key(case: str, shell: str, folder: Path) -> None:
    """In an interactive shell on a terminal: the line is completed."""
    line, expected = TABS[case]
    assert expected in complete_by_tab(shell, folder, line, expected)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_command_prints_the_script(shell: str) -> None:
    """On stdout, to be sourced."""
    done = call("completion", shell)
    assert (done.returncode, done.stdout, done.stderr) == (0, make_script(shell), "")
    assert not re.search("@[A-Z]", done.stdout), "a part of the template that was not filled in"


@pytest.mark.parametrize("words", [[], ["tcsh"], ["bash", "zsh"], ["--shell", "bash"]])
def test_another_shell_is_refused(words: list[str]) -> None:
    """One line that names those there are."""
    done = call("completion", *words)
    assert complaint(done) == "say for which shell: cgtune completion bash, zsh or fish"
    assert done.returncode == 2


def test_its_help() -> None:
    """Where each script belongs."""
    done = call("completion", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: cgtune completion bash|zsh|fish\n")
