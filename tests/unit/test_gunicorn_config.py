"""gunicorn's config file is looked for where it looks, and what it says literally is read."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cgtune.files import ProgramFiles
from cgtune.runtimes import recognise
from cgtune.settings import Command
from tests.unit.programs import number, recognised

CONFIG = "workers = 7\nthreads = 5\nworker_class = 'gevent'\npreload_app = True\n"


def _of_config(command: Command) -> bool:
    """Whether a command was read from the file above; fails where only a part of it was."""
    found = [given and given.value for given in (command.workers, command.threads)]
    is_read = found == [7, 5]
    assert is_read or found == [None, None]
    assert (command.is_preloading, command.kind == "async-web") == (is_read, is_read)
    return is_read


@pytest.mark.parametrize(
    ("line", "path", "is_read"),
    [
        ("gunicorn app:app", "gunicorn.conf.py", True),
        ("gunicorn", "gunicorn.conf.py", True),
        ("gunicorn --chdir srv app:app", "gunicorn.conf.py", True),
        ("gunicorn --chdir srv app:app", "srv/gunicorn.conf.py", False),
        ("gunicorn -c conf.py app:app", "conf.py", True),
        ("gunicorn -cconf.py app:app", "conf.py", True),
        ("gunicorn --conf conf.py app:app", "conf.py", True),
        ("gunicorn --config=file:conf.py app:app", "conf.py", True),
        ("gunicorn -c /etc/conf app:app", "/etc/conf", True),
        ("gunicorn -c conf.py --chdir srv app:app", "conf.py", True),
        ("gunicorn -c conf.py --chdir srv app:app", "srv/conf.py", False),
        ("gunicorn -c python:shop.conf app:app", "shop/conf.py", True),
        ("gunicorn -c other.py app:app", "gunicorn.conf.py", False),
        ("gunicorn -c '' app:app", "gunicorn.conf.py", True),
        ("gunicorn -c a.py -c conf.py app:app", "conf.py", True),
        ("gunicorn app:app -- -c conf.py", "conf.py", False),
        ("sh -c 'cd /srv && exec gunicorn app:app'", "/srv/gunicorn.conf.py", True),
        ("sh -c 'cd /srv && exec gunicorn -c conf.py app:app'", "/srv/conf.py", True),
        ("sh -c 'cd /srv && exec gunicorn app:app'", "gunicorn.conf.py", False),
        ("env -C /srv gunicorn app:app", "/srv/gunicorn.conf.py", True),
    ],
)
def test_its_config_file_is_looked_for_where_it_looks(line: str, path: str, is_read: bool) -> None:
    """In the folder it starts in, never in the one of --chdir, which it enters later."""
    assert _of_config(recognised(line, files={path: CONFIG})) is is_read


def test_the_config_file_of_the_command_line_is_the_one() -> None:
    """Of the two that may be named, and only one is read."""
    files = {"one.py": "workers = 1", "two.py": "workers = 2", "gunicorn.conf.py": "workers = 3"}
    environment = {"GUNICORN_CMD_ARGS": "-c one.py"}
    assert number(recognised("gunicorn app:app", environment, files).workers) == ("1", 1, "one.py")
    assert number(recognised("gunicorn -c two.py app:app", environment, files).workers) == ("2", 2, "two.py")
    assert number(recognised("gunicorn app:app", {}, files).workers) == ("3", 3, "gunicorn.conf.py")


def test_each_place_is_stronger_than_the_one_before() -> None:
    """WEB_CONCURRENCY < config file < GUNICORN_CMD_ARGS < command line."""
    files = {"gunicorn.conf.py": CONFIG}
    environment = {"WEB_CONCURRENCY": "3"}
    assert number(recognised("gunicorn app:app", environment).workers) == ("3", 3, "WEB_CONCURRENCY")
    assert number(recognised("gunicorn app:app", environment, files).workers) == ("7", 7, "gunicorn.conf.py")
    environment["GUNICORN_CMD_ARGS"] = "--workers 4"
    assert number(recognised("gunicorn app:app", environment, files).workers) == ("4", 4, "GUNICORN_CMD_ARGS")
    assert number(recognised("gunicorn -w 2 app:app", environment, files).workers) == ("2", 2, "command line")


def test_what_the_config_file_computes_is_theirs_and_not_known() -> None:
    """It is not run to find out."""
    files = {"gunicorn.conf.py": "import os\nworkers = os.cpu_count() * 2 + 1\n"}
    assert number(recognised("gunicorn app:app", {"WEB_CONCURRENCY": "3"}, files).workers) == (
        *("…", None),
        "gunicorn.conf.py",
    )


@pytest.mark.parametrize(
    ("line", "files", "name"),
    [
        ("gunicorn -c missing.py app:app", {}, "missing.py"),
        ("gunicorn -c python:shop.conf app:app", {}, "python:shop.conf"),
        ("gunicorn -c conf/$ENV.py app:app", {"conf/live.py": CONFIG}, "conf/$ENV.py"),
        ("gunicorn -c conf.py app:app", {"conf.py": None}, "conf.py"),
        ("gunicorn -c conf.py app:app", {"conf.py": "from base import *"}, "conf.py"),
        ("gunicorn app:app", {"gunicorn.conf.py": "from base import *\nbind = ':80'"}, "gunicorn.conf.py"),
        ("gunicorn app:app", {"gunicorn.conf.py": None}, "gunicorn.conf.py"),
        ("uv run --directory srv gunicorn -c conf.py app:app", {}, "conf.py"),
    ],
)
def test_what_a_config_file_may_say_is_theirs_and_not_known(
    line: str, files: dict[str, str | None], name: str
) -> None:
    """A file that is named, or there, and cannot be read; only a number in a stronger place is known."""
    command = recognised(line, {"WEB_CONCURRENCY": "3"}, files)
    assert (number(command.workers), number(command.threads)) == (("…", None, name), ("…", None, name))
    stronger = recognised(f"{line} -w 2", {"WEB_CONCURRENCY": "3"}, files)
    assert (number(stronger.workers), number(stronger.threads)) == (("2", 2, "command line"), ("…", None, name))


@pytest.mark.parametrize("line", ["gunicorn app:app", "uv run --directory srv gunicorn app:app"])
def test_the_config_file_that_nobody_named_need_not_be_there(line: str) -> None:
    """Also in a folder that is not known, it says nothing."""
    command = recognised(line, {"WEB_CONCURRENCY": "3"})
    assert (number(command.workers), command.threads) == (("3", 3, "WEB_CONCURRENCY"), None)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")
def test_the_config_file_may_have_an_encoding_of_its_own(tmp_path: Path) -> None:
    """Python's own: without such a line these bytes are none of UTF-8, and no server would start."""
    (tmp_path / "conf.py").write_bytes(b"# coding: latin-1\nproc_name = 'gr\xf6\xdfer'\nworkers = 7\n")
    (tmp_path / "none.py").write_bytes(b"proc_name = 'gr\xf6\xdfer'\nworkers = 7\n")
    found = [
        number(recognise(("gunicorn", "-c", f"{tmp_path}/{name}"), {}, ProgramFiles({})).workers)
        for name in ("conf.py", "none.py")
    ]
    assert found == [("7", 7, f"{tmp_path}/conf.py"), ("…", None, f"{tmp_path}/none.py")]
