"""What is wrong with a config file is said with its line, and never keeps a program from starting."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cgtune.config_file import load_config
from cgtune.errors import UsageError
from tests.unit.command import DEADLINE_SECONDS, PACKAGE
from tests.unit.test_config_file import NOT_WINDOWS

pytestmark = pytest.mark.usefixtures("no_default")

# --- what cannot be read


def make_socket(path: Path) -> None:
    """A file that is no file."""
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(os.path.relpath(path))


def make_nothing(path: Path) -> None:
    """There is no such file."""


def make_large(path: Path) -> None:
    """100 MB that take no place on the disk."""
    with path.open("wb") as file:
        file.truncate(100_000_000)


UNREADABLE: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (make_nothing, "No such file or directory"),
    "a folder": (lambda path: path.mkdir(), "a directory, not a file"),
    "100 MB": (make_large, "larger than 1 MiB"),
    "a FIFO": (os.mkfifo, "not a regular file"),
    "a socket": (make_socket, "not a regular file"),
    "an endless device": (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
    "a dead link": (lambda path: path.symlink_to("nowhere"), "No such file or directory"),
    "a link to itself": (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
}


@NOT_WINDOWS
@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_one_line(
    case: str, tmp_path: Path, no_default: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named by a flag it is an error; by a variable, or as the default, a warning at `run`. None of it hangs."""
    monkeypatch.chdir(tmp_path)
    make, problem = UNREADABLE[case]
    path = tmp_path / "c.yaml"
    make(path)
    for command in ("run", "plan"):
        with pytest.raises(UsageError) as caught:
            load_config(command, {"config": str(path)}, {})
        assert str(caught.value) == f"--config: {path}: {problem}"
    config = load_config("run", {}, {"CGTUNE_CONFIG": str(path), "CGTUNE_WORKERS": "3"})
    assert (config.workers, config.warnings) == (3, (f"CGTUNE_CONFIG: {path}: {problem}",))
    with pytest.raises(UsageError, match=r"^CGTUNE_CONFIG: "):
        load_config("inspect", {}, {"CGTUNE_CONFIG": str(path)})
    if case != "missing":
        no_default.parent.mkdir()
        make(no_default)
        assert load_config("run", {}, {}).warnings == (f"{no_default}: {problem}",)


@NOT_WINDOWS
def test_a_pipe_with_a_writer_is_no_file_either(tmp_path: Path) -> None:
    """`--config <(…)`: nobody waits for what may never come."""
    reader, writer = os.pipe()
    try:
        with pytest.raises(UsageError, match="not a regular file"):
            load_config("run", {"config": f"/dev/fd/{reader}"}, {})
    finally:
        os.close(reader)
        os.close(writer)


def test_a_path_that_is_none(tmp_path: Path) -> None:
    """Empty, through a file, longer than any, or with a NUL."""
    (tmp_path / "file").touch()
    for path in ("", f"{tmp_path}/file/c.yaml", "x" * 10_000, "a\0b"):
        with pytest.raises(UsageError, match=r"^--config: "):
            load_config("run", {"config": path}, {})


@NOT_WINDOWS
@pytest.mark.parametrize("what", ["the file", "its folder"])
def test_a_file_that_may_not_be_read(what: str, tmp_path: Path) -> None:
    """Asked as a user who may not; the same user may read another one."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("secret.yaml", "open.yaml"):
        (folder / name).write_text("workers: 3\n")
    (folder / "secret.yaml").chmod(0o600 if what == "the file" else 0o644)
    code = """if True:
        import os, sys
        sys.path.insert(0, sys.argv[1])
        import cgtune.config_file, cgtune.config_yaml
        if os.getuid() == 0:
            os.chdir(sys.argv[2])
            os.setgid(65534)
            os.setuid(65534)
        for name in sys.argv[3:]:
            print(cgtune.config_file.load_config("run", {}, {"CGTUNE_CONFIG": name}).warnings)
        """
    if what == "its folder":
        folder.chmod(0o700)
    if os.getuid() != 0:
        (folder / "secret.yaml").chmod(0)
    paths = ["secret.yaml", "open.yaml"] if what == "the file" else [str(folder / "secret.yaml")]
    done = subprocess.run(
        [sys.executable, "-c", code, str(PACKAGE.parent), str(folder), *paths],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_SECONDS,
        check=True,
    )
    expected = f"('CGTUNE_CONFIG: {paths[0]}: Permission denied',)\n"
    assert done.stdout == expected + "()\n" * (len(paths) - 1)


# --- strictness


WRONG_LAYERS = {
    "in the file": ("workers: many\n", {}),
    "in the environment": ("", {"CGTUNE_WORKERS": "many"}),
    "a contradiction": ("max_workers: 2\n", {"CGTUNE_WORKERS": "3"}),
}


@pytest.mark.parametrize("case", WRONG_LAYERS)
def test_only_run_goes_on_with_what_is_wrong(case: str, no_default: Path) -> None:
    """A warning there; elsewhere, and with --strict in any form, an error. The library is never strict."""
    text, environment = WRONG_LAYERS[case]
    no_default.parent.mkdir()
    no_default.write_text(text)
    (warning,) = load_config("run", {}, environment).warnings
    for command, flags, more in (
        ("plan", {}, {}),
        ("run", {"strict": True}, {}),
        ("run", {}, {"CGTUNE_STRICT": "on"}),
    ):
        with pytest.raises(UsageError) as caught:
            load_config(command, flags, {**environment, **more})
        assert str(caught.value) == warning
        assert load_config(command, flags, {**environment, **more}, is_lenient=True).warnings == (warning,)
    no_default.write_text(text + "strict: yes\n")
    with pytest.raises(UsageError):
        load_config("run", {}, environment)
    assert load_config("run", {}, {**environment, "CGTUNE_STRICT": "off"}).warnings == (warning,)


# --- PyYAML


def test_yaml_is_loaded_with_a_file_only(tmp_path: Path) -> None:
    """It costs more than a bare start; the control has a file."""
    code = """if True:
        import sys
        sys.path.insert(0, sys.argv[1])
        from cgtune.config_file import load_config
        flags = {"config": sys.argv[2]} if sys.argv[2:] else {}
        load_config("run", flags, {})
        print("yaml" in sys.modules)
        """
    (tmp_path / "c.yaml").write_text("workers: 3\n")
    for words, expected in (([], "False\n"), ([str(tmp_path / "c.yaml")], "True\n")):
        done = subprocess.run(
            [sys.executable, "-c", code, str(PACKAGE.parent), *words],
            capture_output=True,
            encoding="utf-8",
            timeout=DEADLINE_SECONDS,
            check=True,
        )
        assert done.stdout == expected


def test_without_pyyaml_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning at `run`, with what else was said; an error elsewhere."""
    monkeypatch.delitem(sys.modules, "cgtune.config_yaml")
    monkeypatch.setitem(sys.modules, "yaml", None)
    (tmp_path / "c.yaml").write_text("workers: 3\n")
    flags, line = (
        {"config": str(tmp_path / "c.yaml")},
        f"{tmp_path}/c.yaml: a config file needs PyYAML: pip install PyYAML",
    )
    config = load_config("run", flags, {"CGTUNE_THREADS": "4"})
    assert (config.threads, config.warnings) == (4, (line,))
    with pytest.raises(UsageError) as caught:
        load_config("inspect", flags, {})
    assert str(caught.value) == line
