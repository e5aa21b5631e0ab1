"""In what we run: every row of the marker table for runtimes, the order of the markers, and what is no proof."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cgtune.container import Container, find_container
from cgtune.host import Host
from tests.unit.surroundings import GVISOR, ID, OTHER_ID, POD, Tree, at, file, found, mounted, variables
from tests.unit.trees import lay_out

# name -> parts of the tree, runtime, id
RUNTIMES: dict[str, tuple[list[Tree], str | None, str | None]] = {
    "nothing": ([], None, None),
    "gVisor": ([file("/proc/version", GVISOR)], "gvisor", None),
    "a real 4.4 kernel": ([file("/proc/version", "Linux version 4.4.0-21-generic (buildd@lgw01) #37\n")], None, None),
    "Docker, cgroup v1": ([at(f"/docker/{ID}", "/")], "docker", ID),
    "Docker, systemd": ([at(f"/system.slice/docker-{ID}.scope")], "docker", ID),
    "Docker in Docker": ([at(f"/docker/{OTHER_ID}/docker/{ID}")], "docker", ID),
    "systemd in Docker": ([at(f"/docker/{ID}/system.slice/shop.service")], "docker", ID),
    "Docker, private namespace": (
        [at("/"), mounted("overlay / /", f"ext4 /var/lib/docker/containers/{ID}/hostname /etc/hostname")],
        "docker",
        ID,
    ),
    "Docker, another data root": (
        [mounted(f"ext4 /data/containers/{ID}/resolv.conf /etc/resolv.conf")],
        "docker",
        ID,
    ),
    "Docker's storage, mounted elsewhere": ([mounted(f"ext4 /var/lib/docker/containers/{ID}/x /x")], None, None),
    "a folder of that name": ([mounted("ext4 /var/lib/docker/containers/mine/hostname /etc/hostname")], None, None),
    "a folder of an id, of nobody known": ([mounted(f"ext4 /var/lib/x/{ID}/hostname /etc/hostname")], None, None),
    "a unit named after Docker": ([at("/system.slice/docker-compose@shop.service")], None, None),
    "Docker's own service": ([at("/system.slice/docker.service")], None, None),
    "an id that is too short": ([at(f"/docker/{ID[:63]}")], None, None),
    "an id that is not hex": ([at(f"/docker/{'g' * 64}")], None, None),
    "Docker in a pod, whose mounts are the sandbox's": (
        [at("/kubepods/x"), mounted(f"ext4 /var/lib/docker/containers/{ID}/hostname /etc/hostname")],
        "docker",
        None,
    ),
    "a pod's container by cgroupfs, any runtime's": ([at(f"/kubepods/burstable/{POD}/{ID}")], None, ID),
    "Podman": ([at(f"/machine.slice/libpod-{ID}.scope/container")], "podman", ID),
    "Podman, rootless": (
        [at(f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope")],
        "podman",
        ID,
    ),
    "Podman's file": ([file("/run/.containerenv")], "podman", None),
    "Podman's storage": (
        [mounted(f"tmpfs /containers/overlay-containers/{ID}/userdata/hosts /etc/hosts")],
        "podman",
        ID,
    ),
    "Podman by PID 1": ([variables("container=podman", pid="1")], "podman", None),
    "Podman by our own variable": ([variables("container=podman")], "podman", None),
    "containerd, systemd": (
        [at(f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-{POD}.slice/cri-containerd-{ID}.scope")],
        "containerd",
        ID,
    ),
    "containerd, with colons": ([at(f"/system.slice/kubepods-{POD}.slice:cri-containerd:{ID}")], "containerd", ID),
    "containerd's sandbox": (
        [mounted(f"ext4 /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/{ID}/hostname /etc/hostname")],
        "containerd",
        None,
    ),
    "cri-o": ([at(f"/kubepods.slice/kubepods-{POD}.slice/crio-{ID}.scope")], "cri-o", ID),
    "cri-o, which shares Podman's storage": (
        [
            variables("KUBERNETES_SERVICE_HOST=10.0.0.1"),
            mounted(f"tmpfs /containers/overlay-containers/{ID}/userdata/hosts /etc/hosts"),
        ],
        "cri-o",
        None,
    ),
    "cri-o, which writes Podman's file": (
        [variables("KUBERNETES_SERVICE_HOST=10.0.0.1"), file("/run/.containerenv")],
        "cri-o",
        None,
    ),
    "LXC by PID 1": ([variables("container=lxc", pid="1")], "lxc", None),
    "LXC by its path": ([at("/lxc.payload.web/init.scope")], "lxc", None),
    "LXD by its socket and lxcfs": (
        [file("/dev/lxd/sock"), mounted("fuse.lxcfs /proc/meminfo /proc/meminfo")],
        "lxc",
        None,
    ),
    "Incus by its socket and lxcfs": (
        [file("/dev/incus/sock"), mounted("fuse.lxcfs /proc/stat /proc/stat")],
        "lxc",
        None,
    ),
    "LXD's socket alone, as in its virtual machines": ([file("/dev/lxd/sock"), mounted("ext4 / /")], None, None),
    "lxcfs alone, as others use it": ([mounted("fuse.lxcfs /proc/meminfo /proc/meminfo")], None, None),
    "nspawn by PID 1": ([variables("container=systemd-nspawn", pid="1")], "nspawn", None),
    "nspawn by its file": ([file("/run/systemd/container", "systemd-nspawn\n")], "nspawn", None),
    "nspawn by the manager's file": ([file("/run/host/container-manager", "systemd-nspawn\n")], "nspawn", None),
    "a name hard-coded in images": ([variables("container=oci", pid="1"), variables("container=oci")], None, None),
    "an unknown manager": ([file("/run/systemd/container", "somebody\n")], None, None),
    "a stray file of Docker's": ([file("/.dockerenv"), mounted("ext4 / /")], None, None),
    "a stray file of Docker's, at a plain path": ([file("/.dockerenv"), at("/")], None, None),
    "Docker's file on a layered root": ([file("/.dockerenv"), mounted("overlay / /")], "docker", None),
    "Docker's file, layers elsewhere": ([file("/.dockerenv"), mounted("ext4 / /", "overlay / /x")], None, None),
    "Docker's file, a cgroup mount of a plain machine": (
        [file("/.dockerenv"), mounted("ext4 / /", "ext4 /srv /data", "cgroup2 / /sys/fs/cgroup")],
        None,
        None,
    ),
    "Docker's file, in a unit of a nested machine": (
        [file("/.dockerenv"), at("/a.slice"), file("/sys/fs/cgroup/cgroup.type", "domain\n")],
        None,
        None,
    ),
    "mounts behind malformed lines": (
        [
            {
                "/proc/self/mountinfo": [
                    "x - overlay y",
                    "x",
                    "",
                    " - ",
                    f"{'1 ' * 8}",
                    f"1 2 0:3 /containers/{ID}/hosts /etc/hosts rw - ext4 x rw",
                ]
            }
        ],
        "docker",
        ID,
    ),
    "Docker's file in a nested cgroup": (
        [file("/.dockerenv"), mounted("ext4 / /", f"cgroup /docker/{ID} /sys/fs/cgroup/memory")],
        "docker",
        None,
    ),
    "Docker's file in a cgroup namespace": (
        [file("/.dockerenv"), at("/"), file("/sys/fs/cgroup/cgroup.type", "domain\n")],
        "docker",
        None,
    ),
}


@pytest.mark.parametrize("name", RUNTIMES)
def test_the_runtime_is_told_by_its_markers(name: str, tmp_path: Path) -> None:
    """With the container's id where the marker holds it, and nothing from what only resembles one."""
    parts, runtime, identity = RUNTIMES[name]
    container = found(tmp_path, *parts)
    assert (container.runtime, container.id) == (runtime, identity)
    assert bool(container.evidence) or runtime is None


