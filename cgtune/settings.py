"""The words a plan is written in: the program, and what is set for it, each with its reason."""

from __future__ import annotations

from cgtune.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# How a program is used, which decides how many processes of it make sense.
SYNC_WEB = "sync-web"
ASYNC_WEB = "async-web"
QUEUE_CPU = "queue-cpu"
QUEUE_IO = "queue-io"
BATCH = "batch"
DATA = "data"

#: What a server starts by itself where it goes by the machine, or its own measures: nobody can tell before it runs.
AS_THE_MACHINE = None


class Given(Record):
    """A number the user has chosen: `text` is what exactly, `value` None where that is no plain number.

    `name` and `via` say which setting it is (`-w` is "--workers" via argv), `source` where it was found when that
    is not the setting itself.
    """

    name: str
    text: str
    via: str
    value: int | None = None
    source: str | None = None


class Slot(Record):
    """Where a server can be told a number: the weakest place it has, so that all of the user's own win over it."""

    name: str
    via: str


class Interpreter(Record):
    """The Python that will run the program.

    `is_ours`: the very one that cgtune is installed in; `is_isolated`: it was told to read no variables.
    """

    path: str | None = None
    version: tuple[int, ...] | None = None
    is_ours: bool = False
    is_isolated: bool = False
    is_cpython: bool = True


class Command(Record):
    """The program to host, as far as its command line, variables and settings files tell.

    | field | says |
    |---|---|
    | workers, threads | the user's own numbers |
    | workers_slot, threads_slot | where the server takes ours from; None: nowhere |
    | position | where in argv its own words begin; None: no word can be added |
    | words_before | how many of them must stay before an added one (a subcommand) |
    | is_one_by_habit | keeps state in its one process: more only when asked for |
    | default_workers, default_threads | what it starts by itself, a number or AS_THE_MACHINE |
    | is_preloading | imports the application before it forks |
    | variables | what `env` or a shell line sets on the way to it |
    | cpus | on how many CPUs `taskset` or `numactl` lets it run |
    """

    argv: tuple[str, ...]
    runtime: str | None = None
    server: str | None = None
    kind: str | None = None
    workers: Given | None = None
    threads: Given | None = None
    workers_slot: Slot | None = None
    threads_slot: Slot | None = None
    position: int | None = None
    is_one_by_habit: bool = False
    default_workers: int | None = 1
    default_threads: int | None = 1
    is_preloading: bool = False
    words_before: int = 0
    variables: tuple[tuple[str, str], ...] = ()
    interpreter: Interpreter = Interpreter()
    cpus: int | None = None


class Setting(Record):
    """One figure. `via` is env, argv or inject; `provenance` is calculated or user.

    Readers of plans must also expect "live", a figure changed while the program runs, and "default".

    `is_kept`: the program has it from the user already, and nothing is done. `previous` is what stood in a
    variable that is added to. `is_private`: the value is the user's, of a variable that cgtune knows nothing of.
    """

    name: str
    value: str
    via: str
    reason: str
    source: str | None = None
    provenance: str = "calculated"
    is_kept: bool = False
    previous: str | None = None
    is_private: bool = False

    @property
    def shown(self) -> str | None:
        """The value as far as it may be shown: without what the user has in the variable; None: not at all."""
        if self.is_private:
            return None
        # One character stands between our part, in front, and theirs.
        return self.value[: -len(self.previous) - 1] if self.previous else self.value


class NotSet(Record):
    """Something that was deliberately left alone."""

    name: str
    reason: str


def make_variable(name: str, value: str, reason: str, source: str | None, environment: Mapping[str, str]) -> Setting:
    """A variable to set; where the user has one, also an empty one, theirs is listed and kept."""
    if name in environment:
        theirs = environment[name]
        return Setting(name=name, value=theirs, via="env", reason="yours", provenance="user", is_kept=True)
    return Setting(name=name, value=value, via="env", reason=reason, source=source)
