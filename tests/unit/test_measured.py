"""The store of measurements: what is kept is found again, and nothing else is believed."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune import measured
from cgtune.measured import Found, Measured, find_size, parse_measured, planned_bytes
from cgtune.measuring.keep import NotKept, keep_size
from cgtune.settings import Interpreter
from tests.unit.command import call

MIB = 1 << 20
ARGV = ("gunicorn", "app:app")
PYTHON = Interpreter(path="/opt/venv/bin/python", version=(3, 12, 1))
TEXT = "cgtune-measured 1\nworker_bytes 41943040\ninherited_bytes 10485760\nshared_bytes 20971520\npackages abc\n"
SAYS = Measured(worker_bytes=40 * MIB, inherited_bytes=10 * MIB, shared_bytes=20 * MIB, packages="abc")
sizes = st.integers(0, 1 << 40)


def variables(cache: Path) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(cache)}


def keep(cache: Path, argv: tuple[str, ...] = ARGV, interpreter: Interpreter = PYTHON) -> Path:
    """Keep 40 MiB private, 10 inherited, 20 shared; the file."""
    path = keep_size(
        argv,
        interpreter,
        variables(cache),
        worker_bytes=40 * MIB,
        inherited_bytes=10 * MIB,
        shared_bytes=20 * MIB,
    )
    return Path(path)


def find(cache: Path, argv: tuple[str, ...] = ARGV, interpreter: Interpreter = PYTHON) -> Found:
    return find_size(argv, interpreter, variables(cache))


def problem(found: Found) -> str:
    """Why what is there does not count."""
    assert found.size is None
    assert found.problem is not None
    return found.problem


# --- the text


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("as written", TEXT, SAYS),
        ("a key of a later cgtune", TEXT + "later a b c\n", SAYS),
        (
            "another order",
            TEXT.replace("shared_bytes 20971520\npackages abc", "packages abc\nshared_bytes 20971520"),
            SAYS,
        ),
        ("empty", "", None),
        ("no header", TEXT.partition("\n")[2], None),
        ("another version", TEXT.replace("measured 1", "measured 2"), None),
        ("cut off", TEXT[:-1], None),
        ("cut off inside a number", TEXT[:40], None),
        ("a key twice", TEXT + "packages def\n", None),
        ("a key without a value", TEXT + "later\n", None),
        ("no worker", TEXT.replace("worker_bytes", "worker"), None),
        ("no inherited", TEXT.replace("inherited_bytes", "inherited"), None),
        ("no shared", TEXT.replace("shared_bytes", "shared"), None),
        ("no packages", TEXT.replace("packages abc\n", ""), None),
        ("negative", TEXT.replace("41943040", "-41943040"), None),
        ("a sign", TEXT.replace("41943040", "+41943040"), None),
        ("a fraction", TEXT.replace("41943040", "4194304.0"), None),
        ("underscores", TEXT.replace("41943040", "41_943_040"), None),
        ("other digits", TEXT.replace("41943040", "٤١٩٤٣٠٤٠"), None),
        ("a space more", TEXT.replace("worker_bytes 4", "worker_bytes  4"), None),
        ("below 1 MiB", TEXT.replace("41943040", "1048575"), None),
        ("1 MiB", TEXT.replace("41943040", "1048576"), SAYS.replace(worker_bytes=MIB)),
        ("1 TiB", TEXT.replace("41943040", str(1 << 40)), SAYS.replace(worker_bytes=1 << 40)),
        ("above 1 TiB", TEXT.replace("41943040", str((1 << 40) + 1)), None),
        ("more digits than int() takes", TEXT.replace("41943040", "9" * 4000), None),
        ("Windows line ends", TEXT.replace("\n", "\r\n"), None),
        ("null bytes", TEXT + "\0\n", None),
        ("a byte order mark", "\ufeff" + TEXT, None),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value and len(value) < 40 else "",
)
def test_a_file_is_read_strictly(name: str, text: str, says: Measured | None) -> None:
    """Anything but what we write, for want of a better explanation, was not written by us."""
    assert parse_measured(text.encode()) == says, name


@given(worker=st.integers(MIB, 1 << 40), inherited=sizes, shared=sizes, packages=st.text("0123456789abcdef"))
def test_what_is_written_is_read(worker: int, inherited: int, shared: int, packages: str) -> None:
    """The two functions are each other's inverse."""
    says = Measured(worker_bytes=worker, inherited_bytes=inherited, shared_bytes=shared, packages=packages)
    text = measured.format_measured(says)
    assert text.isascii()
    assert parse_measured(text.encode()) == says


@given(st.one_of(st.binary(), st.text().map(lambda text: f"cgtune-measured 1\n{text}\n".encode("utf-8", "replace"))))
def test_no_content_disturbs_the_reader(data: bytes) -> None:
    """It is plausible, or nothing."""
    says = parse_measured(data)
    assert says is None or (MIB <= says.worker_bytes <= 1 << 40 and 0 <= says.shared_bytes <= 1 << 40)


