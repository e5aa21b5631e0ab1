"""Finding the archive of this machine's own release in apt's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import Unavailable
from lab.apt_sources import Source, choose, codename, parse_deb822, parse_list, this_machine

_MAIN = Source("http://archive.example/debian", "bookworm", ("main",))

_DEB822 = """\
# A comment
Types: deb deb-src
# another, inside the paragraph
URIs: http://archive.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 Types: this is a key
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: http://archive.example/debian-security
Suites: bookworm-security
Components: main
"""


def test_deb822_names_every_suite_of_every_paragraph() -> None:
    """A deb822 file holds one source for each URI and suite, comments and continuation lines aside."""
    suites = [source.suite for source in parse_deb822(_DEB822)]
    assert suites == ["bookworm", "bookworm-updates", "bookworm-security"]
    assert next(parse_deb822(_DEB822)) == _MAIN


@pytest.mark.parametrize("field", ["Enabled: no", "enabled: false"])
def test_disabled_paragraphs_do_not_count(field: str) -> None:
    """A source that is switched off is not one."""
    assert not list(
        parse_deb822(f"Types: deb\nURIs: http://a.example/\nSuites: bookworm\nComponents: main\n{field}\n")
    )


@pytest.mark.parametrize(
    "line",
    [
        "deb http://archive.example/debian bookworm main",
        "deb [signed-by=/usr/share/keyrings/a.gpg arch=amd64] http://archive.example/debian bookworm main # us",
        "  deb\thttp://archive.example/debian\tbookworm  main",
    ],
    ids=["plain", "options-and-comment", "tabs"],
)
def test_one_line_format(line: str) -> None:
    """Options in brackets, comments and any blanks are allowed in a line of sources.list."""
    assert list(parse_list(line)) == [_MAIN]


@pytest.mark.parametrize(
    "line",
    ["", "# deb http://a.example bookworm main", "deb-src http://a.example bookworm main", "deb http://a.example ./"],
    ids=["empty", "comment", "sources", "flat"],
)
def test_lines_that_are_no_binary_archive(line: str) -> None:
    """Comments, source packages and archives without a release give nothing to build a system from."""
    assert not list(parse_list(line))


def test_the_release_itself_is_chosen() -> None:
    """Neither its updates nor what debootstrap cannot fetch is taken for the archive."""
    updates = Source("http://archive.example/debian", "bookworm-updates", ("main",))
    cdrom = Source("cdrom:[Debian]/", "bookworm", ("main",))
    assert choose([updates, cdrom, _MAIN], "bookworm") == _MAIN
    assert choose([updates, cdrom], "bookworm") is None


@pytest.mark.parametrize("value", ["bookworm", '"bookworm"'])
def test_codename(value: str) -> None:
    """os-release may quote its values."""
    assert codename(f"ID=debian\nVERSION_CODENAME={value}\n") == "bookworm"


def test_both_formats_are_read_from_their_files(tmp_path: Path) -> None:
    """What stands in sources.list.d counts, whichever format it has; other files there do not."""
    folder = tmp_path / "etc/apt/sources.list.d"
    folder.mkdir(parents=True)
    (tmp_path / "etc/os-release").write_text("VERSION_CODENAME=bookworm\n")
    (folder / "debian.sources.off").write_text("Types: deb\nURIs: http://other.example\nSuites: bookworm\n")
    with pytest.raises(Unavailable, match="bookworm"):
        this_machine(tmp_path)
    (folder / "debian.sources").write_text(_DEB822)
    assert this_machine(tmp_path) == _MAIN
