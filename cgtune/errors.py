"""The errors that end cgtune itself, each with its exit code (as `docker run` and `env` have them)."""

from __future__ import annotations


class CgtuneError(Exception):
    """cgtune itself failed. The message is one line that says what to do."""

    exit_code = 125


class UsageError(CgtuneError):
    """The command line is wrong."""

    exit_code = 2


class CommandNotFound(CgtuneError):
    """The program to run does not exist."""

    exit_code = 127


class CommandNotExecutable(CgtuneError):
    """The program to run exists and cannot be executed."""

    exit_code = 126
