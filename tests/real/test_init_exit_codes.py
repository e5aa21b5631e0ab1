"""The exit code of an init is its program's: all 256 of them, a signal's, and what it was told to make of them.

256 starts are many: they happen in a loop of one shell, in one place.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence

import pytest

from tests.real.init_batch import codes_of
from tests.real.init_cases import CGTUNE, DUMB_INIT, TINI, Init, every_init, everywhere, those_with
from tests.real.init_harness import AS_PID_1, BELOW_SHELL, AsPid1, Stage, run
from tests.real.init_programs import PYTHON, shell

pytestmark = pytest.mark.real

ALL = range(256)
#: Those at the ends, and those with a meaning of their own: ordinarily the mapping is tried with these.
TELLING = [0, 1, 2, 3, 64, 125, 126, 127, 128, 129, 130, 137, 143, 159, 192, 254, 255]


_KILLS_ITSELF = """\
import os, resource, signal, sys
number = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
if number != signal.SIGKILL:
    signal.signal(number, signal.SIG_DFL)
os.kill(os.getpid(), number)
"""
_STOPS_IN_GOOD_ORDER = """\
import os, signal
def stop(number, frame):
    os.write(1, b"stopped in good order\\n")
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
signal.signal(signal.SIGTERM, stop)
os.write(1, b"ready\\n")
while True:
    signal.pause()
"""


def exits(code: int) -> tuple[str, ...]:
    """A program with this exit code."""
    return ("sh", "-c", f"exit {code}")


@every_init
def test_all_exit_codes(init: Init) -> None:
    """Each of the 256 exit codes of the program is the init's."""
    assert codes_of(BELOW_SHELL, [init.argv(exits(code)) for code in ALL]) == list(ALL)


@every_init
def test_exit_codes_of_pid_1(init: Init) -> None:
    """So it is where the init is PID 1."""
    assert codes_of(AS_PID_1, [init.argv(exits(code)) for code in TELLING]) == TELLING


@those_with("map_exit")
def test_a_mapped_exit_code_is_0(init: Init) -> None:
    """The code that was named becomes 0."""
    _mapped(init, TELLING)


@those_with("map_exit")
def test_other_exit_codes_stay(init: Init) -> None:
    """With all codes named but one, that one stays."""
    _others_mapped(init, TELLING)


@pytest.mark.long
@those_with("map_exit")
def test_all_mapped_exit_codes(init: Init) -> None:
    """Each of the 256 codes becomes 0 where it was named, and stays where all others were."""
    _mapped(init, ALL)
    _others_mapped(init, ALL)


def _mapped(init: Init, codes: Sequence[int]) -> None:
    assert init.map_exit is not None
    assert codes_of(BELOW_SHELL, [init.argv(exits(code), *init.map_exit(code)) for code in codes]) == [0] * len(codes)


def _others_mapped(init: Init, codes: Sequence[int]) -> None:
    commands = []
    for code in codes:
        assert init.map_exit is not None
        options = [word for other in ALL if other != code for word in init.map_exit(other)]
        commands.append(init.argv(exits(code), *options))
    assert codes_of(BELOW_SHELL, commands) == list(codes)


def test_several_codes_are_mapped() -> None:
    """--map-exit may be repeated, or hold several codes; CGTUNE_MAP_EXIT is the same; the code may be a signal's."""
    flags = ("--map-exit", "3=0,4=0", "--map-exit", "143=0")
    killed = ("sh", "-c", "kill -TERM $$")
    commands = [CGTUNE.argv(program, *flags) for program in (exits(3), exits(4), exits(5), exits(143), killed)]
    assert codes_of(BELOW_SHELL, commands) == [0, 0, 5, 0, 0]
    environment = {"PATH": "/usr/bin:/bin", "CGTUNE_MAP_EXIT": "3=0,143=0"}
    assert run(AS_PID_1, CGTUNE.argv(exits(3)), env=environment)[0] == 0
    assert run(AS_PID_1, CGTUNE.argv(killed), env=environment)[0] == 0


@pytest.mark.parametrize("value", ["", "143", "143=", "=0", "256=0", "-1=0", "143=256", "x=0", "143=0=0", "1.5=0"])
def test_a_wrong_mapping_is_a_usage_error(value: str) -> None:
    """What is no pair of exit codes is one line and exit code 2, and the program does not run."""
    code, output, said = run(AS_PID_1, CGTUNE.argv(["echo", "ran"], "--map-exit", value))
    assert (code, output) == (2, "")
    assert said.startswith("cgtune: ")
    assert said.count("\n") == 1


@every_init
@everywhere
@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        signal.SIGHUP,
        signal.SIGQUIT,
        signal.SIGKILL,
        signal.SIGSEGV,
        signal.SIGABRT,
        signal.SIGPIPE,
        64,
    ],
)
def test_a_program_that_kills_itself(place: AsPid1, init: Init, number: int) -> None:
    """Death by signal n is 128 + n, with a core dump and without; a program of its own, since shells differ."""
    program = [*PYTHON, _KILLS_ITSELF, str(int(number))]
    assert run(place, init.argv(program))[0] == 128 + number


def test_a_server_that_dies_of_its_stop_signal() -> None:
    """Some servers stop in good order, then die of the SIGTERM they got: 143 below any init, which can be made 0."""
    program = [*PYTHON, _STOPS_IN_GOOD_ORDER]
    expected = [(TINI.argv(program), 143), (CGTUNE.argv(program), 143), (TINI.argv(program, "-e", "143"), 0)]
    for argv, code in [*expected, (CGTUNE.argv(program, "--map-exit", "143=0"), 0)]:
        with Stage(AS_PID_1, argv) as stage:
            assert stage.line() == "ready"
            stage.send(signal.SIGTERM)
            assert stage.line() == "stopped in good order"
            assert stage.exit_code() == code


@every_init
def test_the_plainest_programs(init: Init) -> None:
    """`true` is 0 and `false` is 1, with `--` before them; a second `--` is a program that does not exist."""
    assert codes_of(BELOW_SHELL, [init.argv(["true"]), init.argv(["false"])]) == [0, 1]
    assert run(AS_PID_1, init.argv(["--", "true"]))[0] != 0


@every_init
def test_a_program_that_is_not_found(init: Init) -> None:
    """127 when there is no such program; dumb-init has 2 for all that goes wrong."""
    code, output, said = run(AS_PID_1, init.argv(["/no/such/program"]))
    assert (code, output) == (2 if init is DUMB_INIT else 127, "")
    assert "/no/such/program" in said
    assert said.count("\n") == 1
    assert run(BELOW_SHELL, init.argv(["no-such-program"]))[0] == code


@every_init
def test_a_program_that_is_none(init: Init) -> None:
    """126 when it cannot be executed: a folder, a file without permission; dumb-init has 2."""
    for path in ("/etc", "/etc/passwd"):
        code, output, said = run(AS_PID_1, init.argv([path]))
        assert (code, output) == (2 if init is DUMB_INIT else 126, "")
        assert path in said
        assert said.count("\n") == 1


def test_a_shell_sees_no_difference() -> None:
    """In `sh -e` and in `if`, the init stands for its program."""
    script = shell('if "$@" sh -c "exit 9"; then echo yes; else echo $?; fi', *CGTUNE.command, "--")
    assert run(AS_PID_1, script)[1] == "9"
