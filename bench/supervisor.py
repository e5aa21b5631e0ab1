"""What it costs to have an init before the program: tini, dumb-init, and cgtune as the supervisor.

    python -m bench.supervisor [SECONDS] [WHEEL]

For each Python 3.10 to 3.13 that is found, a fresh virtual environment with the installed wheel and nothing else.
Memory, wake-ups and CPU are those of the init alone, below a shell's place and above `sleep`, over so many seconds
(60), all contenders at once. The start is the time until the program's first instruction: it writes a byte, which is
waited for. Contenders take turns; medians are compared with a bare `python -c pass` of the same environment.

Promise: private memory at most that of a bare `python -I -S` that waits for a signal + 1.5 MiB, at most one wake-up a
second, less than 0.05 % of a CPU, and a start at most 2.5 times the bare one.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.startup import find_pythons, install

SECONDS = 60.0
TURNS = 40
PROMISED_RATIO = 2.5
PROMISED_EXTRA_KIB = 1536
PROMISED_WAKEUPS_PER_SECOND = 1.0
PROMISED_CPU_PERCENT = 0.05
_WAITING = "import signal, os; signal.pause()"
_FIRST_WORD = ("/bin/echo", "here")


@dataclass(frozen=True)
class Cost:
    """Of one resident process; `start_ms` is None for what starts nothing."""

    private_kib: int
    pss_kib: int
    wakeups_per_second: float
    cpu_percent: float
    start_ms: float | None = None


def contenders(bin_folder: Path) -> dict[str, list[str]]:
    """The commands before a program, by name; those that are here."""
    inits = {"tini -s": ("tini", "-s", "--"), "dumb-init": ("dumb-init", "--")}
    found = {name: (shutil.which(program), options) for name, (program, *options) in inits.items()}
    others = {name: [path, *options] for name, (path, options) in found.items() if path is not None}
    return {**others, "cgtune run --supervise": [str(bin_folder / "cgtune"), "run", "--quiet", "--supervise", "--"]}


def measure_start(commands: Mapping[str, Sequence[str]], bare: Sequence[str], turns: int = TURNS) -> dict[str, float]:
    """Median milliseconds to the program's first instruction, and under "bare" those of the bare command."""
    times: dict[str, list[float]] = {"bare": [], **{name: [] for name in commands}}
    for turn in range(turns + 3):
        measured = {"bare": _time_whole(bare), **{name: _time_first(words) for name, words in commands.items()}}
        # The first turns fill the caches.
        if turn >= 3:
            for name, milliseconds in measured.items():
                times[name].append(milliseconds)
    return {name: statistics.median(values) for name, values in times.items()}


def measure_rest(commands: Mapping[str, Sequence[str]], python: str, seconds: float) -> dict[str, Cost]:
    """What each costs while nothing happens, and under "bare" what a Python costs that waits for a signal."""
    with _running({**commands, "bare": (python, "-I", "-S", "-c", _WAITING)}) as pids:
        before = {name: _read_work(pid) for name, pid in pids.items()}
        began = time.monotonic()
        time.sleep(seconds)
        passed = time.monotonic() - began
        after = {name: _read_work(pid) for name, pid in pids.items()}
        memory = {name: _read_memory(pid) for name, pid in pids.items()}
    return {
        name: Cost(
            private_kib=memory[name][0],
            pss_kib=memory[name][1],
            wakeups_per_second=(after[name][0] - before[name][0]) / passed,
            cpu_percent=(after[name][1] - before[name][1]) / 1e9 / passed * 100,
        )
        for name in pids
    }


@contextmanager
def _running(commands: Mapping[str, Sequence[str]]) -> Iterator[dict[str, int]]:
    """Each of them above a program that does nothing, at rest."""
    processes = {
        name: subprocess.Popen([*words, "sleep", "100000"] if name != "bare" else list(words), start_new_session=True)
        for name, words in commands.items()
    }
    try:
        time.sleep(2)
        yield {name: process.pid for name, process in processes.items()}
    finally:
        for process in processes.values():
            process.send_signal(signal.SIGTERM)
        for process in processes.values():
            process.wait()


