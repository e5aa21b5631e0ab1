"""The one table of options.

From `OPTIONS` come the short parser of the command line, the `CGTUNE_…` variables, the keys of the config file, the
help, the shell completion and docs/options.md. `--some-option`, `CGTUNE_SOME_OPTION` and `some_option:` are one
option. One that is repeatable is comma-separated in its variable and a list in the file.

The kinds of values are those of values.py.
"""

from __future__ import annotations

from cgtune.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Option(Record):
    """One option. `commands` are those that know it, `group` is its heading in the help and the docs."""

    name: str
    kind: str
    commands: tuple[str, ...]
    group: str
    help: str
    short: str | None = None
    metavar: str = ""
    choices: tuple[str, ...] = ()
    largest: int = 0
    is_repeatable: bool = False

    @property
    def field(self) -> str:
        """Its name in the config file, and in the settings."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment variable that says the same."""
        return "CGTUNE_" + self.field.upper()


COMMANDS = ("run", "inspect", "plan", "measure")
KINDS_OF_PROGRAM = ("sync-web", "async-web", "queue-cpu", "queue-io", "batch", "data")

#: What --disable takes: groups of settings, and each of those that a plan may hold.
GROUPS_OF_SETTINGS = ("native", "malloc", "python", "gc", "inject")
NAMES_OF_SETTINGS = (
    *("WEB_CONCURRENCY", "GUNICORN_CMD_ARGS", "GRANIAN_WORKERS", "GRANIAN_BLOCKING_THREADS"),
    *("UWSGI_PROCESSES", "UWSGI_THREADS", "CELERY_WORKER_CONCURRENCY", "billiard.cpu_count"),
    *("--workers", "--processes", "--threads", "--num-workers"),
    *("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS", "NUMEXPR_MAX_THREADS", "POLARS_MAX_THREADS"),
    *("LOKY_MAX_CPU_COUNT", "TOKENIZERS_PARALLELISM", "OMP_WAIT_POLICY", "KMP_BLOCKTIME"),
    *("MALLOC_ARENA_MAX", "PYTHON_CPU_COUNT", "os.cpu_count", "gc.set_threshold", "gc.freeze"),
)

_FORMATS = ("table", "env", "shell", "dotenv", "docker", "kubernetes")
_COUNTS = ("auto", "keep")

# The commands that know an option. What `run` does is shown by `plan`, so it takes the same ones; measuring starts
# one worker as planning would: all counts but the number and the size of workers.
_ALL = COMMANDS
_RUN = ("run", "plan")
_START = ("run", "plan", "measure")

# The headings of the help and the docs.
_THERE = "what there is"
_SET = "what to set"
_HOW = "how to do it"
_LIFE = "signals, start and end"
_PRINT = "what to print"
_IF = "what if"


def _option(name: str, kind: str, commands: tuple[str, ...], group: str, text: str, **more: Any) -> Option:
    """A row of the table."""
    return Option(name=name, kind=kind, commands=commands, group=group, help=text, **more)


