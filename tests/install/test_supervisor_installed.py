"""The supervisor finds its package wherever it was installed, though it starts with -I and -S, which find nothing."""

from __future__ import annotations

import os
import sys
import zipapp
import zipfile
from pathlib import Path

import pytest

from tests.install.installers import INSTALLERS, call, clean_environment, empty_environment, tool
from tests.support import unavailable

if sys.platform != "linux":
    pytest.skip("the supervisor is Linux only", allow_module_level=True)

# What a program sees above itself: the supervisor's name, and the options of its Python. It is there before that one.
ABOVE = "n=0; until grep -qx cgtune /proc/$PPID/comm || [ $n = 1000 ]; do n=$((n + 1)); sleep 0.01; done; "
ABOVE += 'cat /proc/$PPID/comm; tr "\\0" " " </proc/$PPID/cmdline | cut -d" " -f 2-3; echo "$LEFT"'


@pytest.fixture(scope="module")
def wheel() -> Path:
    """The wheel that this very environment was installed from: `scripts/setup` keeps it."""
    wheels = list(Path(sys.prefix, "wheel").glob("cgtune-*.whl"))
    assert len(wheels) == 1, "run `make setup` and pytest of .venv"
    return wheels[0]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the work tree, whose package `-m` would find."""
    monkeypatch.chdir(tmp_path)


def supervise(*command: str | Path, **variables: str) -> list[str]:
    """The lines that a program prints about who is above it."""
    words: list[str | Path] = [*command, "run", "-q", "--supervise", "--", "sh", "-c", ABOVE]
    return call(*words, environment={"LEFT": "as it was", **variables}).splitlines()


AS_BUILT = ["cgtune", "-I -S", "as it was"]


def test_in_a_virtual_environment(wheel: Path, tmp_path: Path) -> None:
    """The usual place."""
    assert supervise(INSTALLERS["pip-no-deps"](wheel, tmp_path / "env").command) == AS_BUILT


def test_in_a_users_own_folder(wheel: Path, tmp_path: Path) -> None:
    """`pip install --user`, by the Python that virtual environments are made from."""
    python = Path(sys.base_prefix, "bin/python3")
    variables = {"PYTHONUSERBASE": str(tmp_path), "PIP_BREAK_SYSTEM_PACKAGES": "1"}
    pip: list[str | Path] = [tool("pip") / "python", "-m", "pip", "--python", python]
    try:
        call(*pip, "install", "--user", "--no-deps", "--quiet", "--no-index", wheel, environment=variables)
    except AssertionError as error:
        unavailable(f"this Python has no folder of users' own: {error}")
    assert supervise(tmp_path / "bin/cgtune", PYTHONUSERBASE=str(tmp_path)) == AS_BUILT


def test_on_pythonpath(wheel: Path, tmp_path: Path) -> None:
    """`pip install --target`, and a folder whose name is no plain word."""
    folder = tmp_path / "a folder 'é'"
    pip: list[str | Path] = [tool("pip") / "python", "-m", "pip", "--python", sys.executable]
    call(*pip, "install", "--target", folder, "--no-deps", "--quiet", "--no-index", wheel)
    python = empty_environment(tmp_path / "env")
    assert supervise(python, "-m", "cgtune", PYTHONPATH=str(folder)) == AS_BUILT
    # An entry relative to where we are, which is not where the supervisor will be.
    assert supervise(python, "-m", "cgtune", PYTHONPATH=folder.name) == AS_BUILT


def test_in_a_zip_file(wheel: Path, tmp_path: Path) -> None:
    """As `python -m zipapp` makes one."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "tree", [name for name in archive.namelist() if name.startswith("cgtune/")])
    zipapp.create_archive(tmp_path / "tree", tmp_path / "cgtune.pyz", main="cgtune.__main__:main")
    python = empty_environment(tmp_path / "env")
    assert supervise(python, tmp_path / "cgtune.pyz") == AS_BUILT


def test_where_pythonhome_says_where_the_standard_library_is(wheel: Path, tmp_path: Path) -> None:
    """That must not be ignored, as -I would; the program has it too. What lies where it is started is not ours."""
    installed = INSTALLERS["pip-no-deps"](wheel, tmp_path / "env")
    for name in ("cgtune.py", "__future__.py"):
        (tmp_path / name).write_text("raise SystemExit('taken from the working directory')")
    home = {"PYTHONHOME": sys.base_prefix, "PYTHONPATH": str(next((tmp_path / "env/lib").glob("*/site-packages")))}
    assert supervise(installed.command, **home) == ["cgtune", "-s -S", "as it was"]
    words: list[str | Path] = [installed.command, "run", "-q", "--supervise", "--", "printenv", "PYTHONHOME"]
    assert call(*words, environment=home) == f"{sys.base_prefix}\n"


def test_a_python_that_cannot_be_started_again_stays_as_it_is(wheel: Path, tmp_path: Path) -> None:
    """In more memory, with one line about it; without an executable at all it becomes the program."""
    installed = INSTALLERS["pip-no-deps"](wheel, tmp_path / "env")
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF no program")
    broken.chmod(0o755)
    for executable, said in (
        (str(broken), f"cgtune: cannot become smaller: {broken}: Exec format error"),
        ("", "cgtune: cannot supervise (--supervise): this Python does not know its own executable"),
    ):
        code = f"import sys; sys.executable = {executable!r}; from cgtune.__main__ import main; sys.exit(main())"
        words = ["run", "-q", "--supervise", "--", "sh", "-c", "echo hello; exit 7"]
        with open(tmp_path / "said", "w+", encoding="utf-8") as file:
            pid = os.posix_spawn(
                installed.python,
                [str(installed.python), "-c", code, *words],
                clean_environment(),
                file_actions=[(os.POSIX_SPAWN_DUP2, file.fileno(), 1), (os.POSIX_SPAWN_DUP2, file.fileno(), 2)],
            )
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
            file.seek(0)
            text = file.read()
        assert text.startswith(said)
        assert text.endswith("hello\n")
