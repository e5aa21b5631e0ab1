"""The wheel puts its .pth where the interpreter looks for such files, and takes it away again."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.install.installers import INSTALLERS, Installed, call, clean_environment, tool, with_pip_no_deps

ASK = "import gc; print(gc.get_threshold()[0])"
TUNED = {"CGTUNE_INJECT": "gc=54321"}
HAS_PTH = "from cgtune.injection import has_pth; print(has_pth())"


@pytest.fixture(scope="module")
def wheel() -> Path:
    """The wheel that this very environment was installed from: `scripts/setup` keeps it."""
    wheels = list(Path(sys.prefix, "wheel").glob("cgtune-*.whl"))
    assert len(wheels) == 1, "run `make setup` and pytest of .venv"
    return wheels[0]


@pytest.fixture(scope="module", params=["pip-no-deps", "uv"])
def installed(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """cgtune, by installers that lay files out each in their own way."""
    return INSTALLERS[request.param](wheel, tmp_path_factory.mktemp(request.param) / "env")


def test_the_installed_pth_tunes_its_interpreter(installed: Installed) -> None:
    """When asked to, and not otherwise."""
    untouched = call(installed.python, "-c", ASK)
    assert call(installed.python, "-c", ASK, environment=TUNED) == "54321\n"
    assert untouched != "54321\n"
    assert call(installed.python, "-I", "-c", ASK, environment=TUNED) == untouched


def test_the_installed_cgtune_knows_that_it_has_a_pth(installed: Installed) -> None:
    """`run` then needs no folder on PYTHONPATH."""
    assert call(installed.python, "-I", "-c", HAS_PTH) == "True\n"


def test_every_file_of_it_is_there(installed: Installed) -> None:
    """celery's part, and the folder for other interpreters."""
    code = "import sys; print(len([f for f in sys.meta_path if type(f).__name__ == 'AfterImport']))"
    assert call(installed.python, "-c", code, environment={"CGTUNE_INJECT": "celery=2"}) == "1\n"
    folder = call(
        installed.python, "-I", "-c", "from cgtune.injection import INJECTION_DIR; print(INJECTION_DIR)"
    ).strip()
    environment = {**TUNED, "PYTHONPATH": folder}
    assert call(sys.executable, "-c", ASK, environment=environment) == "54321\n"


def test_uninstalling_leaves_nothing(wheel: Path, tmp_path: Path) -> None:
    """Neither the .pth nor its module: both are in RECORD."""
    installed = with_pip_no_deps(wheel, tmp_path / "env")
    (folder,) = (tmp_path / "env").glob("lib/python3*/site-packages")
    assert (folder / "cgtune.pth").exists()
    call(tool("pip") / "python", "-m", "pip", "--python", installed.python, "uninstall", "--yes", "--quiet", "cgtune")
    assert not list((tmp_path / "env").rglob("*cgtune*"))
    done = subprocess.run(
        [installed.python, "-c", "pass"], env={**clean_environment(), **TUNED}, capture_output=True, check=True
    )
    assert done.stderr == b""