OPTIONS = (
    _option("cpu-limit", "cores", _ALL, _THERE, "A CPU limit cgtune cannot see: 500m, 1.5.", metavar="CORES"),
    _option("memory-limit", "bytes", _ALL, _THERE, "A memory limit cgtune cannot see: 512Mi, 1G.", metavar="SIZE"),
    _option(
        "cpu-request", "cores", _ALL, _THERE, "The CPU request: bounds workers where no limit does.", metavar="CORES"
    ),
    _option(
        "memory-request", "bytes", _ALL, _THERE, "The memory request: reported, decides nothing.", metavar="SIZE"
    ),
    _option(
        "cpu-from",
        "choice",
        _START,
        _THERE,
        "Size by the CPU limit, or by the request.",
        metavar="limit|request",
        choices=("limit", "request"),
    ),
    _option("cpu-share", "share", _START, _THERE, "This program's part of the CPU: 0.5, 50%.", metavar="SHARE"),
    _option("memory-share", "share", _START, _THERE, "This program's part of the memory: 0.4, 40%.", metavar="SHARE"),
    _option(
        "workers",
        "count",
        _RUN,
        _SET,
        "Worker processes: solved, left as they are, or N.",
        metavar="auto|keep|N",
        choices=_COUNTS,
        largest=10_000,
    ),
    _option(
        "threads",
        "count",
        _START,
        _SET,
        "Threads of a worker: the same; keep is the default.",
        metavar="auto|keep|N",
        choices=_COUNTS,
        largest=1_000,
    ),
    _option("max-workers", "count", _RUN, _SET, "Never more workers than this.", metavar="N", largest=10_000),
    _option(
        "worker-memory", "bytes", _RUN, _SET, "Private memory of one worker, not the assumed size.", metavar="SIZE"
    ),
    _option(
        "runtime",
        "choice",
        _START,
        _SET,
        "The program's runtime, where it is not recognised.",
        metavar="python|none",
        choices=("python", "none"),
    ),
    _option(
        "kind",
        "choice",
        _START,
        _SET,
        "What it is: sync-web, async-web, queue-cpu, queue-io, batch or data.",
        metavar="KIND",
        choices=KINDS_OF_PROGRAM,
    ),
    _option(
        "disable",
        "name",
        _START,
        _SET,
        "Leave this setting, or group of settings, alone.",
        metavar="NAME",
        choices=GROUPS_OF_SETTINGS + NAMES_OF_SETTINGS,
        is_repeatable=True,
    ),
    _option(
        "env",
        "assignment",
        _START,
        _SET,
        "Set a variable of your own, like POOL={workers * 4}.",
        metavar="NAME=TEMPLATE",
        is_repeatable=True,
    ),
    _option("exec", "flag", _RUN, _HOW, "Become the program, also as PID 1."),
    _option("supervise", "flag", _RUN, _HOW, "Stay and look after it, as PID 1 always does."),
    _option("config", "path", _ALL, _HOW, "Settings, instead of /etc/cgtune/config.yaml.", metavar="FILE"),
    _option("strict", "flag", _RUN, _HOW, "Wrong variables and keys in the file are errors."),
    _option("quiet", "flag", ("run",), _HOW, "Say nothing on stderr but errors.", short="q"),
    _option("verbose", "flag", _START, _HOW, "Say also what was left alone, and why.", short="v"),
    _option(
        "signal",
        "rewrite",
        _RUN,
        _LIFE,
        "Forward another signal instead: TERM=QUIT, HUP=none.",
        metavar="SIGNAL=SIGNAL|none",
        is_repeatable=True,
    ),
    _option("group", "flag", _RUN, _LIFE, "Signal the program's whole group, in a session of its own."),
    _option(
        "pre-stop-delay",
        "delay",
        _RUN,
        _LIFE,
        "Forward SIGTERM after this time, or at the next one.",
        metavar="SECONDS",
    ),
    _option("stop-timeout", "delay", _RUN, _LIFE, "So long after it was told to stop, kill it.", metavar="SECONDS"),
    _option(
        "orphan-grace",
        "delay",
        _RUN,
        _LIFE,
        "What it leaves behind has so long to end; default 1.",
        metavar="SECONDS",
    ),
    _option(
        "map-exit",
        "exit-code",
        _RUN,
        _LIFE,
        "Exit with another code than the program: 143=0.",
        metavar="CODE=CODE",
        is_repeatable=True,
    ),
    _option(
        "wait-for",
        "target",
        _RUN,
        _LIFE,
        "Start when tcp://…, http://… or file:/… is there.",
        metavar="TARGET",
        is_repeatable=True,
    ),
    _option("wait-timeout", "seconds", _RUN, _LIFE, "Fail when that takes longer; default 60.", metavar="SECONDS"),
    _option("pdeathsig", "signal", _RUN, _LIFE, "Get this signal when the parent of cgtune ends.", metavar="SIGNAL"),
    _option("json", "flag", ("inspect", "plan", "measure"), _PRINT, "Print JSON."),
    _option(
        "format",
        "choice",
        ("plan",),
        _PRINT,
        "table, env, shell, dotenv, docker or kubernetes.",
        metavar="FORMAT",
        choices=_FORMATS,
    ),
    _option("what-if-cpus", "cores", ("plan",), _IF, "Plan as if the CPU limit were this.", metavar="CORES"),
    _option("what-if-memory", "bytes", ("plan",), _IF, "Plan as if the memory limit were this.", metavar="SIZE"),
    _option(
        "root", "text", ("inspect", "plan"), _IF, "A recorded tree of kernel files, not this machine.", metavar="DIR"
    ),
    _option("seconds", "seconds", ("measure",), _HOW, "How long to measure, 1 to 3600.", metavar="N"),
    _option("help", "flag", _ALL, _HOW, "Show this and exit.", short="h"),
)
# Whoever asks for one of these gets a supervisor.
NEED_SUPERVISOR = (
    "supervise",
    *("signal", "group", "pre-stop-delay", "stop-timeout", "orphan-grace", "map-exit"),
)
# What only a command line can say.
COMMAND_LINE_ONLY = frozenset(("json", "format", "what-if-cpus", "what-if-memory", "root", "seconds", "help"))
# What a file cannot say: the above, and where it is itself.
NOT_IN_FILE = COMMAND_LINE_ONLY | {"config"}
