"""Beside others who want to be at an interpreter's start: each of them is there as without us."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from cgtune import injection
from lab import pythons
from tests.support import unavailable
from tests.unit.command import PACKAGE
from tests.unit.test_injection import GC, LOOK, PYTHON, STRAY, end, said, start

pytestmark = pytest.mark.usefixtures("takes_thresholds")

# --- the next sitecustomize

NEXT = {
    "module": {"sitecustomize.py": "import sys\nx = __file__\nprint('next', __name__, sorted(sys.argv))\n"},
    "package": {"sitecustomize/__init__.py": "from . import part\nx = __path__\nprint('next', part.y)\n"}
    | {"sitecustomize/part.py": "y = __name__\n"},
    "fails": {"sitecustomize.py": "raise RuntimeError('from the next one')\n"},
    "misses a module": {"sitecustomize.py": "import no_such_module\n"},
    "pretends not to be there": {"sitecustomize.py": "raise ImportError('no', name='sitecustomize')\n"},
    "is no Python": {"sitecustomize.py": "def\n"},
    "exits": {"sitecustomize.py": "raise SystemExit('and that was all')\n"},
    "is interrupted": {"sitecustomize.py": "raise KeyboardInterrupt\n"},
    "replaces itself": {"sitecustomize.py": "import sys\nsys.modules[__name__] = type(sys)('other')\n"},
    "removes itself": {"sitecustomize.py": "import sys\ndel sys.modules[__name__]\n"},
    "changes thresholds": {"sitecustomize.py": "import gc\nprint(gc.set_threshold(1000, 11, 12))\n"},
    "chains itself": {
        "sitecustomize.py": (
            "import os, sys\nsys.path.remove(os.path.dirname(__file__))\ndel sys.modules['sitecustomize']\n"
            "try:\n    import sitecustomize\nexcept ImportError:\n    print('none left')\n"
            "    sys.modules['sitecustomize'] = type(sys)('mine')\n"
        )
    },
    "none": {},
}


def lay_out(folder: Path, files: dict[str, str]) -> Path:
    """Write these files."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize("case", NEXT)
@pytest.mark.parametrize("is_first", [True, False], ids=["ours first", "ours second"])
def test_the_next_sitecustomize_does_not_notice(case: str, is_first: bool, tmp_path: Path) -> None:
    """Output, errors and exit code are those without us; so are the modules and the paths."""
    folder = lay_out(tmp_path / "site", NEXT[case])
    path: list[str | Path] = [injection.INJECTION_DIR, folder] if is_first else [folder, injection.INJECTION_DIR]
    code = LOOK.replace("sorted(sys.modules)", "sorted(set(sys.modules) - {'_cgtune_inject', 'gc'})")
    with_us = start("-c", code, path=path)
    without = start("-c", code, path=[folder])
    if is_first:
        assert end(with_us) == end(without)
    else:
        # One that does not chain leaves our folder where it is, unseen.
        stdout = with_us.stdout.replace(f', "{injection.INJECTION_DIR}"', "")
        assert (with_us.returncode, stdout, end(with_us)[2]) == end(without)


def test_a_failing_one_is_reported_as_ever(tmp_path: Path) -> None:
    """The control of the above: Python prints what it always prints."""
    folder = lay_out(tmp_path, NEXT["fails"])
    done = start("-c", GC, path=[injection.INJECTION_DIR, folder])
    assert done.stdout == "54321\n"
    assert "Error in sitecustomize" in done.stderr
    assert "RuntimeError: from the next one" in done.stderr


def test_who_imports_sitecustomize_later_does_not_get_ours() -> None:
    """As without us."""
    code = "import sitecustomize; print(sitecustomize.__file__)"
    done = start("-c", code)
    assert end(done) == end(start("-c", code, path=[], inject=None))
    assert injection.INJECTION_DIR not in done.stdout


def test_two_of_us_do_it_once(tmp_path: Path) -> None:
    """A cgtune within another's, each with a folder of its own."""
    other = tmp_path / "cgtune"
    shutil.copytree(PACKAGE / "injection", other / "injection", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PACKAGE / "tuning.py", other)
    path: list[str | Path] = [injection.INJECTION_DIR, other / "injection/pythonpath"]
    done = start(
        "-c", f"{GC}; import sys; print([p for p in sys.path if 'cgtune' in p])", inject="gc=5000 debug", path=path
    )
    assert done.stdout.startswith("5000\n[")
    assert "pythonpath" not in done.stdout
    assert done.stderr.count("cgtune:") == 1


# --- usercustomize: the second chance


@pytest.fixture
def base() -> Path:
    """An interpreter that looks for a usercustomize: not one in a virtual environment."""
    python = pythons.require_python(sys.version_info[1])
    if said(start("-c", "import site; print(site.ENABLE_USER_SITE)", python=python, path=[])) != "True\n":
        unavailable("no usercustomize in this Python")
    return python


def test_one_that_does_not_chain_leaves_us_a_second_chance(base: Path, tmp_path: Path) -> None:
    """As OpenTelemetry's: it comes before ours and imports no other."""
    folder = lay_out(tmp_path, {"sitecustomize.py": "print('not ours')\n"})
    look = f"{GC}; import sys; print('{injection.INJECTION_DIR}' in sys.path, 'usercustomize' in sys.modules)"
    done = start("-c", look, path=[folder, injection.INJECTION_DIR], python=base)
    assert said(done) == "not ours\n54321\nFalse False\n"


