"""Runtimes and servers, one module each: what they are told by, and what they do by themselves. Pure.

A server's module has `recognise(argv, environment) -> Command | None`. Modules do not know each other.
"""

from __future__ import annotations

from cgtune.runtimes import gunicorn
from cgtune.settings import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_SERVERS = (gunicorn,)


def recognise(argv: tuple[str, ...], environment: Mapping[str, str]) -> Command:
    """The program that a command line starts. What is not known is a Command without server and kind."""
    for server in _SERVERS:
        command: Command | None = server.recognise(argv, environment)
        if command is not None:
            return command
    return Command(argv=argv)
