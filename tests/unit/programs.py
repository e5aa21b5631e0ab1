"""Command lines and the files beside a program, for the tests of recognition."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from cgtune.files import NoFiles
from cgtune.runtimes import recognise
from cgtune.settings import Command, Given
from cgtune.words import join_path, split_words
from tests.unit.command import DEADLINE_SECONDS, PLAIN, write_program


class Files(NoFiles):
    """Files by their path, as text; a text of None is a file that is there and cannot be read."""

    def __init__(self, texts: Mapping[str, str | None]) -> None:
        super().__init__()
        self.texts = dict(texts)

    def find(self, word: str) -> str | None:
        """The path itself, where such a file is there."""
        path = join_path(self.folder, word)
        return path if path in self.texts else None

    def first_lines(self, word: str) -> bytes:
        """The first 512 bytes."""
        return (self.texts.get(self.find(word) or "") or "").encode()[:512]

    def read_bytes(self, path: str) -> bytes | None:
        """What it holds."""
        text = self.texts.get(join_path(self.folder, path) or "")
        return None if text is None else text.encode()

    def may_exist(self, path: str) -> bool:
        """Also where the folder is not known."""
        place = join_path(self.folder, path)
        return place is None or place in self.texts


def recognised(
    line: str, environment: Mapping[str, str] | None = None, files: Mapping[str, str | None] | None = None
) -> Command:
    """The Command of a line, split as a shell splits it."""
    return recognise(tuple(split_words(line)), environment or {}, Files(files or {}))


def number(given: Given | None) -> tuple[str, int | None, str] | None:
    """Text and value of a number that the user has chosen, and where it was found; None where there is none."""
    return None if given is None else (given.text, given.value, given.source or given.name)


def run_by_sh(tmp_path: Path, *words: str) -> list[object]:
    """The words, variables and folder that `show` is started with."""
    code = (
        "import json, os, sys\n"
        "said = {name: os.environ[name] for name in ('A', 'B') if name in os.environ}\n"
        "json.dump([sys.argv[1:], said, os.getcwd()], open(os.environ['SHOWN'], 'w'))\n"
    )
    write_program(tmp_path / "bin/show", f"#!{sys.executable} -ISs\n{code}")
    (tmp_path / "in").touch()
    shown = tmp_path / "shown.json"
    path = f"{tmp_path}/bin:{PLAIN['PATH']}"
    subprocess.run(
        ["sh", "-c", *words],
        env={"PATH": path, "SHOWN": str(shown)},
        cwd=tmp_path,
        check=True,
        timeout=DEADLINE_SECONDS,
    )
    found: list[object] = json.loads(shown.read_text())
    return found
