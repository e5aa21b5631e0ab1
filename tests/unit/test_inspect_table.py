"""The table of `inspect`: at most 80 columns, no colour, every figure beside its file, for any machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgtune.cli.inspect import format_table, to_json
from cgtune.container import Container
from cgtune.detect import read_limits
from cgtune.host import Host
from cgtune.limits import Cgroup, Cpu, Declared, Limits, Memory, Pids
from cgtune.notices import Notice
from tests.unit.command import call
from tests.unit.trees import Content, lay_out, v1_tree, v2_tree

CASES = sorted((Path(__file__).parent.parent / "fixtures" / "cases").glob("*.json"))


def is_fit_for_a_terminal(table: str) -> bool:
    """Lines of at most 80 printable characters, each of them ended, none of them blank."""
    lines = table.split("\n")
    return lines[-1] == "" and all(line.strip() and len(line) <= 80 and line.isprintable() for line in lines[:-1])


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_recorded_machine_gives_a_table_that_fits(path: Path, tmp_path: Path) -> None:
    """The corpus, with its long paths and its unreadable files."""
    case = json.loads(path.read_text(encoding="utf-8"))
    lay_out(tmp_path, case["files"], case.get("unreadable", ()))
    table = format_table(read_limits(Host(str(tmp_path))))
    assert is_fit_for_a_terminal(table), table
    assert [line.split()[0] for line in table.splitlines() if line[:1] != " "][:4] == [
        "container",
        "CPU",
        "memory",
        "pids",
    ]


DOCKER = "/docker/" + "3f2a9c1b4e5d" + "0" * 52
TREES: dict[str, dict[str, Content]] = {
    "v2": v2_tree("/", {"cpu.max": "50000 100000\n", "memory.max": "268435456\n", "memory.current": "43253760\n"}),
    "v1": v1_tree(DOCKER, {}),
    "a very long path": v2_tree("/" + "/".join(["kubepods-burstable-pod" + "a" * 60] * 6), {"cpu.max": "1 1\n"}),
    "a path without a break": v2_tree("/" + "x" * 240, {f"{'x' * 240}/cpu.max": "50000 100000\n"}),
    "a path that is no text": v2_tree("/esc\x1b[31m", {"esc\x1b[31m/memory.max": "oops\n"}),
    "huge numbers": v2_tree("/", {"cpu.max": f"{'9' * 19} 1\n", "memory.max": str(2**61), "pids.max": "9" * 18}),
    "tiny numbers": v2_tree("/", {"cpu.max": "1 1000000000\n", "memory.max": "1\n", "pids.max": "0\n"}),
    "nothing": {},
    "garbage": v2_tree("/", {"cpu.max": "\0\xff", "memory.max": "oops\n", "pids.max": "\n"}),
}


@pytest.mark.parametrize("name", TREES)
def test_the_real_command_prints_a_table_that_fits(name: str, tmp_path: Path) -> None:
    """Nothing on stderr, exit code 0, also for paths that hold anything."""
    lay_out(tmp_path, TREES[name])
    done = call("inspect", "--root", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert is_fit_for_a_terminal(done.stdout), done.stdout


def test_a_root_with_strange_bytes_in_its_name(tmp_path: Path) -> None:
    """A folder whose name is no text is as good as any."""
    root = tmp_path / "\udcff\n"
    lay_out(root, TREES["v2"])
    done = call("inspect", "--root", str(root))
    assert (done.returncode, done.stderr) == (0, "")
    assert "0.50 cores" in done.stdout


def test_the_table_of_a_small_container(tmp_path: Path) -> None:
    """As the README shows it."""
    lay_out(tmp_path, TREES["v2"])
    lay_out(tmp_path, {"/sys/devices/system/cpu/online": "0-63\n", "/proc/self/status": "Cpus_allowed_list:\t0-63\n"})
    table = format_table(read_limits(Host(str(tmp_path))))
    assert table.splitlines() == [
        "container  none found, cgroup v2",
        "CPU        0.50 cores   quota                  /sys/fs/cgroup/cpu.max",
        "           CPUs: 64 in the affinity mask, 64 in the machine",
        "memory     256 MiB      41.2 MiB used, 215 MiB to go   /sys/fs/cgroup/memory.max",
        "pids       no limit",
    ]


USED: dict[str, Content] = {"memory.current": "43253760\n", "memory.stat": "inactive_file 0\n"}
MACHINE: dict[str, Content] = {"/proc/meminfo": "MemTotal: 4194304 kB\nMemAvailable: 2097152 kB\n"}
# A kernel's limit, a declared one in MiB -> the rows.
DECLARED: dict[str, tuple[str, int, list[str]]] = {
    "no limit": ("max", 256, ["memory     256 MiB      no limit, 41.2 MiB used, 215 MiB to go", "256 MiB declared"]),
    "a larger limit": (
        str(512 << 20),
        256,
        [
            "memory     512 MiB      41.2 MiB used, 215 MiB to go",
            "256 MiB are left of it by what follows",
            "256 MiB declared",
        ],
    ),
    "a smaller limit": (
        str(256 << 20),
        512,
        ["memory     256 MiB      41.2 MiB used, 215 MiB to go", "512 MiB declared"],
    ),
    "less than is used": (
        "max",
        32,
        ["memory     32 MiB       no limit, 41.2 MiB used, 0 B to go", "32 MiB declared"],
    ),
    "an unreadable limit": ("oops", 256, ["memory     256 MiB      declared; limit unknown", "256 MiB declared"]),
    "more than the machine": ("max", 8192, ["memory     4 GiB        no limit, 41.2 MiB used, 2 GiB to go"]),
}


@pytest.mark.parametrize("case", DECLARED)
def test_a_declared_memory_limit_counts_from_the_first_line(case: str, tmp_path: Path) -> None:
    """What there is to use is the least of all limits, and what is left of it goes by that one too."""
    limit, declared_mib, expected = DECLARED[case]
    lay_out(tmp_path, v2_tree("/", {**USED, **MACHINE, "memory.max": f"{limit}\n"}))
    table = format_table(read_limits(Host(str(tmp_path)), Declared(memory_limit_bytes=declared_mib << 20)))
    assert is_fit_for_a_terminal(table)
    for text in expected:
        assert any(line.removeprefix(" " * 11).startswith(text) for line in table.splitlines()), table


def test_under_a_root_the_callers_own_settings_do_not_count(tmp_path: Path) -> None:
    """A recording speaks for itself; the control is this machine, where they do."""
    lay_out(tmp_path, TREES["v2"])
    environment = {"CGTUNE_CPU_LIMIT": "0.125", "CGTUNE": "off", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    done = call("inspect", "--json", "--root", tmp_path, environment=environment)
    document = json.loads(done.stdout)
    assert (done.stderr, document["declared"]["cpu_limit_cores"]) == ("", None)
    assert document["container"]["orchestrator"] is None
    live = json.loads(call("inspect", "--json", environment=environment).stdout)
    assert live["declared"]["cpu_limit_cores"] == 0.125
    assert live["container"]["orchestrator"] == "kubernetes"
    flagged = call("inspect", "--json", "--root", tmp_path, "--cpu-limit", "0.125")
    assert json.loads(flagged.stdout)["cpu"]["effective_cores"] == 0.125


NUMBERS = st.none() | st.integers(min_value=0, max_value=10**20)
CORES = st.none() | st.floats(min_value=1e-20, max_value=1e19)
TEXTS = st.none() | st.text(max_size=120)
STATUSES = st.sampled_from(["limited", "unlimited", "unknown"])
CPU = st.builds(
    Cpu,
    status=STATUSES,
    quota_cores=CORES,
    effective_cores=CORES,
    cpuset_count=NUMBERS,
    affinity_count=NUMBERS,
    host_count=NUMBERS,
    source=TEXTS,
)
MEMORY = st.builds(
    Memory,
    status=STATUSES,
    limit_bytes=NUMBERS,
    effective_bytes=NUMBERS,
    host_bytes=NUMBERS,
    high_bytes=NUMBERS,
    swap_limit_bytes=NUMBERS,
    working_set_bytes=NUMBERS,
    available_bytes=NUMBERS,
    source=TEXTS,
)
LIMITS = st.builds(
    Limits,
    cgroup=st.builds(Cgroup, version=st.none(), mode=st.sampled_from(["v1", "v2", "hybrid", "none"])),
    cpu=CPU,
    memory=MEMORY,
    pids=st.builds(Pids, limit=NUMBERS, current=NUMBERS, source=TEXTS),
    declared=st.builds(Declared, cpu_limit_cores=CORES, memory_limit_bytes=NUMBERS),
    container=st.none()
    | st.builds(Container, runtime=TEXTS, orchestrator=TEXTS, platform=TEXTS, id=TEXTS, evidence=st.just(())),
    unknown=st.sampled_from([(), ("pids",), ("cpu", "memory")]),
    notices=st.lists(st.builds(Notice, code=st.just("X"), message=st.text(max_size=200)), max_size=2).map(tuple),
)


@given(LIMITS)
def test_any_limits_give_a_table_that_fits(limits: Limits) -> None:
    """Whatever the numbers and the texts; and the JSON of the same can be read again."""
    assert is_fit_for_a_terminal(format_table(limits))
    assert json.loads(to_json({"schema": 1, **limits.as_dict()}))["schema"] == 1