# Markers from the strongest to the weakest, each with the runtime that it alone would say.
ORDER: list[tuple[Tree, str]] = [
    (file("/proc/version", GVISOR), "gvisor"),
    (file("/run/host/container-manager", "systemd-nspawn\n"), "nspawn"),
    (variables("container=lxc", pid="1"), "lxc"),
    (file("/run/systemd/container", "podman\n"), "podman"),
    (at(f"/x/crio-{ID}.scope"), "cri-o"),
    (mounted(f"ext4 /sandboxes/{ID}/hostname /etc/hostname", "overlay / /"), "containerd"),
    (file("/run/.containerenv"), "podman"),
    (file("/.dockerenv"), "docker"),
]


@pytest.mark.parametrize("first", range(len(ORDER) - 1))
def test_the_first_marker_decides_and_all_evidence_is_kept(first: int, tmp_path: Path) -> None:
    """What a manager says comes first, files last, in systemd's order."""
    trees = [tree for tree, _ in ORDER[first:]]
    container = found(tmp_path, *trees)
    assert container.runtime == ORDER[first][1]
    assert len(container.evidence) == len(trees)


def test_a_container_of_its_own_is_told_in_full(tmp_path: Path) -> None:
    """A pod's container, by all of its markers: what each says is kept once, in the order of their strength."""
    path = f"/kubepods.slice/kubepods-{POD}.slice/cri-containerd-{ID}.scope"
    assert found(tmp_path, at(path), variables("KUBERNETES_SERVICE_HOST=10.0.0.1")) == Container(
        runtime="containerd",
        orchestrator="kubernetes",
        id=ID,
        evidence=(f"cgroup path {path}", "variable KUBERNETES_SERVICE_HOST"),
    )


