"""The config file: where it is found, how its text is read, and what no file can do to a program."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.arguments import parse_arguments
from cgtune.config import Config
from cgtune.config_file import load_config, read_settings
from cgtune.errors import UsageError
from cgtune.options import COMMAND_LINE_ONLY, NOT_IN_FILE, OPTIONS, Option
from tests.unit.command import call, complaint, write_program
from tests.unit.test_options import name_of, sample

pytestmark = pytest.mark.usefixtures("no_default")

yaml: Any = pytest.importorskip("yaml", reason="only a config file needs PyYAML")
LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if hasattr(yaml, "CSafeLoader") else [])]
NOT_WINDOWS = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")


@pytest.fixture(params=LOADERS, ids=lambda loader: loader.__name__)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[Any]:
    """Each of PyYAML's two parsers; the one in C is not everywhere."""
    monkeypatch.setattr("cgtune.config_yaml._LOADER", request.param)
    found: type[Any] = request.param
    return found


def load(text: str | bytes, folder: Path, command: str = "run") -> Config:
    """The settings of a file of this content alone."""
    path = folder / "c.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_config(command, {"config": str(path)}, {})


def warnings_of(config: Config, folder: Path) -> list[str]:
    """Without the folder's own name."""
    return [warning.replace(str(folder), "") for warning in config.warnings]


# --- where it is found


def test_without_a_file_there_are_the_defaults() -> None:
    """And not a word about it."""
    assert load_config("run", {}, {}) == Config()


def test_the_default_file_is_read_if_it_is_there(no_default: Path) -> None:
    """Where a ConfigMap is mounted."""
    no_default.parent.mkdir()
    no_default.write_text("workers: 3\n")
    config = load_config("run", {}, {})
    assert (config.workers, config.origin_of("workers"), config.config) == (3, f"{no_default}:1", None)


def test_a_named_file_takes_the_place_of_the_default(no_default: Path, tmp_path: Path) -> None:
    """`--config`, else CGTUNE_CONFIG, else the default: one file is read."""
    no_default.parent.mkdir()
    no_default.write_text("workers: 1\nthreads: 1\n")
    (tmp_path / "variable.yaml").write_text("workers: 2\n")
    (tmp_path / "flag.yaml").write_text("workers: 3\n")
    variable = {"CGTUNE_CONFIG": str(tmp_path / "variable.yaml")}
    flag = {"config": str(tmp_path / "flag.yaml")}
    assert [load_config("run", *layers).workers for layers in (({}, {}), ({}, variable), (flag, variable))] == [
        1,
        2,
        3,
    ]
    assert load_config("run", {}, variable).threads == "keep"
    assert load_config("run", {}, {"CGTUNE_CONFIG": ""}).workers == 1


def test_a_recording_is_asked_without_the_callers_surroundings(no_default: Path, tmp_path: Path) -> None:
    """Neither its variables nor its file; what a flag names is meant."""
    no_default.parent.mkdir()
    no_default.write_text("workers: 1\n")
    (tmp_path / "flag.yaml").write_text("workers: 3\n")
    environment = {"CGTUNE_THREADS": "4", "CGTUNE_CONFIG": str(tmp_path / "flag.yaml")}
    assert load_config("plan", {}, environment, is_recorded=True) == Config()
    assert load_config("plan", {"config": str(tmp_path / "flag.yaml")}, environment, is_recorded=True).workers == 3


@NOT_WINDOWS
def test_a_config_map_is_read_through_its_links(tmp_path: Path) -> None:
    """As the kubelet lays one out, and through its next version."""
    for version, workers in (("..2026_1", 3), ("..2026_2", 4)):
        (tmp_path / version).mkdir()
        (tmp_path / version / "config.yaml").write_text(f"workers: {workers}\n")
    (tmp_path / "config.yaml").symlink_to("..data/config.yaml")
    for version, workers in (("..2026_1", 3), ("..2026_2", 4)):
        (tmp_path / "..new").symlink_to(version)
        (tmp_path / "..new").rename(tmp_path / "..data")
        assert load_config("run", {"config": str(tmp_path / "config.yaml")}, {}).workers == workers