@pytest.mark.parametrize(
    ("worker_mib", "inherited_mib", "planned_mib"),
    [(40, 0, 50), (40, 10, 57.5), (5, 40, 36.25), (40, 10_000, 210)],
)
def test_a_plan_counts_with_more_than_was_measured(worker_mib: int, inherited_mib: int, planned_mib: float) -> None:
    """A fourth more for growth; six tenths of what is inherited are copied, at most 128 MiB."""
    assert planned_bytes(worker_mib * MIB, inherited_mib * MIB) == planned_mib * MIB


# --- kept and found


def test_what_is_kept_is_found_again(cache: Path) -> None:
    """With the growth counted in, and who said it."""
    keep(cache)
    found = find(cache)
    assert found.problem is None
    assert found.size is not None
    assert found.size.as_dict() == {
        "worker_bytes": int(57.5 * MIB),
        "shared_bytes": 20 * MIB,
        "worker_bytes_from": "measured",
    }


@pytest.mark.parametrize(
    ("argv", "interpreter"),
    [
        (("gunicorn", "other:app"), PYTHON),
        (("gunicorn app:app",), PYTHON),
        (("gunicorn", "app:app", ""), PYTHON),
        (ARGV, PYTHON.replace(path="/usr/bin/python")),
        (ARGV, PYTHON.replace(version=(3, 12, 2))),
        (ARGV, Interpreter()),
        ((), PYTHON),
    ],
)
def test_another_command_or_python_was_not_measured(
    cache: Path, argv: tuple[str, ...], interpreter: Interpreter
) -> None:
    """Nothing is found, and nothing is wrong."""
    keep(cache)
    assert find(cache, argv, interpreter) == Found()
    assert find(cache).size is not None


