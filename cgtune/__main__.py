"""The command `cgtune`, and `python -m cgtune`: the short way into `run` and `inspect`, click for all else."""

from __future__ import annotations

import os
import sys

from cgtune.cli.output import say
from cgtune.errors import CgtuneError, describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Each error is one line on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _dispatch(words)
    except CgtuneError as error:
        say(*map(str, error.args))
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        say(f"a fault in cgtune: {describe(error)}")
        return CgtuneError.exit_code


def _dispatch(words: list[str]) -> int:
    if words[:1] == ["--"]:
        words = words[1:]
    # The commands that must start fast, or work without click, have a way of their own.
    if words[:1] == ["run"]:
        if os.getpid() == 1:
            from cgtune import signal_mask

            signal_mask.hold()
        from cgtune.cli import run

        return run.main(words[1:])
    if words[:1] == ["inspect"]:
        from cgtune.cli import inspect

        return inspect.main(words[1:])
    from cgtune.cli import group

    return group.main(words)


def _prefer_standard_library() -> None:
    """PYTHONPATH and the working directory are the hosted program's: its select.py must not become ours."""
    folder = os.path.dirname(os.__file__)
    if folder in sys.path:
        first = sys.path.index(folder)
        sys.path[:] = sys.path[first:] + sys.path[:first]


if __name__ == "__main__":
    _prefer_standard_library()
    sys.exit(main())
