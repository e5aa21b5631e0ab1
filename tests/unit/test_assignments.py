"""Settings files: what they say literally is read, what they compute is said and not known, and none is run."""

from __future__ import annotations

import configparser
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.assignments import read_lines, read_python
from cgtune.words import UNKNOWN

# Python -> what it says; None: nothing can be told of the file.
PYTHON: dict[str, dict[str, str] | None] = {
    "": {},
    "workers = 4": {"workers": "4"},
    "workers: int = 4": {"workers": "4"},
    "workers: int": {},
    "workers = -1": {"workers": "-1"},
    "workers = 4.5": {"workers": "4.5"},
    "workers = None": {"workers": "None"},
    "preload_app = True": {"preload_app": "True"},
    "workers = '4'  # four": {"workers": "4"},
    "workers = 2\nworkers = 4": {"workers": "4"},
    "workers, threads = 4, 2": {"workers": "4", "threads": "2"},
    "[workers, threads] = (4, 2)": {"workers": "4", "threads": "2"},
    "workers = threads = 4": {"workers": "4", "threads": "4"},
    "a, *workers = 1, 2": {"a": "1", "workers": UNKNOWN},
    "workers, threads = sizes()": {"workers": UNKNOWN, "threads": UNKNOWN},
    "workers, threads = 1, 2, 3": {"workers": UNKNOWN, "threads": UNKNOWN},
    "worker_class = UvicornWorker": {"worker_class": "UvicornWorker"},
    "worker_class = uvicorn.workers.UvicornWorker": {"worker_class": "UvicornWorker"},
    "import os\nworkers = os.cpu_count() * 2 + 1": {"os": UNKNOWN, "workers": UNKNOWN},
    "workers = int(os.environ.get('W', 4))": {"workers": UNKNOWN},
    "workers = 4\nif DEBUG:\n    workers = 1": {"workers": UNKNOWN},
    "if DEBUG:\n    workers = 1\nworkers = 4": {"workers": "4"},
    "workers = 4\nworkers += 1": {"workers": UNKNOWN},
    "workers = 4\ntry:\n    workers = 5\nexcept E as e:\n    pass": {"workers": UNKNOWN, "e": UNKNOWN},
    "for workers in range(4): pass": {"workers": UNKNOWN},
    "with open(a) as workers: pass": {"workers": UNKNOWN},
    "(workers := 4)": {"workers": UNKNOWN},
    "from sizes import workers": {"workers": UNKNOWN},
    "from sizes import count as workers": {"workers": UNKNOWN},
    "import workers.count": {"workers": UNKNOWN},
    "def workers():\n    threads = 2": {"workers": UNKNOWN},
    "class workers:\n    threads = 2": {"workers": UNKNOWN},
    "def f():\n    threads = 2\nf()": {"f": UNKNOWN},
    "f = lambda: (threads := 2)": {"f": UNKNOWN},
    "a.workers = 4\nb['threads'] = 2": {},
    "workers = 4\ndel workers": {"workers": UNKNOWN},
    "match x:\n    case workers: pass": {"workers": UNKNOWN},
    "match x:\n    case [*workers]: pass": {"workers": UNKNOWN},
    "def f():\n    global workers\n    workers = 9\nworkers = 4\nf()": {"f": UNKNOWN, "workers": UNKNOWN},
    "def f():\n    globals()['workers'] = 9\nworkers = 4\nf()": None,
    "def post_fork(server, worker):\n    x = vars(worker)": {"post_fork": UNKNOWN},
    "workers = [n for n in (1, 2)][0]": {"workers": UNKNOWN, "n": UNKNOWN},
    "try: pass\nexcept E as workers: pass": {"workers": UNKNOWN},
    "from base import *": None,
    "exec(open('base.py').read())": None,
    "globals()['workers'] = 4": None,
    "vars().update(workers=4)": None,
    "if x:\n    from base import *": None,
    "workers = ": None,
    "workers: 4 = = 2": None,
    "workers = 4\n  threads = 2": None,
    "\0": None,
    "(" * 5000: None,
    "workers = " + "1+" * 30_000 + "1": None,
}


@pytest.mark.parametrize("text", PYTHON, ids=lambda text: text[:40])
def test_python_is_read_and_not_run(text: str) -> None:
    """Names as the file leaves them; what may be anything is UNKNOWN."""
    if text.startswith("workers = 1+"):
        # How deep it may be is the interpreter's to say: 3.13 and later take more.
        assert read_python(text) in (None, {"workers": UNKNOWN})
        return
    assert read_python(text) == PYTHON[text]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a = 'gr\xc3\xb6\xc3\x9fer'", {"a": "größer"}),
        (b"\xef\xbb\xbfa = 4", {"a": "4"}),
        (b"# coding: latin-1\na = 'gr\xf6\xdfer'", {"a": "größer"}),
        (b"#!/usr/bin/python\n# -*- coding: cp1252 -*-\na = '\x80'", {"a": "€"}),
        (b"a = 'gr\xf6\xdfer'", None),
        (b"# coding: nobody-knows\na = 4", None),
        (b"# coding: base64\na = 4", None),
        (b"\0", None),
    ],
)
def test_bytes_are_decoded_as_python_does(data: bytes, said: dict[str, str] | None) -> None:
    """By the line that names an encoding, else as UTF-8."""
    assert read_python(data) == said


