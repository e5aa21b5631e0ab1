"""Which processes belong to the program, which of them are workers, and when they are at rest. Pure.

    sh -c …            waits for the program: passed over
      gunicorn         the program: its memory counts as shared
        gunicorn       a worker, with what it started itself
          ffmpeg
        gunicorn       another
        resource_tracker   watches over shared things: no worker

| server | its workers are |
|---|---|
| gunicorn, celery, dramatiq, `rq worker-pool` | the children of the same executable; without one it is not ready |
| granian, hypercorn, uWSGI | the same; where there are none, the process itself |
| uvicorn | the children where it was given more than one worker, else the process itself |
| none known, or one without a place to tell a number | the process, with all below it |
"""

from __future__ import annotations

from dataclasses import dataclass

from cgtune.settings import ASYNC_WEB, SYNC_WEB, Command
from cgtune.words import base_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cgtune.measuring.kernel_files import Memory, Stat

#: Where the workers are: below a master, in the process itself, or either.
BELOW, ITSELF, EITHER = "below", "itself", "either"
_ALWAYS_BELOW = ("gunicorn", "celery", "dramatiq", "rq")
# These start the program and stay, to wait for it.
_WAITING = (
    *("sh", "bash", "dash", "ash", "ksh", "zsh", "tini", "tini-static", "dumb-init", "catatonit", "timeout"),
    *("setsid", "su", "sudo", "runuser", "uv", "pdm", "rye", "dotenv"),
)
_HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.semaphore_tracker", "multiprocessing.forkserver")
# Less is no growth: the allocator's own coming and going.
_REST_FRACTION = 0.01
_REST_BYTES = 256 << 10


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the tree: `words` is its command line, `program` the file it executes ("" if not to be seen)."""

    stat: Stat
    words: tuple[str, ...] = ()
    program: str = ""

    @property
    def pid(self) -> int:
        """Its id."""
        return self.stat.pid


@dataclass(frozen=True, slots=True)
class Expected:
    """What to wait for: where its workers will be, and whether it listens when it is ready."""

    workers: str
    must_listen: bool
    is_queue: bool


@dataclass(frozen=True, slots=True)
class Size:
    """The size of one worker (of several, the largest), and what all share."""

    worker_bytes: int
    inherited_bytes: int
    shared_bytes: int
    workers: int
    is_estimate: bool


@dataclass(frozen=True, slots=True)
class Look:
    """The workers at one moment."""

    seconds: float
    workers: tuple[frozenset[int], ...]
    private_bytes: int


def expect(command: Command, workers: int) -> Expected:
    """What a program looks like when it is ready; `workers` is how many it was told to have."""
    is_web = command.server is not None and command.kind in (SYNC_WEB, ASYNC_WEB)
    if command.server is None or command.workers_slot is None:
        place = ITSELF
    elif command.server in _ALWAYS_BELOW:
        place = BELOW
    elif command.server == "uvicorn":
        place = BELOW if workers > 1 else ITSELF
    else:
        place = EITHER
    return Expected(workers=place, must_listen=is_web, is_queue=command.server is not None and not is_web)


def select_tree(stats: Iterable[Stat], roots: Iterable[int], known: frozenset[tuple[int, int]]) -> list[Stat]:
    """The living processes that are `roots`, below them, in a session of theirs, or known (by id and start)."""
    stats = list(stats)
    children: dict[int, list[Stat]] = {}
    for stat in stats:
        children.setdefault(stat.parent, []).append(stat)
    sessions = set(roots)
    queue = [
        stat
        for stat in stats
        if stat.pid in sessions or stat.session in sessions or (stat.pid, stat.started_ticks) in known
    ]
    found = {stat.pid: stat for stat in queue}
    while queue:
        for child in children.get(queue.pop().pid, []):
            if child.pid not in found:
                found[child.pid] = child
                queue.append(child)
    return sorted((stat for stat in found.values() if not stat.is_dead), key=lambda stat: stat.pid)


def find_main(tree: Sequence[Process], root: int) -> Process | None:
    """The program itself, below whatever only waits for it."""
    main = next((process for process in tree if process.pid == root), None)
    while main is not None and _is_waiting(main):
        below = next((process for process in tree if process.stat.parent == main.pid), None)
        if below is None:
            break
        main = below
    return main


def find_workers(tree: Sequence[Process], main: Process, place: str) -> tuple[frozenset[int], ...]:
    """The workers, each with all that is below it; none as long as they have not been started."""
    children: dict[int, list[Process]] = {}
    for process in tree:
        children.setdefault(process.stat.parent, []).append(process)
    workers = _workers_below(main, children) if place != ITSELF else []
    if not workers and place != BELOW:
        workers = [main]
    return tuple(_subtree(worker, children) for worker in workers)


def add_up(memories: dict[int, Memory], workers: Sequence[frozenset[int]]) -> Size | None:
    """The size of the tree's workers; None where one of them could not be looked at any more."""
    own = frozenset().union(*workers)
    if not own or not own <= memories.keys():
        return None
    private = [sum(memories[pid].private_bytes for pid in worker) for worker in workers]
    inherited = [sum(memories[pid].inherited_bytes for pid in worker) for worker in workers]
    others_bytes = sum(memory.private_bytes for pid, memory in memories.items() if pid not in own)
    parts_bytes = sum(memory.shared_part_bytes for memory in memories.values() if not memory.is_estimate)
    # Not divided among those that share it: the largest stands for all.
    whole_bytes = max((memory.shared_part_bytes for memory in memories.values() if memory.is_estimate), default=0)
    return Size(
        worker_bytes=max(private),
        inherited_bytes=inherited[private.index(max(private))],
        shared_bytes=others_bytes + parts_bytes + whole_bytes,
        workers=len(workers),
        is_estimate=any(memories[pid].is_estimate for pid in own),
    )


def rest_since(before: Look | None, now: Look) -> Look:
    """The look since which nothing has changed: `before`, or `now` where something has."""
    if before is None or before.workers != now.workers:
        return now
    slack_bytes = max(_REST_BYTES, before.private_bytes * _REST_FRACTION)
    return before if abs(now.private_bytes - before.private_bytes) <= slack_bytes else now


def _is_waiting(process: Process) -> bool:
    """A shell, a small init, a runner: by its first word, or by the script that its interpreter runs."""
    names = [base_name(word) for word in process.words[:2]]
    if names and names[0].startswith("python"):
        names = names[1:]
    return names[:1] != [] and names[0] in _WAITING


def _workers_below(main: Process, children: dict[int, list[Process]]) -> list[Process]:
    workers = []
    for child in children.get(main.pid, []):
        if any(name in word for word in child.words for name in _HELPERS):
            # What a fork server starts is the program's.
            workers += children.get(child.pid, [])
        elif child.program in (main.program, ""):
            # That of another user, which a worker may have become, is not to be seen.
            workers.append(child)
    return workers


def _subtree(process: Process, children: dict[int, list[Process]]) -> frozenset[int]:
    found = {process.pid}
    queue = [process.pid]
    while queue:
        below = [child.pid for child in children.get(queue.pop(), [])]
        queue += below
        found.update(below)
    return frozenset(found)