def test_the_users_usercustomize_runs_once(base: Path, tmp_path: Path) -> None:
    """Whether ours was first, or had no chance before."""
    text = "import sys\nprint('the user', __file__)\n"
    folder = lay_out(tmp_path / "a", {"usercustomize.py": text})
    other = lay_out(tmp_path / "b", {"sitecustomize.py": ""})
    for before in ([], [other]):
        done = start("-c", GC, path=[*before, injection.INJECTION_DIR, folder], python=base)
        assert said(done) == f"the user {folder}/usercustomize.py\n54321\n"


def test_both_names_have_the_same_text() -> None:
    """Python imports it as the one or the other."""
    site, user = (Path(injection.INJECTION_DIR, f"{name}customize.py").read_text() for name in ("site", "user"))
    assert site == user


def test_the_folder_offers_nothing_else() -> None:
    """All that lies in a folder of PYTHONPATH can be imported."""
    names = {path.name for path in Path(injection.INJECTION_DIR).iterdir()} - {"__pycache__"}
    assert names == {"sitecustomize.py", "usercustomize.py"}


# --- a hostile neighbourhood


@pytest.mark.parametrize("is_first", [True, False], ids=["ours first", "ours second"])
def test_stray_modules_are_not_imported(is_first: bool, tmp_path: Path) -> None:
    """An application's own typing.py or cgtune.py: we import nothing by a name that others may have."""
    for name in STRAY:
        (tmp_path / f"{name}.py").write_text(f"import os\nos.write(2, b'{name} was imported')\nos._exit(9)\n")
    path: list[str | Path] = [injection.INJECTION_DIR, tmp_path] if is_first else [tmp_path, injection.INJECTION_DIR]
    code = "import gc; print(gc.get_threshold()[0])"
    assert said(start("-c", code, inject="gc=54321 freeze cpus=1 celery=2", path=path)) == "54321\n"


def test_a_program_in_an_archive_is_tuned(tmp_path: Path) -> None:
    """python app.pyz."""
    with ZipFile(tmp_path / "app.pyz", "w") as archive:
        archive.writestr("__main__.py", f"import sys\nprint(sys.path[0])\n{GC}\n")
    assert said(start(tmp_path / "app.pyz")) == f"{tmp_path}/app.pyz\n54321\n"


def copy_of_us(folder: Path) -> Path:
    """Our files as a package of their own, never compiled; the folder for PYTHONPATH."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE / "injection", folder / "cgtune/injection", ignore=ignore)
    shutil.copy(PACKAGE / "tuning.py", folder / "cgtune")
    return folder / "cgtune/injection/pythonpath"


def caches(folder: Path) -> list[Path]:
    """The byte code below a folder."""
    return list(folder.rglob("*.pyc"))


def test_byte_code_is_written_only_where_it_may_be(tmp_path: Path) -> None:
    """As for any other module."""
    ours = copy_of_us(tmp_path)
    assert said(start("-c", GC, path=[ours], PYTHONDONTWRITEBYTECODE="1")) == "54321\n"
    assert not caches(tmp_path)
    assert said(start("-c", GC, path=[ours])) == "54321\n"
    assert {path.name.split(".")[0] for path in caches(tmp_path)} == {"sitecustomize", "tuning"}


def test_a_file_system_that_takes_nothing_is_no_obstacle(tmp_path: Path) -> None:
    """Byte code that cannot be written is not missed; a file in its folder's place stops even root."""
    ours = copy_of_us(tmp_path)
    for folder in (ours, ours.parent, ours.parent.parent):
        (folder / "__pycache__").write_text("in the way")
    assert said(start("-c", GC, path=[ours], inject="gc=54321 celery=2")) == "54321\n"


@pytest.mark.parametrize(
    "damage",
    [
        {"tuning.py": "def"},
        {"tuning.py": "raise RuntimeError"},
        {"tuning.py": "1/0"},
        {"tuning.py": None},
        {"injection/celery.py": None},
        {"injection/celery.py": "def"},
    ],
    ids=str,
)
def test_a_damaged_copy_stops_nothing(damage: dict[str, str | None], tmp_path: Path) -> None:
    """No error, no word; the next sitecustomize comes all the same."""
    ours = copy_of_us(tmp_path)
    folder = lay_out(tmp_path / "site", {"sitecustomize.py": "print('next')\n"})
    for name, text in damage.items():
        (tmp_path / "cgtune" / name).unlink()
        if text is not None:
            (tmp_path / "cgtune" / name).write_text(text)
    done = start("-c", "print('the program')", path=[ours, folder], inject="gc=54321 celery=2")
    assert said(done) == "next\nthe program\n"


def test_a_closed_stderr_is_no_obstacle() -> None:
    """`debug` has nowhere to speak."""
    done = start("-c", f'exec {PYTHON} -c "{GC}" 2>&-', python="/bin/sh", inject="gc=54321 debug")
    assert (done.returncode, done.stdout) == (0, "54321\n")
