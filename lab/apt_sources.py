"""Where this machine gets its packages from: an image of the same release can come from there too.

Two formats, sources.list(5). One line a source:

    deb [signed-by=/usr/share/keyrings/x.gpg arch=amd64] URI SUITE COMPONENT...

and deb822, `*.sources`, paragraphs of fields, where URIs, Suites and Components hold several values and
an indented line continues the one above:

    Types: deb deb-src
    URIs: URI
    Suites: bookworm bookworm-updates
    Components: main
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.errors import Unavailable

# What debootstrap can fetch; apt also knows cdrom:, mirror+file: and more.
_FETCHABLE = ("http://", "https://", "file:/")


@dataclass(frozen=True)
class Source:
    """One archive of Debian packages, for one release."""

    uri: str
    suite: str
    components: tuple[str, ...]


def parse_list(text: str) -> Iterator[Source]:
    """The sources in the text of a `sources.list`."""
    for line in text.splitlines():
        words = re.sub(r"\[[^]]*\]", "", line.partition("#")[0]).split()
        # `deb URI path/` is a flat archive: no release, nothing to build a system from.
        if len(words) >= 4 and words[0] == "deb":
            yield Source(words[1], words[2], tuple(words[3:]))


def parse_deb822(text: str) -> Iterator[Source]:
    """The sources in the text of a `*.sources` file."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for paragraph in re.split(r"\n\s*\n", "\n".join(lines)):
        fields: dict[str, list[str]] = {}
        values: list[str] = []
        for line in paragraph.splitlines():
            if line[:1].isspace():
                values.extend(line.split())
            elif ":" in line:
                name, _, value = line.partition(":")
                values = fields.setdefault(name.strip().lower(), [])
                values.extend(value.split())
        if "deb" not in fields.get("types", []) or fields.get("enabled", ["yes"])[0].lower() in ("no", "false"):
            continue
        for uri in fields.get("uris", []):
            for suite in fields.get("suites", []):
                yield Source(uri, suite, tuple(fields.get("components", [])))


def choose(sources: Iterable[Source], codename: str) -> Source | None:
    """The first source that holds the release itself, not its updates, and that debootstrap can read."""
    for source in sources:
        if source.suite == codename and source.uri.startswith(_FETCHABLE):
            return source
    return None


def codename(os_release: str) -> str | None:
    """VERSION_CODENAME of the text of /etc/os-release, os-release(5)."""
    found = re.search(r'^VERSION_CODENAME="?([^"\s]+)"?\s*$', os_release, re.MULTILINE)
    return found[1] if found else None


def this_machine(root: Path = Path("/")) -> Source:
    """The source of this machine's own release."""
    release = root / "etc/os-release"
    name = codename(release.read_text()) if release.exists() else None
    if name is None:
        raise Unavailable("this machine is no Debian release that an image could be made of")
    found: list[Source] = []
    apt = root / "etc/apt"
    for path in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        if path.suffix == ".list" and path.exists():
            found.extend(parse_list(path.read_text()))
        elif path.suffix == ".sources":
            found.extend(parse_deb822(path.read_text()))
    source = choose(found, name)
    if source is None:
        raise Unavailable(f"apt's sources name no archive of {name} that debootstrap can read")
    return source