def test_a_stray_file_is_evidence_all_the_same(tmp_path: Path) -> None:
    """It is named, with the remark that it proves nothing."""
    assert found(tmp_path, file("/.dockerenv")).evidence == ("/.dockerenv alone, which proves nothing",)


def test_a_stray_file_beside_another_marker_is_plain_evidence(tmp_path: Path) -> None:
    """Something else has shown that this is a container."""
    assert found(tmp_path, at(f"/docker/{ID}"), file("/.dockerenv")).evidence[1:] == ("/.dockerenv",)


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("/ecs/task/0123456789abcdef0123456789abcdef-2531612879", True),
        ("/ecs/task/0123456789abcdef0123456789abcdef-x", False),
        ("/ecs/task/0123456789abcdef0123456789abcdef", False),
        ("/ecs/task/0123456789abcdef-2531612879", False),
        ("/nomad/task/0123456789abcdef0123456789abcdef-2531612879", False),
    ],
)
def test_a_fargate_task_has_an_id_of_its_own_shape(path: str, is_one: bool, tmp_path: Path) -> None:
    """32 hex digits and a number, below /ecs only."""
    assert found(tmp_path, at(path)).id == (path.rsplit("/", 1)[-1] if is_one else None)


def test_under_a_root_the_callers_environment_is_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recording's own variables are; the control is a look at this machine."""
    monkeypatch.setenv("NOMAD_ALLOC_ID", "1")
    assert found(tmp_path) == Container()
    assert found(tmp_path, variables("FLY_APP_NAME=x")).evidence == ("variable FLY_APP_NAME",)
    assert "variable NOMAD_ALLOC_ID" in find_container(Host()).evidence


READ = [
    "/proc/version",
    "/proc/sys/kernel/osrelease",
    "/proc/self/cgroup",
    "/proc/self/mountinfo",
    "/proc/self/environ",
    "/proc/1/environ",
    "/run/systemd/container",
    "/run/host/container-manager",
    "/.dockerenv",
    "/run/.containerenv",
]
SCRAPS = [
    GVISOR.encode(),
    b"0::/docker/" + ID.encode(),
    b"\n",
    b"1:a:/",
    b" - ",
    b"container=",
    b"\0",
    b":",
    b"/",
    b"K=",
]
GARBAGE = st.lists(st.sampled_from(SCRAPS) | st.binary(max_size=20), max_size=6).map(b"".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(content=st.dictionaries(st.sampled_from(READ), GARBAGE))
def test_garbage_is_no_evidence_and_no_error(content: dict[str, bytes], tmp_path: Path) -> None:
    """Any bytes in any of the files: an answer, whose words are known ones."""
    for path in READ:
        (tmp_path / path.lstrip("/")).unlink(missing_ok=True)
    container = found(tmp_path, dict(content))
    assert container.runtime in {None, "docker", "podman", "containerd", "cri-o", "lxc", "nspawn", "gvisor"}
    assert container.orchestrator in {None, "kubernetes", "nomad", "ecs", "slurm"}


def test_files_that_cannot_be_read_are_no_evidence(tmp_path: Path) -> None:
    """A folder in the place of each: reading fails even for root."""
    lay_out(tmp_path, {}, unreadable=READ[:8])
    assert find_container(Host(str(tmp_path))) == Container()


def test_this_machine_is_looked_at_without_an_error() -> None:
    """Whatever it is."""
    assert isinstance(find_container(Host()), Container)
