"""What is tried on cgroup v2: a script for the emulated machine. One JSON line a finding, on stdout.

    {"case": "cpus-0.5", "faults": []}

`--all` plays every container of `container_cases`; without it, those worth their seconds on each run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from lab import vm_docker
from lab.engine import Engine
from lab.host_image import TAG, host_mount_options
from tests.real.container_cases import CASES, PARENT, PARENT_BYTES, PARENT_CORES, differences

PROJECT = Path(__file__).resolve().parents[2]
CGTUNE = str(Path(sys.executable).parent / "cgtune")
TOP = Path("/sys/fs/cgroup")
MIB = 1 << 20


def report(case: str, faults: list[str]) -> None:
    """One finding, at once: the machine may die before the end."""
    print(json.dumps({"case": case, "faults": faults}), flush=True)


def differences_of(wanted: dict[str, Any], seen: dict[str, Any]) -> list[str]:
    """Keys whose value is another."""
    return [f"{key}: want {want!r}, got {seen.get(key)!r}" for key, want in wanted.items() if seen.get(key) != want]


def play_live_cgroup() -> None:
    """The process that is limited, moved and robbed of its cgroup."""
    done = subprocess.run(
        [sys.executable, PROJECT / "tests/real/live_cgroup.py"], capture_output=True, text=True, check=False
    )
    lines = done.stdout.splitlines()
    report("live", json.loads(lines[-1])["faults"] if lines else [done.stderr[-2000:]])


def play_plain_cgroups() -> None:
    """What Docker has no option for: memory.high, PSI, oom.group, a threaded leaf."""
    top = TOP / "cgtune-plain"
    top.mkdir()
    (top / "memory.max").write_text(str(300 * MIB))
    (top / "memory.high").write_text(str(200 * MIB))
    (top / "memory.low").write_text(str(10 * MIB))
    (top / "memory.oom.group").write_text("1")
    (top / "cpu.max").write_text("80000 100000")
    (top / "cpu.weight").write_text("50")
    memory = inspect_inside(top)
    wanted = {
        "limit_bytes": 300 * MIB,
        "high_bytes": 200 * MIB,
        "low_bytes": 10 * MIB,
        "oom_group": True,
        "status": "limited",
    }
    report("memory-high-low-group", differences_of(wanted, memory["memory"]))
    wanted = {"quota_cores": 0.8, "weight": 50, "shares": None, "limit_dir": str(top)}
    report("cpu-weight", differences_of(wanted, memory["cpu"]))
    pressure = memory["pressure"] or {}
    missing = [name for name in ("cpu", "memory", "io") if (pressure.get(name) or {}).get("some_total_us") is None]
    report("pressure", [f"no pressure of {name}" for name in missing])
    threaded = top / "threads"
    threaded.mkdir()
    (threaded / "cgroup.type").write_text("threaded")
    (top / "cgroup.subtree_control").write_text("+cpu")
    (threaded / "cpu.max").write_text("20000 100000")
    seen = inspect_inside(threaded)
    faults = differences_of({"quota_cores": 0.2}, seen["cpu"])
    report("threaded-leaf", faults + differences_of({"limit_bytes": 300 * MIB}, seen["memory"]))


def inspect_inside(folder: Path) -> dict[str, Any]:
    """`inspect --json` of a process in one cgroup."""
    enter = f"echo $$ > {folder}/cgroup.procs && exec {CGTUNE} inspect --json"
    done = subprocess.run(["sh", "-c", enter], capture_output=True, text=True, check=False)
    if done.returncode:
        return {"cpu": {}, "memory": {}, "pressure": None, "error": done.stderr}
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def play_containers(docker: Engine, play_all: bool) -> None:
    """The list of containers, as on v1."""
    parent = TOP / PARENT
    parent.mkdir()
    (parent / "cpu.max").write_text(f"{int(PARENT_CORES * 100_000)} 100000")
    (parent / "memory.max").write_text(str(PARENT_BYTES))
    for case in CASES:
        if not (play_all or case.is_quick):
            continue
        options = [*host_mount_options(PROJECT), *case.options]
        done = docker.run(TAG, [CGTUNE, "inspect", "--json"], docker_options=options, timeout=120)
        if done.returncode or done.stderr:
            report(case.name, [f"exit {done.returncode}: {done.stderr[-500:]}"])
        else:
            report(case.name, differences(case, 2, json.loads(done.stdout)))


def play_run(docker: Engine) -> None:
    """`run` in a v2 container gives gunicorn its two workers, and names the v2 files."""
    # gunicorn is told by its name: a link of that name to `env` shows what it would be given.
    script = "ln -s /bin/env /tmp/gunicorn && exec " + CGTUNE + " run -- /tmp/gunicorn"
    options = [*host_mount_options(PROJECT), "--cpus", "0.5", "--memory", "512m"]
    done = docker.run(TAG, ["sh", "-c", script], docker_options=options, timeout=120)
    wanted = ["WEB_CONCURRENCY=2", "OMP_NUM_THREADS=1", "MALLOC_ARENA_MAX=2"]
    faults = [f"no {line} in the environment" for line in wanted if line not in done.stdout.splitlines()]
    if "/sys/fs/cgroup/cpu.max" not in done.stderr:
        faults.append(f"the file is not named: {done.stderr[-500:]}")
    report("run", faults)


def main() -> int:
    """Play everything; 0 when all was played, whatever was found."""
    play_live_cgroup()
    play_plain_cgroups()
    with vm_docker.engine() as docker:
        play_containers(docker, play_all="--all" in sys.argv)
        play_run(docker)
    report("the-end", [])
    return 0


if __name__ == "__main__":
    sys.exit(main())
