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
from zipfile import ZipFile

import pytest

from cgtune import injection
from lab import pythons
from tests.support import unavailable
from tests.unit.command import DEADLINE_SECONDS, PACKAGE, PLAIN

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


@pytest.fixture(autouse=True)
def takes_thresholds() -> None:
    """Most tests look at the collector's thresholds."""
    if (3, 14) <= sys.version_info < (3, 14, 5) or "free-threading" in sys.version:
        unavailable("this Python's collector is left alone")


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


# --- where it must not act


@pytest.mark.parametrize("flag", ["-S", "-I", "-E"])
def test_an_isolated_interpreter_is_left_alone(flag: str) -> None:
    """The user wants no site, or no variables."""
    assert said(start(flag, "-c", GC)) == UNTOUCHED


def test_a_safe_path_is_no_obstacle() -> None:
    """PYTHONSAFEPATH is about the folder of the script."""
    assert said(start("-c", GC, PYTHONSAFEPATH="1")) == "54321\n"


# --- a hostile neighbourhood

STRAY = ("typing", "json", "gc", "tuning", "re", "types", "cgtune", "injection", "celery", "importlib", "__future__")


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


# --- the .pth file


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
