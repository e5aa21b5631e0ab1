"""What a tuned interpreter tells a program: its CPUs, celery's number of workers."""

from __future__ import annotations

import inspect
import multiprocessing
import os
import pickle
from pathlib import Path
from types import SimpleNamespace
from zipfile import ZipFile

import pytest

from cgtune import tuning
from tests.unit.test_tuning import run_tuned

# --- os.cpu_count


@pytest.mark.parametrize(
    ("wanted", "found", "said", "version", "chosen"),
    [
        (2, 64, None, (3, 8), 2),
        (2, 64, None, (3, 12), 2),
        (2, 64, "2", (3, 12), 2),
        (2, 64, None, (3, 13), None),  # PYTHON_CPU_COUNT does it
        (2, 64, "2", (3, 14), None),
        (64, 64, None, (3, 12), None),
        (65, 64, None, (3, 12), None),  # never raised
        (2, None, None, (3, 12), None),  # a machine that cannot count
        (2, 64, "3", (3, 12), None),  # the user's
        (2, 64, "", (3, 12), None),
        (2, 64, "default", (3, 12), None),
    ],
)
def test_fewer_cpus_are_answered_where_nothing_else_does_it(
    wanted: int, found: int | None, said: str | None, version: tuple[int, ...], chosen: int | None
) -> None:
    """Before 3.13, never more than there are, and not where the user says something else."""
    assert tuning.choose_cpu_count(wanted, found, said, version) == chosen


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.12 on 64 CPUs, and a user who has said nothing."""

    def cpu_count() -> int:
        """Return the number of CPUs."""
        return 64

    monkeypatch.setattr(os, "cpu_count", cpu_count)
    monkeypatch.setattr(tuning, "sys", SimpleNamespace(version_info=(3, 12, 0)))
    monkeypatch.delenv("PYTHON_CPU_COUNT", raising=False)


@pytest.mark.usefixtures("machine")
def test_the_count_is_answered_until_it_is_undone() -> None:
    """By a function of the same name, words and arguments in the same place; a second time nothing is done."""
    undo = tuning.set_cpu_count(2)
    assert undo is not None
    assert os.cpu_count() == multiprocessing.cpu_count() == 2
    assert os.cpu_count.__name__ == "cpu_count"
    assert os.cpu_count.__doc__ == "Return the number of CPUs."
    assert not inspect.signature(os.cpu_count).parameters
    assert pickle.loads(pickle.dumps(os.cpu_count)) is os.cpu_count
    assert tuning.set_cpu_count(2) is None
    undo()
    assert os.cpu_count() == 64


@pytest.mark.usefixtures("machine")
def test_undoing_does_not_undo_anothers() -> None:
    """Who has replaced it since then keeps what they have."""
    undo = tuning.set_cpu_count(2)
    assert undo is not None
    os.cpu_count = lambda: 7
    undo()
    assert os.cpu_count() == 7


@pytest.mark.usefixtures("machine")
def test_the_users_own_variable_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that 3.13 and later read."""
    monkeypatch.setenv("PYTHON_CPU_COUNT", "3")
    assert tuning.set_cpu_count(2) is None
    assert os.cpu_count() == 64


# --- celery

BILLIARD = "def cpu_count():\n    return 64\nloader = __loader__\n"
ASK = "from billiard import cpu_count; print(cpu_count())"


@pytest.fixture
def billiard(tmp_path: Path) -> str:
    """A folder with a billiard that sees 64 CPUs."""
    (tmp_path / "billiard.py").write_text(BILLIARD)
    return str(tmp_path)


