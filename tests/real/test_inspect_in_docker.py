"""`cgtune inspect` in real containers says what `docker run` was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.engine import Engine
from tests.real.container_cases import CASES, PARENT, PARENT_BYTES, PARENT_CORES, ContainerCase, differences

pytestmark = pytest.mark.real
_HIERARCHY = Path("/sys/fs/cgroup")


@pytest.fixture(scope="module")
def parent() -> Iterator[None]:
    """A cgroup tighter than the containers in it."""
    is_v2 = (_HIERARCHY / "cgroup.controllers").exists()
    folders = [_HIERARCHY / PARENT] if is_v2 else [_HIERARCHY / name / PARENT for name in ("cpu", "memory")]
    for folder in folders:
        folder.mkdir(exist_ok=True)
    if is_v2:
        (folders[0] / "cpu.max").write_text(f"{int(PARENT_CORES * 100_000)} 100000")
        (folders[0] / "memory.max").write_text(str(PARENT_BYTES))
    else:
        (folders[0] / "cpu.cfs_quota_us").write_text(str(int(PARENT_CORES * 100_000)))
        (folders[1] / "memory.limit_in_bytes").write_text(str(PARENT_BYTES))
    yield
    # Docker makes the parent in every hierarchy, and leaves it there.
    for folder in [_HIERARCHY / PARENT, *_HIERARCHY.glob(f"*/{PARENT}")]:
        if folder.is_dir():
            folder.rmdir()


def _inspect(docker: Engine, image: str, *options: str) -> dict[str, Any]:
    done = docker.run(image, ["cgtune", "inspect", "--json"], docker_options=options).check()
    assert done.stderr == ""
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.usefixtures("parent")
def test_inspect_says_what_was_asked_for(docker: Engine, image: str, case: ContainerCase) -> None:
    """Each figure of the container's limits is the one given to `docker run`."""
    seen = _inspect(docker, image, *case.options)
    assert differences(case, seen["cgroup"]["version"], seen) == []


def test_usage_and_room_add_up_to_the_limit(docker: Engine, image: str) -> None:
    """What is used and what is left are the limit, within what a few pages of noise change."""
    memory = _inspect(docker, image, "--memory", "64m")["memory"]
    assert 0 < memory["working_set_bytes"] <= memory["usage_bytes"] < 64 << 20
    assert memory["available_bytes"] == memory["limit_bytes"] - memory["working_set_bytes"]


def test_the_container_is_told_by_its_id(docker: Engine, image: str) -> None:
    """The runtime and the id are Docker's, in either namespace, and the evidence is kept."""
    for namespace in ("private", "host"):
        with docker.start(
            image, ["cgtune", "inspect", "--json"], docker_options=["--cgroupns", namespace]
        ) as container:
            assert container.wait() == 0
            found = json.loads(container.logs().stdout)["container"]
            assert (found["runtime"], found["id"]) == ("docker", container.id), namespace
            assert any("/.dockerenv" in evidence for evidence in found["evidence"])


def test_the_table_fits_a_terminal_and_names_the_files(docker: Engine, image: str) -> None:
    """The table for people has no line over 80 columns, no colour, and a file beside each limit."""
    done = docker.run(image, ["cgtune", "inspect"], docker_options=["--cpus", "0.5", "--memory", "256m"]).check()
    assert max(len(line) for line in done.stdout.splitlines()) <= 80
    assert "\x1b" not in done.stdout
    assert "0.50 cores" in done.stdout
    assert "256 MiB" in done.stdout
    assert "/sys/fs/cgroup/" in done.stdout


def test_a_running_container_follows_docker_update(docker: Engine, image: str) -> None:
    """After `docker update`, the same container's next detection has the new limits."""
    with docker.start(image, ["sleep", "60"], docker_options=["--cpus", "1", "--memory", "256m"]) as container:
        container.update("--cpus", "0.25", "--memory", "128m", "--memory-swap", "256m")
        seen = json.loads(container.exec(["cgtune", "inspect", "--json"]).check().stdout)
    assert seen["cpu"]["quota_cores"] == 0.25
    assert seen["memory"]["limit_bytes"] == 128 << 20