def test_another_directory_was_not_measured(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`gunicorn app:app` is another program in another project."""
    keep(cache)
    monkeypatch.chdir(tmp_path)
    assert find(cache) == Found()


def test_each_command_has_its_own_measurement(cache: Path) -> None:
    """And one that was measured again has one still."""
    files = {keep(cache), keep(cache, ("gunicorn", "b:app")), keep(cache)}
    assert files == set((cache / "cgtune").iterdir())
    assert len(files) == 2


@pytest.mark.parametrize("name", measured.LOCK_FILES)
def test_other_packages_were_not_measured(cache: Path, name: str) -> None:
    """A lock file that appears, changes or goes makes the measurement stale; one measured anew counts."""
    keep(cache)
    lock = Path(name)
    lock.write_text("flask==3.1.0\n")
    assert "packages have changed" in problem(find(cache))
    keep(cache)
    assert find(cache).size is not None
    lock.write_text("flask==3.1.1\n")
    assert "packages have changed" in problem(find(cache))
    lock.write_text("flask==3.1.0\n")
    assert find(cache).size is not None
    lock.unlink()
    assert "packages have changed" in problem(find(cache))


def test_a_lock_file_moved_is_another(cache: Path) -> None:
    """Which file says what makes a difference."""
    Path("requirements.txt").write_text("flask\n")
    keep(cache)
    Path("requirements.txt").rename("poetry.lock")
    assert "packages have changed" in problem(find(cache))


def test_what_is_no_lock_file_is_none(cache: Path) -> None:
    """A folder, a FIFO without a writer, a link that leads nowhere: passed over, without waiting."""
    keep(cache)
    Path("requirements.txt").mkdir()
    os.mkfifo("poetry.lock")
    Path("uv.lock").symlink_to("nowhere")
    assert find(cache).size is not None


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"XDG_CACHE_HOME": "/x", "HOME": "/home/a"}, "/x/cgtune"),
        ({"XDG_CACHE_HOME": "/x/", "HOME": "/home/a"}, "/x/cgtune"),
        ({"XDG_CACHE_HOME": "", "HOME": "/home/a"}, "/home/a/.cache/cgtune"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/home/a"}, "/home/a/.cache/cgtune"),
        ({"HOME": "/"}, "/.cache/cgtune"),
        ({"HOME": "relative"}, None),
        ({"HOME": ""}, None),
        ({}, None),
    ],
)
def test_where_measurements_are_kept(environment: dict[str, str], folder: str | None) -> None:
    """As the XDG base directories say: a relative one does not count."""
    assert measured.folder_of(environment) == folder


def test_without_a_home_nothing_is_kept_or_found(cache: Path) -> None:
    """And that is told."""
    with pytest.raises(NotKept, match="HOME"):
        keep_size(ARGV, PYTHON, {}, worker_bytes=MIB, inherited_bytes=0, shared_bytes=0)
    assert find_size(ARGV, PYTHON, {}) == Found()


def test_where_nothing_was_measured_one_open_fails_and_that_is_all(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the hot path nothing is listed, read or hashed; with a measurement, the control, it is."""
    calls: list[str] = []

    def count(name: str) -> None:
        real = getattr(os, name)

        def counted(*arguments: object, **options: object) -> object:
            calls.append(name)
            return real(*arguments, **options)

        monkeypatch.setattr(os, name, counted)

    for name in ("open", "listdir", "getcwd", "stat", "fstat", "read"):
        count(name)
    monkeypatch.setattr(measured, "_hash", lambda _parts: calls.append("hash"))
    assert find(cache) == Found()
    assert calls == ["open"]
    (cache / "cgtune").mkdir(parents=True)
    calls.clear()
    assert find(cache) == Found()
    assert calls == ["open", "listdir"]
    monkeypatch.undo()
    os.chdir(cache.parent)
    keep(cache)
    assert find(cache).size is not None


def test_a_working_directory_that_is_gone_has_no_measurement(cache: Path, tmp_path: Path) -> None:
    """Nor can one be kept for it."""
    keep(cache)
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    assert find(cache) == Found()
    with pytest.raises(NotKept, match="No such file"):
        keep(cache)


def test_words_that_are_no_text_name_a_measurement_too(cache: Path) -> None:
    """Half a surrogate pair in argv is a byte that was no UTF-8."""
    argv = ("gunicorn", "caf\udce9:app")
    keep(cache, argv)
    assert find(cache, argv).size is not None


def test_the_hash_is_the_same_without_the_c_module(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """hashlib steps in where `_blake2` is not to be had."""
    keep(cache)
    monkeypatch.setitem(sys.modules, "_blake2", None)
    assert find(cache).size is not None


# --- in a plan


def plan(cache: Path, project: Path, *words: str) -> dict[str, object]:
    """`cgtune plan --json` under 4 cores and 300 MiB, for the measured command."""
    done = call(
        *("plan", "--json", "--what-if-cpus", "4", "--what-if-memory", "300Mi", *words, "--", *ARGV),
        environment=variables(cache),
        directory=project,
    )
    assert done.stderr == ""
    plan = json.loads(done.stdout)
    assert isinstance(plan, dict)
    return plan


def test_a_plan_counts_with_what_was_measured(cache: Path) -> None:
    """Before: the assumed size; after: the measured one; then other packages: the assumed one, and why."""
    project = Path.cwd()
    before = plan(cache, project)
    keep_size(ARGV, Interpreter(), variables(cache), worker_bytes=20 * MIB, inherited_bytes=0, shared_bytes=20 * MIB)
    after = plan(cache, project)
    Path("requirements.txt").write_text("flask\n")
    stale = plan(cache, project)
    sources = [found["budget"]["worker_bytes_from"] for found in (before, after, stale)]  # type: ignore[index]
    assert sources == ["default", "measured", "default"]
    budget = after["budget"]
    assert isinstance(budget, dict)
    assert (budget["worker_bytes"], budget["shared_bytes"]) == (25 * MIB, 20 * MIB)
    assert after["workers"] == 9
    assert before["workers"] == stale["workers"] == 2
    left = {entry["name"]: entry["reason"] for entry in stale["not_set"]}  # type: ignore[attr-defined]
    assert "packages have changed" in left["measured worker size"]
    assert "measured worker size" not in str((before["not_set"], after["not_set"]))


def test_a_size_that_is_said_wins_over_the_measured_one(cache: Path) -> None:
    """`--worker-memory` is the user's own word; what is shared is still known best from the measurement."""
    keep_size(ARGV, Interpreter(), variables(cache), worker_bytes=20 * MIB, inherited_bytes=0, shared_bytes=7 * MIB)
    budget = plan(cache, Path.cwd(), "--worker-memory", "100Mi")["budget"]
    assert isinstance(budget, dict)
    assert (budget["worker_bytes"], budget["worker_bytes_from"]) == (100 * MIB, "user")
    assert budget["shared_bytes"] == 7 * MIB


def test_a_recorded_machine_was_not_measured(cache: Path, tmp_path: Path) -> None:
    """What is kept here says nothing of it."""
    keep_size(ARGV, Interpreter(), variables(cache), worker_bytes=20 * MIB, inherited_bytes=0, shared_bytes=7 * MIB)
    root = tmp_path / "root"
    root.mkdir()
    budget = plan(cache, Path.cwd(), "--root", str(root))["budget"]
    assert isinstance(budget, dict)
    assert budget["worker_bytes_from"] == "default"


def test_run_says_nothing_of_a_stale_measurement_unless_it_is_asked(cache: Path) -> None:
    """A line at each start would be one too many; with -v it is one."""
    program = Path("gunicorn")
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    argv = ("./gunicorn", "app:app")
    keep_size(argv, Interpreter(), variables(cache), worker_bytes=20 * MIB, inherited_bytes=0, shared_bytes=7 * MIB)
    Path("requirements.txt").write_text("flask\n")
    quiet = call("run", "--", *argv, environment=variables(cache), directory=Path.cwd())
    verbose = call("run", "-v", "--", *argv, environment=variables(cache), directory=Path.cwd())
    assert (quiet.returncode, verbose.returncode) == (0, 0)
    assert "measured" not in quiet.stderr
    assert verbose.stderr.count("measured worker size") == 1
