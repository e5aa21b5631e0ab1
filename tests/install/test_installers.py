"""The wheel, installed by what people install with, gives a command that starts fast and works."""

import json
import re
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.install.installers import INSTALLERS, Installed, call, with_pip_no_deps


@pytest.fixture(scope="module")
def wheel() -> Path:
    """The wheel that this very environment was installed from: `scripts/setup` keeps it."""
    wheels = list(Path(sys.prefix, "wheel").glob("cgtune-*.whl"))
    assert len(wheels) == 1, "run `make setup` and pytest of .venv"
    return wheels[0]


@pytest.fixture(scope="module", params=INSTALLERS)
def installed(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """cgtune, installed in each of the ways."""
    return INSTALLERS[request.param](wheel, tmp_path_factory.mktemp(request.param) / "env")


def test_the_script_names_its_interpreter(installed: Installed) -> None:
    """`#!python` was rewritten to the environment's own Python, and the rest left as it was."""
    first, *rest = installed.command.read_text().splitlines()
    interpreter, *flags = first.removeprefix("#!").split(" ")
    assert Path(interpreter).parent == installed.python.parent  # which of its names is the installer's choice
    assert flags in ([], ["-E"])  # pipx shields its applications from PYTHON... variables
    source = Path(__file__).parents[2] / "bin/cgtune"
    assert rest == source.read_text().splitlines()[1:]


def test_nothing_is_imported_before_us(installed: Installed) -> None:
    """No installer put an `import re` before our first line, which is 1.65 times a bare start."""
    assert not re.search(r"^\s*(import|from)\s+re\b", installed.command.read_text(), re.MULTILINE)


def test_it_runs_a_program(installed: Installed) -> None:
    """The installed command starts another, with its exit code and its output."""
    assert call(installed.command, "run", "--", "true") == ""
    assert call(installed.command, "run", "--", "echo", "hello") == "hello\n"


def test_it_supervises_a_program(installed: Installed) -> None:
    """Which another process does than the one that was started."""
    assert call(installed.command, "run", "--supervise", "--map-exit", "7=0", "--", "sh", "-c", "exit 7") == ""


def test_it_inspects(installed: Installed) -> None:
    """The installed command reads this machine."""
    assert json.loads(call(installed.command, "inspect", "--json"))["schema"] == 1


def test_it_imports(installed: Installed) -> None:
    """The library is there, typed, in the same environment."""
    code = "import cgtune, os; print(cgtune.read_limits(), os.listdir(os.path.dirname(cgtune.__file__)))"
    assert "py.typed" in call(installed.python, "-c", code)


def test_a_stray_module_beside_the_command_is_not_ours(wheel: Path, tmp_path: Path) -> None:
    """A script named json.py in the same bin folder must not become our json."""
    installed = with_pip_no_deps(wheel, tmp_path / "env")
    for name in ("json", "errno", "typing", "click", "cgtune"):
        (installed.command.parent / f"{name}.py").write_text("raise SystemExit('the stray module was imported')")
    assert json.loads(call(installed.command, "inspect", "--json"))["schema"] == 1


def test_without_dependencies_there_are_none(wheel: Path, tmp_path: Path) -> None:
    """--no-deps really is cgtune alone: what works there needs nothing else."""
    installed = with_pip_no_deps(wheel, tmp_path / "env")
    modules = "click", "yaml", "psutil", "prometheus_client"
    code = f"import importlib.util as u; print([m for m in {modules} if u.find_spec(m)])"
    assert call(installed.python, "-c", code) == "[]\n"


def test_the_wheel_holds_the_package_the_command_and_no_more(wheel: Path) -> None:
    """No tests, benches or labs get into anyone's environment; the licence does, and the .pth with its module."""
    version = wheel.name.split("-")[1]
    names = ZipFile(wheel).namelist()
    others = {name for name in names if not name.startswith("cgtune/")}
    info = f"cgtune-{version}.dist-info"
    assert others == {
        "_cgtune_inject.py",
        "cgtune.pth",
        f"cgtune-{version}.data/scripts/cgtune",
        f"{info}/METADATA",
        f"{info}/RECORD",
        f"{info}/WHEEL",
        f"{info}/licenses/LICENSE",
    }
    assert "cgtune/py.typed" in names
    assert not [name for name in names if name.endswith((".pyc", "~", ".orig"))]
