"""The ways into a program before its first line: it is tuned, and in all else runs as if we had not been there."""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from cgtune import injection
from lab import pythons
from tests.unit.command import DEADLINE_SECONDS, PACKAGE, PLAIN

pytestmark = pytest.mark.usefixtures("takes_thresholds")

WORDS = "gc=54321"
GC = "import gc; print(gc.get_threshold()[0])"
# Empty: where cgtune is installed its .pth comes first, and a machine's own Python has who knows what.
PYTHON = pythons.environment(sys.version_info[1])
UNTOUCHED = f"{gc.get_threshold()[0]}\n"
# What a program can see of its start.
LOOK = """
import sys, os, json
kinds = lambda things: [repr(thing).split(" at 0x")[0] for thing in things]
own = sys.modules.get("sitecustomize")
print(json.dumps([sys.path, kinds(sys.meta_path), kinds(sys.path_hooks), sorted(sys.modules), sys.argv, os.getcwd(),
    kinds([sys.excepthook, sys.flags]), getattr(own, "x", None), getattr(own, "__file__", None)]))
"""


def start(
    *words: str | Path,
    inject: str | None = WORDS,
    path: Iterable[str | Path] = (injection.INJECTION_DIR,),
    python: str | Path = PYTHON,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """A program as `cgtune run` would start it."""
    variables = {**PLAIN, "PYTHONPATH": os.pathsep.join(map(str, path)), **environment}
    if inject is not None:
        variables["CGTUNE_INJECT"] = inject
    return subprocess.run(
        [python, *words],
        env=variables,
        cwd="/",
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What a program printed that ended well and complained of nothing."""
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def end(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    """All there is to see from outside, but for the lines of a traceback: it shows who imported whom."""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("  ")]
    return done.returncode, done.stdout, "\n".join(lines)


# --- what is done


def test_the_program_is_tuned() -> None:
    """Before its first line."""
    assert said(start("-c", GC)) == "54321\n"


def test_without_the_variable_nothing_happens() -> None:
    """The control; also without a word in it, or switched off."""
    assert said(start("-c", GC, inject=None)) == UNTOUCHED
    assert said(start("-c", GC, inject="")) == UNTOUCHED
    assert said(start("-c", GC, CGTUNE="off")) == UNTOUCHED


@pytest.mark.parametrize("words", ["later=1 gc=x \x01 gc=-5 freeze=soon", "gc=99999999999", "é=ü"])
def test_words_it_does_not_understand_are_nothing(words: str) -> None:
    """Neither done nor spoken of."""
    assert said(start("-c", GC, inject=words)) == UNTOUCHED


def test_it_can_say_what_it_did() -> None:
    """One line, on stderr, when asked to."""
    done = start("-c", GC, inject=f"{WORDS} debug freeze")
    assert done.stderr == f"cgtune: in Python {sys.version.split()[0]}, gc=54321 done, freeze done\n"
    assert start("-c", GC, inject="debug", CGTUNE="off").stderr == ""


@pytest.mark.parametrize("minor", [minor for minor in pythons.MINORS if pythons.find_python(minor)])
def test_each_python_here_is_tuned(minor: int) -> None:
    """From 3.8 on; the count of CPUs before 3.13, where no variable sets it."""
    python = pythons.find_python(minor)
    assert python is not None
    code = (
        "import gc, multiprocessing, concurrent.futures as f\n"
        "pool = multiprocessing.Pool(); print(gc.get_threshold()[0], multiprocessing.cpu_count(), pool._processes,\n"
        "f.ThreadPoolExecutor()._max_workers, f.ProcessPoolExecutor()._max_workers)"
    )
    environment = {"PYTHON_CPU_COUNT": "1"} if minor >= 13 else {}
    done = start("-c", code, inject=f"{WORDS} cpus=1 freeze celery=1", python=python, **environment)
    assert said(done) == "54321 1 1 5 1\n"


def old_pythons() -> list[str]:
    """Those under pyenv that are older than what we tune."""
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    return [str(path) for minor in ("2.7", "3.6", "3.7") for path in versions.glob(f"{minor}.*/bin/python")]


@pytest.mark.parametrize("python", old_pythons())
def test_an_older_python_starts_as_ever(python: str, tmp_path: Path) -> None:
    """Nothing is done and nothing is said, and the next sitecustomize is not hidden."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.seen = 'the next one'\n")
    code = "import sys, gc; sys.stdout.write('%s %s' % (sys.seen, gc.get_threshold()[0]))"
    done = start("-c", code, python=python, path=[injection.INJECTION_DIR, tmp_path], PYTHONDONTWRITEBYTECODE="1")
    assert said(done) == "the next one 700"


# --- the program does not see it


def test_the_program_finds_its_interpreter_as_ever() -> None:
    """sys.path, finders, hooks, arguments are the same; sys.modules has one private name more, and gc."""
    with_us = json.loads(said(start("-c", LOOK)))
    without = json.loads(said(start("-c", LOOK, inject=None, path=[])))
    modules = set(with_us.pop(3)), set(without.pop(3))
    assert with_us == without
    assert modules[0] - modules[1] == {"_cgtune_inject", "gc"}
    assert modules[0] >= modules[1]


def test_children_are_tuned_too() -> None:
    """The folder is gone from sys.path, not from the variable."""
    code = (
        "import os, subprocess, sys\n"
        f"print(os.environ['PYTHONPATH'], flush=True); subprocess.run([sys.executable, '-c', {GC!r}], check=True)"
    )
    assert said(start("-c", code)) == f"{injection.INJECTION_DIR}\n54321\n"


def test_spawned_processes_are_tuned_too(tmp_path: Path) -> None:
    """multiprocessing gives its children the sys.path of their parent, in which our folder is not."""
    (tmp_path / "app.py").write_text(
        "import gc, multiprocessing, sys\n"
        "def ask(_): return gc.get_threshold()[0], sys.path\n"
        "if __name__ == '__main__':\n"
        "    for method in ('spawn', 'forkserver'):\n"
        "        with multiprocessing.get_context(method).Pool(1) as pool:\n"
        "            threshold, path = pool.apply(ask, (0,))\n"
        "            print(threshold, path == sys.path)\n"
    )
    assert said(start(tmp_path / "app.py")) == "54321 True\n54321 True\n"


def test_a_subinterpreter_starts_as_well() -> None:
    """Each has a site, a sys.path and a collector of its own."""
    code = (
        "import sys\n"
        "try: import _interpreters as i\n"
        "except ImportError: import _xxsubinterpreters as i\n"
        "sub = i.create(); run = getattr(i, 'exec', None) or i.run_string\n"
        "import os; read, write = os.pipe()\n"
        "run(sub, 'import gc, os, sys; os.write(%d, repr((gc.get_threshold()[0], "
        '[p for p in sys.path if "pythonpath" in p])).encode())\' % write)\n'
        "print(os.read(read, 1000).decode()); i.destroy(sub)"
    )
    assert said(start("-c", code)) == "(54321, [])\n"


def test_importtime_and_verbose_work() -> None:
    """Python's own views of its imports."""
    done = start("-X", "importtime", "-c", "pass")
    assert done.returncode == 0
    assert "sitecustomize" in done.stderr
    assert start("-v", "-c", "pass").returncode == 0


# --- where it must not act


@pytest.mark.parametrize("flag", ["-S", "-I", "-E"])
def test_an_isolated_interpreter_is_left_alone(flag: str) -> None:
    """The user wants no site, or no variables."""
    assert said(start(flag, "-c", GC)) == UNTOUCHED


def test_a_safe_path_is_no_obstacle() -> None:
    """PYTHONSAFEPATH is about the folder of the script."""
    assert said(start("-c", GC, PYTHONSAFEPATH="1")) == "54321\n"


# --- the .pth file

STRAY = ("typing", "json", "gc", "tuning", "re", "types", "cgtune", "injection", "celery", "importlib", "__future__")


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site-packages of an environment in which cgtune lies as its wheel puts it; without pip."""
    environment = tmp_path_factory.mktemp("with-pth") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True, timeout=DEADLINE_SECONDS)
    (folder,) = environment.glob("lib/python3*/site-packages")
    shutil.copytree(PACKAGE, folder / "cgtune", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("cgtune.pth", "_cgtune_inject.py"):
        shutil.copy(PACKAGE / "injection/site-packages" / name, folder)
    return folder


@pytest.fixture
def python(site_folder: Path) -> Path:
    """Its interpreter."""
    return site_folder.parents[2] / "bin/python"


def test_the_pth_tunes_its_own_interpreter(python: Path) -> None:
    """No folder on PYTHONPATH is needed; celery's part is found too."""
    code = f"{GC}; import sys; print(len(sys.meta_path))"
    assert said(start("-c", code, python=python, path=[], inject="gc=54321 celery=2")) == "54321\n4\n"


def test_the_pth_does_nothing_unless_asked(site_folder: Path, python: Path) -> None:
    """Modules, paths and thresholds are those of an environment without it."""
    with_it = end(start("-c", LOOK, python=python, path=[], inject=None))
    assert said(start("-c", GC, python=python, path=[], inject=None)) == UNTOUCHED
    pth = site_folder / "cgtune.pth"
    line = pth.read_text()
    # For any .pth file, 3.13 and later load a codec.
    pth.write_text("# nothing\n")
    try:
        assert with_it == end(start("-c", LOOK, python=python, path=[], inject=None))
    finally:
        pth.write_text(line)


@pytest.mark.parametrize("flag", ["-S", "-I", "-E"])
def test_the_pth_leaves_an_isolated_interpreter_alone(flag: str, python: Path) -> None:
    """-I and -E execute .pth files, but the user wants no variables read."""
    assert said(start(flag, "-c", GC, python=python, path=[])) == UNTOUCHED


def test_both_doors_do_it_once(python: Path) -> None:
    """The .pth comes first, the sitecustomize only makes way."""
    done = start(
        "-c",
        f"{GC}; import sys; print([p for p in sys.path if 'pythonpath' in p])",
        python=python,
        inject="gc=5000 debug",
    )
    assert done.stdout == "5000\n[]\n"
    assert done.stderr.count("cgtune:") == 1


def test_the_pth_takes_no_stray_module_for_ours(python: Path, tmp_path: Path) -> None:
    """PYTHONPATH comes before site-packages."""
    for name in STRAY:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the stray module was imported')\n")
    assert said(start("-c", GC, python=python, path=[tmp_path])) == "54321\n"


def test_a_pth_that_was_left_behind_is_silent(site_folder: Path, python: Path, tmp_path: Path) -> None:
    """The package is gone, the two files beside it are not."""
    (site_folder / "cgtune").rename(tmp_path / "cgtune")
    try:
        assert said(start("-c", GC, python=python, path=[])) == UNTOUCHED
    finally:
        (tmp_path / "cgtune").rename(site_folder / "cgtune")


HAS_PTH = "import sys; from cgtune.injection import has_pth; print(has_pth())"


def test_we_know_whether_the_pth_is_executed(site_folder: Path, python: Path, tmp_path: Path) -> None:
    """It is where cgtune itself came from, and in site-packages; a mere folder on PYTHONPATH will not do."""
    assert said(start("-c", HAS_PTH, python=python, path=[])) == "True\n"
    assert said(start("-S", "-c", HAS_PTH, python=python, path=[site_folder])) == "False\n"
    copied = tmp_path / "site-packages"
    shutil.copytree(site_folder, copied)
    assert said(start("-c", HAS_PTH, python=python, path=[copied])) == "False\n"
    (site_folder / "cgtune.pth").rename(tmp_path / "cgtune.pth")
    try:
        assert said(start("-c", HAS_PTH, python=python, path=[])) == "False\n"
    finally:
        (tmp_path / "cgtune.pth").rename(site_folder / "cgtune.pth")


def test_asking_costs_no_import(python: Path) -> None:
    """`run` asks at each start."""
    code = (
        "import sys; before = set(sys.modules); import cgtune.injection; cgtune.injection.has_pth()\n"
        "print(sorted(set(sys.modules) - before))"
    )
    assert said(start("-c", code, python=python, path=[])) == "['__future__', 'cgtune', 'cgtune.injection']\n"


def test_both_names_have_the_same_text() -> None:
    """sitecustomize and usercustomize: a change of one is a change of the other."""
    first, second = (
        Path(injection.INJECTION_DIR, name).read_bytes() for name in ("sitecustomize.py", "usercustomize.py")
    )
    assert first == second
