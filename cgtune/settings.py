"""The words a plan is written in: the program, and what is set for it, each with its reason."""

from __future__ import annotations

from cgtune.records import Record


class Command(Record):
    """The program to host, as far as its command line and variables tell.

    `workers` and `threads` are the user's own numbers; `workers_from` says where `workers` was given, None if it
    was not, and `workers_text` what exactly, since not all that is given is a number.
    """

    argv: tuple[str, ...]
    runtime: str | None = None
    server: str | None = None
    kind: str | None = None
    workers: int | None = None
    workers_text: str | None = None
    workers_from: str | None = None
    threads: int | None = None


class Setting(Record):
    """One figure. `via` is env, argv, inject or live; `provenance` is calculated, user or default.

    What the program has from the user already is listed too: `apply` passes over it.
    """

    name: str
    value: str
    via: str
    reason: str
    source: str | None = None
    provenance: str = "calculated"


class NotSet(Record):
    """Something that was deliberately left alone."""

    name: str
    reason: str