# --- how it is read


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.name not in NOT_IN_FILE], ids=name_of)
def test_a_key_says_the_same_as_the_option(option: Option, tmp_path: Path) -> None:
    """In all three forms: flag, variable and key, written with either dash, quoted or not."""
    word, meaning, wrong = sample(option)
    by_flag = load_config(
        "run", parse_arguments("run", [f"--{option.name}"] + [word] * (option.kind != "flag"))[0], {}
    )
    by_variable = load_config("run", {}, {option.variable: word})
    written = f"'{word}'" if "{" in word else word
    for line in (f"{option.field}: {written}", f"{option.name}: {written}", f'{option.name}: "{word}"'):
        by_key = load(line, tmp_path)
        for config in (by_flag, by_variable, by_key):
            assert (getattr(config, option.field), config.warnings) == (meaning, ())
        assert by_key.origin_of(option.name) == f"{tmp_path}/c.yaml:1"
    assert (by_flag.origin_of(option.name), by_variable.origin_of(option.name)) == (
        f"--{option.name}",
        option.variable,
    )
    (warning,) = load(f"{option.field}: '{wrong}'", tmp_path).warnings
    assert warning.startswith(f"{tmp_path}/c.yaml:1: {option.field}: ")


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.name in NOT_IN_FILE], ids=name_of)
def test_what_a_file_cannot_say(option: Option, tmp_path: Path) -> None:
    """What to print, and where the file itself is."""
    assert warnings_of(load(f"{option.field}: x", tmp_path), tmp_path) == [
        f"/c.yaml:1: {option.field}: no such key; it belongs on the command line"
    ]
    assert option.name == "config" or option.name in COMMAND_LINE_ONLY


WHOLE = """\
# our container
workers: 4          # a comment

max-workers: 0x10
disable:
  - gc
  - "malloc"
env:
  POOL: "{workers * 4}"
  CACHE: >-
    {memory_mib // 8}m
  EMPTY: ""
  NOT_SET:
  QUOTED: 'null'
  YES: yes
memory_limit: 1e9
cpu_limit: 010
quiet: on
strict: null
threads: ~
kind:
"""


def test_a_value_is_the_text_that_was_written(tmp_path: Path, loader: type[Any]) -> None:
    """Not what YAML 1.1 makes of it: 010 is ten, 1e9 a size, `on` a switch, 0x10 no number; null is not set."""
    config = load(WHOLE, tmp_path)
    assert (config.workers, config.disable, config.memory_limit, config.cpu_limit) == (
        4,
        ("gc", "malloc"),
        10**9,
        10.0,
    )
    assert (config.quiet, config.strict, config.threads, config.kind) == (True, False, "keep", None)
    assert {name: template.text for name, template in config.env} == {
        "POOL": "{workers * 4}",
        "CACHE": "{memory_mib // 8}m",
        "EMPTY": "",
        "QUOTED": "null",
        "YES": "yes",
    }
    assert warnings_of(config, tmp_path) == ["/c.yaml:4: max-workers: '0x10' is not a number from 1 to 10000"]
    assert config.origin_of("env.CACHE") == f"{tmp_path}/c.yaml:10"
    assert not config.is_said("threads")
    assert loader in LOADERS


NOTHING = [
    "",
    "\n",
    "# nothing\n",
    "---\n",
    "--- # x\n...\n",
    "~\n",
    "null",
    "{}",
    "\ufeff",
    "\ufeff# x\n",
    "%YAML 1.1\n---\n",
]


@pytest.mark.parametrize("text", NOTHING, ids=repr)
def test_an_empty_file_says_nothing(text: str, tmp_path: Path, loader: type[Any]) -> None:
    """Nor is it wrong."""
    config = load(text, tmp_path)
    assert config.replace(config=None, origins=()) == Config()
    assert loader in LOADERS


FINE = {
    "windows line ends": "workers: 3\r\nthreads: 4\r\n",
    "a byte order mark": "\ufeffworkers: 3\nthreads: 4\n",
    "braces": "{workers: 3, threads: 4}",
    "no line end": "workers: 3\nthreads: 4",
    "quoted keys": "'workers': 3\n\"threads\": 4\n",
    "an end": "---\nworkers: 3\nthreads: 4\n...\n",
    "tags": "!!map\nworkers: !!int 3\nthreads: !mine '4'\n",
    "a block": "workers: >-\n  3\nthreads: 4",
}


@pytest.mark.parametrize("case", FINE)
def test_other_ways_of_writing_it(case: str, tmp_path: Path, loader: type[Any]) -> None:
    """YAML is YAML."""
    config = load(FINE[case], tmp_path)
    assert (config.workers, config.threads, config.warnings) == (3, 4, ())
    assert loader in LOADERS


