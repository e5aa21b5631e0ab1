"""Whose measurement counts, and where none can be kept."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from cgtune.measured import Found
from cgtune.measuring.keep import NotKept, keep_size
from tests.support import unavailable
from tests.unit.test_measured import ARGV, MIB, PYTHON, TEXT, find, keep, problem, variables

# --- whom to believe


def test_only_we_may_read_and_write_it(cache: Path) -> None:
    """0600 in a folder of 0700, also without a umask."""
    before = os.umask(0)
    try:
        file = keep(cache)
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o7777 == 0o600
    assert file.parent.stat().st_mode & 0o7777 == 0o700


def _link(file: Path) -> None:
    elsewhere = file.parent.parent / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)


def _fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file, 0o600)


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir(0o700)


@pytest.mark.parametrize(
    ("name", "spoil", "says"),
    [
        ("a symbolic link", _link, "symbolic link"),
        ("a FIFO, which must not block", _fifo, "not a regular file"),
        ("a folder", _folder, "not a regular file"),
        ("its group may write", lambda file: file.chmod(0o620), "others may write"),
        ("all may write", lambda file: file.chmod(0o602), "others may write"),
        ("all may write to the folder", lambda file: file.parent.chmod(0o777), "others may write"),
        ("too large", lambda file: file.write_text(TEXT + "x" * 5000), "too large"),
        ("empty", lambda file: file.write_bytes(b""), "not what cgtune measure writes"),
        ("garbage", lambda file: file.write_bytes(os.urandom(200)), "not what cgtune measure writes"),
        ("too small to be true", lambda file: file.write_text(TEXT.replace("41943040", "1")), "not what"),
    ],
)
def test_what_another_may_have_written_is_not_believed(cache: Path, name: str, spoil: object, says: str) -> None:
    """It is as if there were none, and why is told. Untouched, the control, it counts."""
    file = keep(cache)
    assert find(cache).size is not None
    assert callable(spoil)
    spoil(file)
    assert says in problem(find(cache)), name
    file.parent.chmod(0o700)


def test_what_others_may_only_read_is_believed(cache: Path) -> None:
    """A looser mode for reading takes nothing away."""
    file = keep(cache)
    file.chmod(0o644)
    file.parent.chmod(0o755)
    assert find(cache).size is not None


def test_a_file_of_another_user_is_not_believed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where we may read it, as root may."""
    file = keep(cache)
    if os.geteuid() == 0:
        os.chown(file, 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert "another user" in problem(find(cache))


def test_a_folder_that_is_a_link_holds_nothing(cache: Path, tmp_path: Path) -> None:
    """Neither is it read, nor written through."""
    folder = keep(cache).parent
    elsewhere = tmp_path / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    assert find(cache) == Found()
    with pytest.raises(NotKept):
        keep(cache, ("gunicorn", "b:app"))
    assert len(list(elsewhere.iterdir())) == 1


def test_a_link_in_the_place_of_the_file_is_replaced_not_followed(cache: Path, tmp_path: Path) -> None:
    """Who plants one has not got us to write anywhere else."""
    file = keep(cache)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for name in (file, file.with_name(f".{file.name}.{os.getpid()}")):
        name.unlink(missing_ok=True)
        name.symlink_to(victim)
    keep(cache)
    assert victim.read_text() == "precious"
    assert not file.is_symlink()
    assert find(cache).size is not None


# --- where it cannot be kept


def test_a_folder_others_may_write_to_gets_nothing(cache: Path) -> None:
    """What lay there could be changed behind our back."""
    folder = cache / "cgtune"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    with pytest.raises(NotKept, match="others may write"):
        keep(cache)
    assert not list(folder.iterdir())


def test_in_another_users_home_nothing_is_made(cache: Path) -> None:
    """Root with a HOME that is not root's would make what its owner cannot use."""
    if os.geteuid() != 0:
        unavailable("only root may give a folder to another user")
    cache.mkdir()
    os.chown(cache, 12345, -1)
    with pytest.raises(NotKept, match="another user"):
        keep(cache)
    assert not list(cache.iterdir())


@pytest.mark.parametrize("place", ["file", "/proc", "/dev/null"])
def test_where_no_folder_can_be_made_it_says_so(cache: Path, tmp_path: Path, place: str) -> None:
    """One line with the place; and nothing is found there either."""
    (tmp_path / "file").touch()
    base = tmp_path / place
    with pytest.raises(NotKept, match=str(base)):
        keep(base)
    assert find(base) == Found()


def test_a_full_disk_leaves_the_old_measurement(cache: Path) -> None:
    """A file is there whole, or as it was. A limit of ten bytes a file (RLIMIT_FSIZE) is as good as a full disk."""
    file = keep(cache)
    before = file.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(NotKept, match="File too large"):
            keep(cache)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_what_would_not_be_believed_is_not_kept(cache: Path) -> None:
    """`sleep` has no MiB of its own; nothing is made for it."""
    with pytest.raises(NotKept, match="no worker is so small"):
        keep_size(ARGV, PYTHON, variables(cache), worker_bytes=MIB - 1, inherited_bytes=0, shared_bytes=0)
    assert not cache.exists()