@given(st.sampled_from([b"", b"# coding: utf-16\n", b"# coding: latin-1\n", b"# coding: "]), st.binary(max_size=30))
def test_any_bytes_are_read_or_not(start: bytes, data: bytes) -> None:
    """Nothing raises."""
    said = read_python(start + data)
    assert said is None or isinstance(said, dict)


def test_a_number_of_thousands_of_digits_is_not_known() -> None:
    """Python itself refuses to write it."""
    said = read_python(f"workers = 0x{'f' * 5000}")
    assert said == {"workers": UNKNOWN}


def test_nothing_of_a_settings_file_is_run(tmp_path: Path) -> None:
    """Neither its code nor its decorators, defaults and imports."""
    proof = tmp_path / "proof"
    line = f"open({str(proof)!r}, 'w')"
    read_python(f"{line}\n@{line}\ndef f(a={line}): pass\nclass A({line}): pass\nworkers: {line} = {line}\n")
    assert not proof.exists()


def test_a_doubtful_file_warns_of_nothing() -> None:
    """Its own run does; here a warning would be an error."""
    assert read_python("bind = '\\d'\nworkers = 1 is 1\n") == {"bind": "\\d", "workers": UNKNOWN}


VALUES = st.one_of(st.integers(), st.booleans(), st.none(), st.text(max_size=5), st.floats(0, 9)).map(repr)
NAMES = st.sampled_from("abc")
STATEMENTS = st.one_of(
    st.tuples(NAMES, VALUES).map(" = ".join),
    st.tuples(NAMES, VALUES).map(": object = ".join),
    st.tuples(NAMES, NAMES, VALUES).map(lambda parts: f"{parts[0]} = {parts[1]} = {parts[2]}"),
    st.tuples(NAMES, NAMES, VALUES, VALUES).map(lambda parts: "{}, {} = {}, {}".format(*parts)),
    st.tuples(NAMES, VALUES).map(lambda parts: "if True:\n    {} = {}".format(*parts)),
    st.tuples(NAMES, VALUES).map(lambda parts: "for {} in [{}]: pass".format(*parts)),
    NAMES.map(lambda name: f"def {name}(): pass"),
    NAMES.map(lambda name: f"import sys as {name}"),
    NAMES.map(lambda name: f"{name} = len('ab')"),
)


@given(st.lists(STATEMENTS, max_size=5).map("\n".join))
def test_what_is_known_is_what_a_run_would_leave(text: str) -> None:
    """Compared with running it: each name that it leaves is said, and each value that is said is the one."""
    space: dict[str, object] = {}
    exec(compile(text, "config", "exec"), space)
    del space["__builtins__"]
    space.pop("__annotations__", None)
    said = read_python(text)
    assert said is not None
    assert set(said) == {name for name in space if not name.startswith("__")}
    assert all(value in (UNKNOWN, str(space[name])) for name, value in said.items())


@given(st.text(max_size=40) | st.text("ab =:\n()[]{},.*'\"#\\+-0x1", max_size=40))
def test_any_text_is_read_or_not(text: str) -> None:
    """Nothing raises, also not for what is no Python at all."""
    for said in (read_python(text), dict(read_lines(text)), dict(read_lines(text, "uwsgi"))):
        assert said is None or all(isinstance(value, str) for value in said.values())


INI = """\
first = 0
[uwsgi]
; processes = 9
# processes = 9
processes=4
 threads = 2 # two
name = "a # b"
other = 'c'
url = http://host/#part
empty =
no value
[ other ]
processes = 6
[uwsgi]
processes = 5
"""


def test_lines_are_read_by_their_section() -> None:
    """In their order, without comments and quotes; a section may come again."""
    assert read_lines(INI, "uwsgi") == [
        ("processes", "4"),
        ("threads", "2"),
        ("name", "a # b"),
        ("other", "c"),
        ("url", "http://host/#part"),
        ("empty", ""),
        ("processes", "5"),
    ]
    assert read_lines(INI, "other") == [("processes", "6")]
    assert read_lines(INI) == [("first", "0")]
    assert read_lines(INI, "none") == []


@given(st.dictionaries(st.sampled_from("abc"), st.text("xy1%=;", min_size=1, max_size=4), max_size=3))
def test_lines_are_read_as_configparser_reads_them(values: dict[str, str]) -> None:
    """A plain file, written by the one and read by the other."""
    parser = configparser.RawConfigParser()
    text = "[uwsgi]\n" + "".join(f"{name} = {value}\n" for name, value in values.items())
    parser.read_string(text)
    assert dict(read_lines(text, "uwsgi")) == dict(parser["uwsgi"])


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib is new in 3.11")
@given(st.dictionaries(st.sampled_from("abc"), st.integers(-9, 99) | st.booleans() | st.just("x y"), max_size=3))
def test_lines_are_read_as_tomllib_reads_them(values: dict[str, int | bool | str]) -> None:
    """The values before the first table."""
    import tomllib  # type: ignore[import-not-found,unused-ignore]  # mypy checks for 3.10, which has none

    text = "".join(
        f'{name} = "{value}"  # said\n' if isinstance(value, str) else f"{name} = {str(value).lower()}\n"
        for name, value in values.items()
    )
    said = dict(read_lines(text + "[table]\na = 7\n"))
    expected = {name: value for name, value in tomllib.loads(text).items() if name != "table"}
    assert said == {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in expected.items()
    }