def _read_memory(pid: int) -> tuple[int, int]:
    """Private and proportional memory in KiB, from `Private_Clean:  12 kB` and its like in smaps_rollup, proc(5)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    fields = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return sum(size for name, size in fields.items() if name.startswith("Private_")), fields["Pss"]


def _read_work(pid: int) -> tuple[int, int]:
    """How often it has gone to sleep, and its time on a CPU in nanoseconds (the first field of schedstat)."""
    status = Path(f"/proc/{pid}/status").read_text()
    switches = next(line for line in status.splitlines() if line.startswith("voluntary_ctxt_switches"))
    return int(switches.split()[1]), int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def _time_whole(words: Sequence[str]) -> float:
    began = time.perf_counter()
    pid = os.posix_spawn(words[0], list(words), os.environ)
    _, status = os.waitpid(pid, 0)
    if status:
        raise SystemExit(f"bench.supervisor: {' '.join(words)} failed")
    return (time.perf_counter() - began) * 1000


def _time_first(words: Sequence[str]) -> float:
    reader, writer = os.pipe()
    began = time.perf_counter()
    to_stdout = [(os.POSIX_SPAWN_DUP2, writer, 1)]
    pid = os.posix_spawn(words[0], [*words, *_FIRST_WORD], os.environ, file_actions=to_stdout)
    os.close(writer)
    first = os.read(reader, 1)
    milliseconds = (time.perf_counter() - began) * 1000
    os.waitpid(pid, 0)
    os.close(reader)
    if not first:
        raise SystemExit(f"bench.supervisor: {' '.join(words)} started nothing")
    return milliseconds


def measure(bin_folder: Path, seconds: float = SECONDS, turns: int = TURNS) -> dict[str, Cost]:
    """All of it for one environment."""
    python = str(bin_folder / "python")
    commands = contenders(bin_folder)
    starts = measure_start(commands, (python, "-c", "pass"), turns)
    rest = measure_rest(commands, python, seconds)
    return {
        name: Cost(cost.private_kib, cost.pss_kib, cost.wakeups_per_second, cost.cpu_percent, starts[name])
        for name, cost in rest.items()
    }


def broken_promises(costs: Mapping[str, Cost], seconds: float) -> list[str]:
    """What cgtune does not hold, in words. In `seconds` there is room for one tick more than there are seconds."""
    bare, ours = costs["bare"], costs["cgtune run --supervise"]
    assert bare.start_ms is not None
    assert ours.start_ms is not None
    checks = {
        f"{ours.private_kib} KiB private, bare {bare.private_kib}": ours.private_kib
        > bare.private_kib + PROMISED_EXTRA_KIB,
        f"{ours.wakeups_per_second:.2f} wake-ups a second": ours.wakeups_per_second
        > PROMISED_WAKEUPS_PER_SECOND + 1 / seconds,
        f"{ours.cpu_percent:.3f} % CPU": ours.cpu_percent >= PROMISED_CPU_PERCENT,
        f"{ours.start_ms / bare.start_ms:.2f} bare starts": ours.start_ms > PROMISED_RATIO * bare.start_ms,
    }
    return [text for text, is_broken in checks.items() if is_broken]


def main() -> int:
    """Print the table; 1 where a promise is not held."""
    words = sys.argv[1:]
    seconds = float(words.pop(0)) if words and words[0].replace(".", "").isdigit() else SECONDS
    wheel = Path(words[0]) if words else next(Path(sys.prefix).glob("wheel/*.whl"), None)
    if wheel is None:
        raise SystemExit("bench.supervisor: which wheel? python -m bench.supervisor WHEEL")
    print("Python  init                    private KiB  PSS KiB  wake-ups/s   CPU %  first instruction ms  ratio")
    broken = []
    with tempfile.TemporaryDirectory() as folder:
        for minor, python in find_pythons().items():
            costs = measure(install(python, Path(folder) / f"3.{minor}", wheel), seconds)
            bare_ms = costs["bare"].start_ms or 1
            for name, cost in costs.items():
                print(
                    f"{f'3.{minor}':>6}  {name:<22}  {cost.private_kib:11}  {cost.pss_kib:7}"
                    f"  {cost.wakeups_per_second:10.2f}  {cost.cpu_percent:6.3f}"
                    f"  {cost.start_ms or 0:20.1f}  {(cost.start_ms or 0) / bare_ms:5.2f}",
                    flush=True,
                )
            broken += [f"3.{minor}: {text}" for text in broken_promises(costs, seconds)]
    print(*(f"not held: {text}" for text in broken), sep="\n", end="")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