# The line of the error, and a part of what is said.
MALFORMED: dict[str, tuple[str | bytes, int, str]] = {
    "a list": ("- workers\n", 1, "not a mapping of keys to values"),
    "a word": ("\nworkers\n", 2, "not a mapping of keys to values"),
    "a bracket left open": ("threads: 1\nworkers: [1\n", 0, "no YAML: "),
    "a quote left open": ("workers: '3\n", 0, "no YAML: "),
    "a colon forgotten": ("threads: 1\nworkers 3\nkind: data\n", 2, "no YAML: could not find expected ':'"),
    "a tab": ("env:\n\tPOOL: 3\n", 2, "no YAML: a tab, where YAML wants spaces"),
    "a tab further on": ("env:\n  A: 1\n\tPOOL: 3\n", 3, "no YAML: a tab, where YAML wants spaces"),
    "indents that do not fit": ("env:\n    A: 1\n  B: 2\n", 0, "no YAML: "),
    "a brace unquoted": ("env:\n  A: {workers * 4}x\n", 2, "no YAML: "),
    "a control character": ("threads: 1\nworkers: \x07\n", 2, "no YAML: a control character"),
    "one behind other scripts": ("# ünïcödé 漢字\nworkers: \x07\n", 2, "no YAML: a control character"),
    "an alias": ("workers: &a 3\nthreads: *a\n", 1, "anchors and aliases are not read here"),
    "an alias alone": ("threads: *a\n", 1, "anchors and aliases are not read here"),
    "a merge": ("x: 1\n<<: *a\n", 2, "anchors and aliases are not read here"),
    "a second document": ("workers: 3\n---\nworkers: 4\n", 2, "a second document; only one is read"),
    "a list as key": ("workers: 3\n? [a, b]\n: c\n", 2, "a key is a word, not a list or a mapping"),
    "a mapping as key": ("{{a: b}: c}\n", 1, "a key is a word, not a list or a mapping"),
    "a later YAML": ("%YAML 9.9\n---\nworkers: 3\n", 1, "no YAML: "),
    "too many keys": ("".join(f"a{i}: 1\n" for i in range(101)), 101, "more than 100 keys"),
    "too many items": ("disable:\n" + "- a\n" * 1001, 1002, "more than 1000 items"),
    "latin-1": (b"threads: 1\nkind: \xe9\n", 2, "not UTF-8"),
    "utf-16": ("workers: 3\n".encode("utf-16"), 1, "not UTF-8"),
    "half a surrogate pair": (b"a: \xed\xa0\x80\n", 1, "not UTF-8"),
    "an image": (b"\x89PNG\r\n\x1a\n", 1, "not UTF-8"),
    "a program": (b"\x7fELF\x02\x01\x01" + b"\0" * 9, 1, "no YAML: a control character"),
    "an alias bomb": (
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
        1,
        "anchors and aliases are not read here",
    ),
    "too many nulls": ("env: {" + "A: ~, " * 1001 + "}", 1, "more than 1000 items"),
    "a deep list": ("workers: " + "[" * 100_000, 1, "nested deeper than 20"),
    "a deep mapping": ("workers: " + "{a: " * 100_000, 1, "nested deeper than 20"),
    "a deep item": ("env:\n  A: " + "[" * 100_000, 2, "nested deeper than 20"),
    "a deep block": ("".join(f"{' ' * depth}a:\n" for depth in range(200)), 23, "nested deeper than 20"),
    "a deep key": ("? " * 100_000, 1, "a key is a word, not a list or a mapping"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_no_config_is_one_line(case: str, tmp_path: Path, loader: type[Any]) -> None:
    """A warning at `run` with the file and its line, an error elsewhere; the file is then not there."""
    content, line, problem = MALFORMED[case]
    config = load(content, tmp_path)
    (warning,) = warnings_of(config, tmp_path)
    where, _, said = warning.removeprefix("/c.yaml:").partition(": ")
    assert said.startswith(problem)
    assert line in (0, int(where))
    assert warning.isprintable()
    assert len(warning) < 200
    assert config.replace(config=None, origins=(), warnings=()) == Config()
    with pytest.raises(UsageError) as caught:
        load(content, tmp_path, "plan")
    assert str(caught.value) == config.warnings[0]


def test_what_is_nested_too_deep_is_dropped_and_read_over(tmp_path: Path, loader: type[Any]) -> None:
    """Only that key."""
    deep = "[" * 19 + "]" * 19
    config = load(
        f"workers: {{a: {{b: [c]}}}}\nenv: {{A: {deep}, B: 2}}\ndisable: [{deep}, gc]\nthreads: 4\n", tmp_path
    )
    assert warnings_of(config, tmp_path) == [
        "/c.yaml:1: workers: a mapping, where auto|keep|N is wanted",
        "/c.yaml:2: env: A: a list or mapping, where a text is wanted",
        "/c.yaml:3: disable: a list of lists, where NAME is wanted",
    ]
    assert (config.threads, config.disable, [name for name, _ in config.env]) == (4, ("gc",), ["B"])
    assert loader in LOADERS


def test_a_key_of_any_length_is_named_in_a_short_line(tmp_path: Path) -> None:
    """A megabyte of it is not looked for among ours, nor said."""
    (warning,) = load(f"? {'workers' * 10_000}\n: 3\n", tmp_path).warnings
    assert len(warning) < 200
    (warning,) = load(f"workers: {'9' * 100_000}\n", tmp_path).warnings
    assert warning.endswith(": workers: longer than 100 characters")


@given(
    st.one_of(st.text(max_size=80).map(str.encode), st.binary(max_size=80), st.sampled_from([WHOLE.encode()])),
    st.data(),
)
def test_no_content_does_more_than_warn(content: bytes, data: st.DataObject) -> None:
    """Any bytes, and our own example cut or with bytes put in anywhere."""
    place = data.draw(st.integers(0, len(content)))
    settings = read_settings(content[:place] + data.draw(st.binary(max_size=4)) + content[place:], "f")
    for warning in settings.warnings:
        where, line, _ = warning.split(":", 2)
        assert where == "f"
        assert int(line) >= 1


# --- the real command


@pytest.fixture
def gunicorn(tmp_path: Path) -> Path:
    """A program of that name that prints one of its variables."""
    return write_program(tmp_path / "gunicorn", '#!/bin/sh\necho "workers $WEB_CONCURRENCY"\n')


def test_run_takes_its_settings_from_a_file(gunicorn: Path, tmp_path: Path) -> None:
    """By flag, and by variable; a flag beside it wins."""
    (tmp_path / "c.yaml").write_text("workers: 7\n")
    path = str(tmp_path / "c.yaml")
    assert call("run", "-q", "--config", path, gunicorn).stdout == "workers 7\n"
    assert call("run", "-q", gunicorn, environment={"CGTUNE_CONFIG": path}).stdout == "workers 7\n"
    assert call("run", "-q", "--workers=2", "--config", path, gunicorn).stdout == "workers 2\n"


def test_run_starts_the_program_with_a_broken_file(gunicorn: Path, tmp_path: Path) -> None:
    """One warning, and the rest counts; strict, it is exit code 2 and nothing starts."""
    (tmp_path / "c.yaml").write_text("workers: 7\nmax-wrkers: 3\n")
    path = str(tmp_path / "c.yaml")
    done = call("run", "-q", "--config", path, gunicorn)
    line = f"{path}:2: max-wrkers: no such key (did you mean max_workers?)"
    assert (done.returncode, done.stdout) == (0, "workers 7\n")
    assert complaint(done) == f"{line}; ignored"
    for words in (["run", "--strict", "--config", path, str(gunicorn)], ["plan", "--config", path]):
        done = call(*words)
        assert (complaint(done), done.returncode, done.stdout) == (line, 2, "")


def test_all_mistakes_are_named_at_once(gunicorn: Path, tmp_path: Path) -> None:
    """In the order of the file, then the variables: nobody wants to find them one by one."""
    path = tmp_path / "c.yaml"
    path.write_text("workers: many\nmax-wrkers: 3\ncpu_limit: fast\n")
    environment = {"CGTUNE_THREADS": "few"}
    done = call("run", "-q", "--config", path, gunicorn, environment=environment)
    lines = done.stderr.splitlines()
    assert (len(lines), done.returncode) == (4, 0)
    for words in (["run", "--strict"], ["plan"]):
        strict = call(*words, "--config", path, gunicorn, environment=environment)
        assert strict.stderr.splitlines() == [line.removesuffix("; ignored") for line in lines]
        assert (strict.returncode, strict.stdout) == (2, "")


def test_a_file_named_by_flag_must_be_there(gunicorn: Path) -> None:
    """Exit code 2; a variable's is a warning."""
    done = call("run", "--config", "/no/such/file", gunicorn)
    assert (complaint(done), done.returncode) == ("--config: /no/such/file: No such file or directory", 2)
    assert done.stdout == ""
    done = call("run", "-q", gunicorn, environment={"CGTUNE_CONFIG": "/no/such/file", "CGTUNE_WORKERS": "3"})
    assert (complaint(done), done.returncode, done.stdout) == (
        "CGTUNE_CONFIG: /no/such/file: No such file or directory; ignored",
        0,
        "workers 3\n",
    )


@NOT_WINDOWS
def test_run_does_not_wait_for_a_fifo(gunicorn: Path, tmp_path: Path) -> None:
    """The program starts, with what else was said."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    done = call("run", "-q", gunicorn, environment={"CGTUNE_CONFIG": str(fifo), "CGTUNE_WORKERS": "3"})
    assert (complaint(done), done.stdout) == (f"CGTUNE_CONFIG: {fifo}: not a regular file; ignored", "workers 3\n")
