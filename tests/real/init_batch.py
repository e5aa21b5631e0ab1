"""Many starts of an init, one after the other in one place: what a race or all exit codes take."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tests.real.init_harness import AS_PID_1, UNSHARE, AsPid1, Stage
from tests.real.init_programs import PYTHON

_MANY_SECONDS = 250
#: Reads a list of commands, runs one after the other, and writes their exit codes.
_ONE_BY_ONE = """\
import json, os, sys
for command in json.load(sys.stdin):
    status = os.waitpid(os.posix_spawnp(command[0], command, os.environ), 0)[1]
    os.write(1, b"%d\\n" % (os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)))
"""


def codes_of(place: AsPid1, commands: Sequence[Sequence[str]]) -> list[int]:
    """The exit codes of these commands, one by one in one place; as PID 1, each in a namespace of its own."""
    before = UNSHARE if place is AS_PID_1 else ()
    words = json.dumps([[*before, *command] for command in commands]).encode()
    with Stage(AS_PID_1, [*PYTHON, _ONE_BY_ONE], stdin=words) as stage:
        assert stage.exit_code(_MANY_SECONDS) == 0
        return [int(line) for line in stage.lines_so_far()]