def test_billiard_answers_when_it_is_imported(billiard: str) -> None:
    """At its first `from billiard import cpu_count`; afterwards no trace of the finder is left."""
    code = (
        "before = list(sys.meta_path); tuning.set_celery_default(3); print(sys.meta_path == before)\n"
        f"{ASK}; import billiard; print(sys.meta_path == before, billiard.loader is billiard.__spec__.loader, "
        "vars(billiard.loader).keys() - {'name', 'path'})"
    )
    assert run_tuned(code, PYTHONPATH=billiard) == ["False", "3", "True True set()"]
    assert run_tuned(ASK, PYTHONPATH=billiard) == ["64"]  # the control


def test_billiard_answers_when_it_is_there_already(billiard: str) -> None:
    """And gets its own function back."""
    code = (
        "import billiard; undo = tuning.set_celery_default(3); print(billiard.cpu_count())\n"
        "undo(); print(billiard.cpu_count())"
    )
    assert run_tuned(code, PYTHONPATH=billiard) == ["3", "64"]


def test_billiard_can_be_left_as_it_is(billiard: str) -> None:
    """Undone before it was imported, and undone twice."""
    code = f"before = list(sys.meta_path); undo = tuning.set_celery_default(3); undo(); undo()\n{ASK}"
    assert run_tuned(f"{code}; print(sys.meta_path == before)", PYTHONPATH=billiard) == ["64", "True"]


def test_only_asking_whether_billiard_is_there_changes_nothing(billiard: str) -> None:
    """Tracers look for what they could instrument before anything imports it."""
    code = (
        "import importlib.util as u; tuning.set_celery_default(3)\n"
        f"print(u.find_spec('billiard').name, u.find_spec('no_such_module')); u.find_spec('billiard'); {ASK}"
    )
    assert run_tuned(code, PYTHONPATH=billiard) == ["billiard None", "3"]


def test_without_billiard_its_import_fails_as_ever() -> None:
    """And other imports work as they do."""
    code = (
        "tuning.set_celery_default(3)\ntry: import billiard\n"
        "except ModuleNotFoundError as error: print(error, error.name)\n"
        "import colorsys; print(colorsys.__name__)"
    )
    assert run_tuned(code) == ["No module named 'billiard' billiard", "colorsys"]


def test_a_billiard_that_fails_does_so_by_itself(tmp_path: Path) -> None:
    """Its own exception arrives; when it is mended, the answer is ours."""
    (tmp_path / "billiard.py").write_text("import sys\nassert sys.mended, 'broken'\n" + BILLIARD)
    code = (
        "tuning.set_celery_default(3); sys.mended = False\ntry: import billiard\n"
        f"except AssertionError as error: print(error)\nsys.mended = True; {ASK}"
    )
    assert run_tuned(code, PYTHONPATH=str(tmp_path)) == ["broken", "3"]


def test_a_billiard_in_an_archive_shares_its_loader(tmp_path: Path) -> None:
    """zipimport has one loader for all modules of an archive: the others are not mistaken for billiard."""
    with ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("billiard.py", BILLIARD)
        archive.writestr("other.py", "def cpu_count():\n    return 64\n")
    code = (
        "import importlib.util as u; tuning.set_celery_default(3); u.find_spec('billiard')\n"
        f"from other import cpu_count; print(cpu_count()); {ASK}"
    )
    assert run_tuned(code, PYTHONPATH=str(tmp_path / "app.zip")) == ["64", "3"]


def test_a_loader_of_the_old_kind_is_left_alone(billiard: str) -> None:
    """One that takes no attributes loads the module as it is."""
    code = (
        "import importlib.util as u, importlib.machinery as m\n"
        "class Loader:\n"
        "    __slots__ = ()\n"
        "    def create_module(self, spec): return None\n"
        "    def exec_module(self, module): module.cpu_count = lambda: 5\n"
        "class Finder:\n"
        "    @staticmethod\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        return m.ModuleSpec(name, Loader()) if name == 'billiard' else None\n"
        f"sys.meta_path.insert(0, Finder); tuning.set_celery_default(3); {ASK}"
    )
    assert run_tuned(code, PYTHONPATH=billiard) == ["5"]
