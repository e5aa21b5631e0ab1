"""The program's Python: told by what stands in files and names, and never started."""

from __future__ import annotations

import pytest

from cgtune.command_line import look_through
from cgtune.interpreter import find_interpreter
from cgtune.settings import Interpreter
from tests.unit.programs import Files


class Machine(Files):
    """Files, symbolic links between them, and a prefix of our own."""

    def __init__(
        self,
        texts: dict[str, str],
        links: dict[str, str] | None = None,
        own: tuple[str, tuple[int, ...]] | None = None,
    ) -> None:
        super().__init__(texts)
        self.links = links or {}
        self.own_prefix, self.own_version = own or (None, None)

    def find(self, word: str) -> str | None:
        """PATH is /usr/bin."""
        return super().find(word if "/" in word else f"/usr/bin/{word}")

    def resolve(self, path: str) -> str:
        """One link is enough."""
        return self.links.get(path, path)


def interpreter_of(line: str, machine: Machine) -> Interpreter:
    """That of a command line on it."""
    return find_interpreter(look_through(line.split(), machine.first_lines), machine)


PYTHON = "/opt/venv/bin/python"


@pytest.mark.parametrize(
    ("settings", "version", "is_cpython"),
    [
        ("version = 3.12.1\n", (3, 12, 1), True),
        ("home = /usr/bin\nversion=3.9.2\n", (3, 9, 2), True),
        ("version_info = 3.13.0.final.0\n", (3, 13, 0), True),
        ("Version = 3.12\n", (3, 12), True),
        ("implementation = CPython\nversion_info = 3.11.7\n", (3, 11, 7), True),
        ("implementation = PyPy\nversion_info = 3.10.14\n", (3, 10, 14), False),
        ("version = 3\n", None, True),
        ("version = three.twelve\n", None, True),
        ("version = ²3.12\n", None, True),
        ("version = 3.99999.1\n", None, True),
        ("", None, True),
        ("\0\n=\n", None, True),
    ],
)
def test_a_virtual_environment_says_its_version(
    settings: str, version: tuple[int, ...] | None, is_cpython: bool
) -> None:
    """In pyvenv.cfg, as venv, virtualenv and uv write it; what is no version is none."""
    found = interpreter_of(f"{PYTHON} app.py", Machine({PYTHON: "", "/opt/venv/pyvenv.cfg": settings}))
    assert found == Interpreter(path=PYTHON, version=version, is_cpython=is_cpython)


@pytest.mark.parametrize(
    ("python", "link", "version", "is_cpython"),
    [
        ("/usr/bin/python3.12", None, (3, 12), True),
        ("/usr/bin/python3", "/usr/bin/python3.11", (3, 11), True),
        ("/usr/bin/python", "/usr/local/bin/python3.13t", (3, 13), True),
        ("/usr/bin/python3.13d", None, (3, 13), True),
        ("/usr/bin/python3", None, None, True),
        ("/usr/bin/pypy3", "/usr/bin/pypy3.10", None, False),
        ("/usr/bin/python3", "/usr/bin/pypy3.10", None, False),
        ("/usr/bin/python2", "/usr/bin/python2.7", (2, 7), False),
    ],
)
def test_a_name_says_the_version(
    python: str, link: str | None, version: tuple[int, ...] | None, is_cpython: bool
) -> None:
    """Its own, or that of the file that it links to."""
    machine = Machine({python: ""}, {python: link} if link else None)
    for line in (f"{python} app.py", f"{python.rpartition('/')[2]} app.py"):
        assert interpreter_of(line, machine) == Interpreter(path=python, version=version, is_cpython=is_cpython)


def test_the_file_of_the_environment_is_stronger_than_a_name() -> None:
    """It has three numbers, and is of the very one."""
    machine = Machine({PYTHON: "", "/opt/venv/pyvenv.cfg": "version = 3.12.1"}, {PYTHON: "/usr/bin/python3.12"})
    assert interpreter_of(f"{PYTHON} app.py", machine).version == (3, 12, 1)


def test_a_script_names_its_own() -> None:
    """Wherever the script lies; by env, it is the one in PATH."""
    texts = {
        "/usr/bin/gunicorn": f"#!{PYTHON}\n",
        "/usr/bin/celery": "#!/usr/bin/env python3.12\n",
        "/usr/bin/python3.12": "",
        PYTHON: "",
        "/opt/venv/pyvenv.cfg": "version = 3.11.7",
    }
    assert interpreter_of("gunicorn app:app", Machine(texts)) == Interpreter(path=PYTHON, version=(3, 11, 7))
    by_env = Interpreter(path="/usr/bin/python3.12", version=(3, 12))
    assert interpreter_of("celery worker", Machine(texts)) == by_env


@pytest.mark.parametrize(
    ("prefix", "name", "is_ours", "version"),
    [
        ("/opt/venv", "python", True, (3, 11, 7)),
        ("/opt/venv", "python3", True, (3, 11, 7)),
        ("/opt/venv", "python3.11", True, (3, 11, 7)),
        ("/opt/venv", "python3.12", False, (3, 12)),
        ("/opt/other", "python", False, None),
        (None, "python", False, None),
    ],
)
def test_our_own_is_known_with_all_its_numbers(
    prefix: str | None, name: str, is_ours: bool, version: tuple[int, ...] | None
) -> None:
    """The same prefix, and no other version in it."""
    python = f"/opt/venv/bin/{name}"
    found = interpreter_of(f"{python} app.py", Machine({python: ""}, own=(prefix, (3, 11, 7)) if prefix else None))
    assert (found.is_ours, found.version) == (is_ours, version)


@pytest.mark.parametrize(
    ("flags", "is_isolated"),
    [("-I", True), ("-E", True), ("-S", True), ("-uS", True), ("-u", False), ("-X dev", False), ("-s", False)],
)
def test_flags_may_keep_us_out(flags: str, is_isolated: bool) -> None:
    """-I and -E read no variables, -S no site; also where a script's first line has them."""
    machine = Machine({"/usr/bin/app": f"#!/usr/bin/python3 {flags}\n"})
    assert interpreter_of(f"python3 {flags} app.py", machine).is_isolated is is_isolated
    assert interpreter_of("/usr/bin/app", machine).is_isolated is is_isolated


@pytest.mark.parametrize("line", ["poetry run gunicorn", "uv run python3 app.py", "env PATH=/opt/bin python3 app.py"])
def test_one_that_another_path_finds_is_not_known(line: str) -> None:
    """Even where ours has one of that name."""
    machine = Machine(
        {"/usr/bin/python3": "", "/usr/bin/gunicorn": "#!/usr/bin/env python3\n"}, own=("/usr", (3, 11, 7))
    )
    assert interpreter_of(line, machine) == Interpreter()


def test_none_is_no_fault() -> None:
    """A Python that is not there, a relative one in a folder that is not known, no Python at all."""
    machine = Machine({})
    assert interpreter_of("python3.12 app.py", machine) == Interpreter(version=(3, 12))
    assert interpreter_of("./bin/python app.py", machine.seen_from(None)) == Interpreter()  # type: ignore[arg-type]
    assert interpreter_of("gunicorn", machine) == Interpreter()
