"""The few files beside a program are read as the program would find them; what cannot be read is not there."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from cgtune.files import MOST_TEXT_BYTES, NoFiles, ProgramFiles
from tests.unit.command import write_program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProgramFiles:
    """Those seen from a folder of its own, with two folders in PATH."""
    monkeypatch.chdir(tmp_path)
    for folder in ("one", "two", "sub"):
        (tmp_path / folder).mkdir()
    return ProgramFiles({"PATH": f"{tmp_path}/one:{tmp_path}/two"})


def test_a_program_is_found_as_execvp_finds_it(files: ProgramFiles, tmp_path: Path) -> None:
    """The first that may be run; folders and files that may not are passed over."""
    (tmp_path / "one/tool").write_text("no program")
    (tmp_path / "one/folder").mkdir()
    write_program(tmp_path / "two/tool", "#!/bin/sh\n")
    write_program(tmp_path / "two/folder", "#!/bin/sh\n")
    assert files.find("tool") == f"{tmp_path}/two/tool"
    assert files.find("folder") == f"{tmp_path}/two/folder"
    assert files.find("none") is None
    assert files.find("") is None
    write_program(tmp_path / "one/tool", "#!/bin/sh\n")
    assert files.find("tool") == f"{tmp_path}/one/tool"


def test_an_empty_part_of_the_path_is_where_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As POSIX has it; without PATH there is the system's."""
    monkeypatch.chdir(tmp_path)
    write_program(tmp_path / "tool", "")
    assert ProgramFiles({"PATH": ""}).find("tool") == "./tool"
    assert ProgramFiles({"PATH": "/nowhere"}).find("tool") is None
    assert ProgramFiles({}).find("sh") is not None


def test_a_path_is_none_of_paths(files: ProgramFiles, tmp_path: Path) -> None:
    """It counts from where the program starts, and need not be one that may be run."""
    (tmp_path / "sub/tool").write_text("x")
    assert files.find("sub/tool") == "sub/tool"
    assert files.find("./tool") is None
    assert files.find("sub") is None
    seen = files.seen_from(f"{tmp_path}/sub")
    assert seen.find("./tool") == f"{tmp_path}/sub/./tool"
    assert files.seen_from(None).find("./tool") is None
    assert files.seen_from(None).find(f"{tmp_path}/sub/tool") == f"{tmp_path}/sub/tool"
    assert files.find("./tool") is None


def test_first_lines_are_no_more_than_that(files: ProgramFiles, tmp_path: Path) -> None:
    """Nothing for what is not there."""
    write_program(tmp_path / "one/tool", "#!/bin/sh\n" + "x" * 10_000)
    assert files.first_lines("tool")[:10] == b"#!/bin/sh\n"
    assert len(files.first_lines("tool")) == 512
    assert files.first_lines("none") == b""


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"workers = 4\n", "workers = 4\n"),
        (b"", ""),
        (b"\xef\xbb\xbfworkers = 4", "workers = 4"),
        ("# größer".encode(), "# größer"),
        (b"# gr\xf6\xdfer", None),
        (b"\x80\x02}q", None),
        (b"#" * MOST_TEXT_BYTES, "#" * MOST_TEXT_BYTES),
        (b"#" * (MOST_TEXT_BYTES + 1), None),
    ],
    ids=["plain", "empty", "byte order mark", "UTF-8", "Latin-1", "binary", "large", "too large"],
)
def test_a_text_is_small_and_utf8(files: ProgramFiles, tmp_path: Path, data: bytes, text: str | None) -> None:
    """Anything else is as good as not there, but it is known that something is."""
    (tmp_path / "sub/conf").write_bytes(data)
    assert files.read_text("sub/conf") == text
    assert files.seen_from("sub").read_text("conf") == text
    assert files.seen_from(None).read_text(f"{tmp_path}/sub/conf") == text
    assert files.may_exist("sub/conf") is True


@pytest.mark.timeout(20)
def test_what_is_no_regular_file_is_not_opened_for_good(files: ProgramFiles, tmp_path: Path) -> None:
    """A FIFO would block, a device might answer for ever; a folder, a loop and a lost link are no text either."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "lost").symlink_to("nowhere")
    for name in ("fifo", "loop", "lost", "sub", "/dev/zero", "a\0b", "sub/x/y", "n" * 5000):
        assert files.read_text(name) is None
        assert files.first_lines(f"./{name}") == b""
    assert [files.may_exist(name) for name in ("fifo", "loop", "lost", "sub", "none")] == [True] * 4 + [False]


def test_no_descriptor_is_left_open(files: ProgramFiles, tmp_path: Path) -> None:
    """Also where there is nothing to read."""
    before = len(os.listdir("/dev/fd"))
    for name in ("sub", "none", "/dev/null", "/dev/zero"):
        files.read_text(name)
    assert len(os.listdir("/dev/fd")) == before


def test_what_may_be_there_is_not_denied(files: ProgramFiles) -> None:
    """Where the folder is not known, it may."""
    assert files.may_exist("conf") is False
    assert files.seen_from(None).may_exist("conf") is True
    assert files.seen_from(None).read_text("conf") is None


def test_a_link_is_followed_to_its_end(files: ProgramFiles, tmp_path: Path) -> None:
    """python -> python3 -> python3.12."""
    write_program(tmp_path / "one/python3.12", "")
    (tmp_path / "one/python3").symlink_to("python3.12")
    (tmp_path / "one/python").symlink_to("python3")
    assert files.resolve(f"{tmp_path}/one/python") == str((tmp_path / "one/python3.12").resolve())


def test_a_file_that_grows_is_read_to_a_bound(files: ProgramFiles, tmp_path: Path) -> None:
    """However fast somebody writes to it."""
    log = tmp_path / "log"
    log.touch()
    stop = threading.Event()

    def write() -> None:
        with log.open("ab", buffering=0) as file:
            while not stop.is_set() and file.tell() < 1 << 22:
                file.write(b"#" * 4096)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        text = files.read_text("log")
        assert text is None or len(text) <= MOST_TEXT_BYTES
    finally:
        stop.set()
        writer.join()


def test_a_recorded_machine_has_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this one is looked at."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf").write_text("workers = 4")
    none = NoFiles()
    assert (none.find("sh"), none.find("/bin/sh"), none.first_lines("/bin/sh")) == (None, None, b"")
    assert (none.read_text("conf"), none.may_exist("conf")) == (None, False)
    assert (none.own_prefix, none.own_version) == (None, None)
    assert none.seen_from("sub").read_text("conf") is None
