"""Where this process runs: container runtime, orchestrator, platform, and what says so. Never a limit.

The order follows systemd's `virt.c`: what a manager says first, files last, because `/.dockerenv` "could
inadvertently end up in a file system image", or in a virtual machine made from one. No network is used, so what
only a metadata server can tell (EKS or AKS, say) stays untold.

| evidence | says |
|---|---|
| /proc/version of one fixed build | gVisor |
| /run/host/container-manager, "container=" of PID 1, /run/systemd/container | what they name |
| cgroup path: docker-<64 hex>.scope, /docker/<id>, cri-containerd, crio-, libpod-, lxc.payload | the runtime, id |
| KUBERNETES_SERVICE_HOST, its service account, "kubepods" in the cgroup path, mounts of the kubelet | kubernetes |
| where /etc/hostname, hosts, resolv.conf are mounted from: containers/<id>/, sandboxes/<id>/ | the runtime, id |
| lxcfs below /proc, with LXD's or Incus' socket | lxc |
| /run/.containerenv | podman; under Kubernetes cri-o, which shares podman's storage |
| /.dockerenv, where the root file system or the cgroup also looks like a container's | docker |
| the variables that Lambda, Cloud Run, ECS, Heroku, … document | the platform |

`docker-compose@shop.service` and `nomad.service` are units of a plain machine: a name counts with an id or as a
whole component only. In a pod the mounts belong to the pod's sandbox, whose id is not the container's.
"""

from __future__ import annotations

from cgtune import parse
from cgtune.cgroup.files import OnePass
from cgtune.cgroup.levels import Unreadable, read_value
from cgtune.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cgtune.cgroup.files import Files
    from cgtune.host import Host

# `container=` values (container interface of systemd) -> runtime. "oci" is hard-coded in images and says nothing.
_MANAGERS = {
    "docker": "docker",
    "podman": "podman",
    "containerd": "containerd",
    "lxc": "lxc",
    "lxc-libvirt": "lxc",
    "systemd-nspawn": "nspawn",
    "cri-o": "cri-o",
    "crio": "cri-o",
}
# Parts of a cgroup path's component that also holds the container's id -> runtime.
_CGROUP_MARKS = (
    ("cri-containerd", "containerd"),
    ("crio-", "cri-o"),
    ("libpod-", "podman"),
    ("docker-", "docker"),
)
# What every runtime mounts from its own storage, and the folder before the id there -> runtime.
_MOUNTED_FILES = frozenset(("/etc/hostname", "/etc/hosts", "/etc/resolv.conf"))
_MOUNT_MARKS = {"containers": "docker", "sandboxes": "containerd", "overlay-containers": "podman"}
_LAYERED_FILE_SYSTEMS = frozenset(("overlay", "aufs", "fuse-overlayfs", "fuse.fuse-overlayfs"))
_SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/token"

_ORCHESTRATOR_VARIABLES = (
    ("KUBERNETES_SERVICE_HOST", "kubernetes"),
    ("NOMAD_ALLOC_ID", "nomad"),
    ("ECS_CONTAINER_METADATA_URI_V4", "ecs"),
    ("ECS_CONTAINER_METADATA_URI", "ecs"),
    ("SLURM_JOB_ID", "slurm"),
)
# First match wins: Functions set Cloud Run's and App Service's variables too. All of a row's must be there.
_PLATFORM_VARIABLES = (
    (("AWS_LAMBDA_FUNCTION_NAME",), "aws_lambda"),
    (("FUNCTION_TARGET",), "gcp_cloud_functions"),
    (("K_CONFIGURATION",), "gcp_cloud_run"),
    (("CLOUD_RUN_JOB",), "gcp_cloud_run"),
    (("CLOUD_RUN_WORKER_POOL",), "gcp_cloud_run"),
    (("GAE_SERVICE",), "gcp_app_engine"),
    (("FUNCTIONS_WORKER_RUNTIME",), "azure.functions"),
    (("FUNCTIONS_EXTENSION_VERSION",), "azure.functions"),
    (("CONTAINER_APP_NAME",), "azure.container_apps"),
    (("WEBSITE_SITE_NAME", "WEBSITE_RESOURCE_GROUP", "WEBSITE_OWNER_NAME"), "azure.app_service"),
    (("ECS_CONTAINER_METADATA_URI_V4",), "aws_ecs"),
    (("ECS_CONTAINER_METADATA_URI",), "aws_ecs"),
    (("FLY_MACHINE_ID",), "fly"),
    (("FLY_APP_NAME",), "fly"),
    (("DYNO",), "heroku"),
)
# Knative sets these on any Kubernetes; Google's own serverless platforms show no Kubernetes.
_KNATIVE_PLATFORMS = frozenset(("gcp_cloud_functions", "gcp_cloud_run"))


class Container(Record):
    """Where we are. `evidence` holds a phrase for each thing that was seen, believed or not."""

    runtime: str | None = None
    orchestrator: str | None = None
    platform: str | None = None
    id: str | None = None
    evidence: tuple[str, ...] = ()


class _Finding:
    """The first answer to each question stands; all evidence is kept."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.evidence: list[str] = []

    def take(self, evidence: str, **answers: str | None) -> None:
        self.evidence.append(evidence)
        for question, answer in answers.items():
            if answer is not None:
                self.answers.setdefault(question, answer)

    @property
    def is_kubernetes(self) -> bool:
        return self.answers.get("orchestrator") == "kubernetes"


def find_container(host: Host) -> Container:
    """Look at every marker. Never raises: what may not be read is no evidence."""
    files = OnePass(host)
    finding = _Finding()
    variables = host.environment()
    paths = _cgroup_paths(host, files)
    mounts = _mount_lines(files)
    _ask_kernel(files, finding)
    _ask_managers(host, files, finding)
    for path in paths:
        _ask_cgroup_path(path, finding)
    _ask_orchestrators(host, variables, mounts, finding)
    _ask_mounts(host, mounts, finding)
    _ask_files(host, mounts, paths, finding)
    _ask_variables(variables, finding)
    _ask_system(files, paths, finding)
    return Container(**finding.answers, evidence=tuple(dict.fromkeys(finding.evidence)))


def _text(files: Files, path: str) -> str:
    """A small file's text, without its newline; empty where there is none to be had."""
    try:
        return (read_value(files, path, parse.decode) or "").strip()
    except Unreadable:
        return ""


def _cgroup_paths(host: Host, files: Files) -> list[str]:
    """The paths this process is at, in any hierarchy, longest first: the longest says most."""
    try:
        membership = read_value(files, f"/proc/{host.pid}/cgroup", parse.parse_membership)
    except Unreadable:
        membership = None
    if membership is None:
        return []
    paths = {*membership.v1_paths.values(), *([membership.v2_path] if membership.v2_path else [])}
    return sorted(paths, key=lambda path: (-len(path), path))


def _mount_lines(files: Files) -> list[list[str]]:
    """Each mount's id, parent, device, root, mount point and type; malformed lines are left out."""
    mounts = []
    for line in _text(files, "/proc/self/mountinfo").split("\n"):
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) >= 6 and right:
            mounts.append([*fields[:5], right.split(" ", 1)[0]])
    return mounts


def _ask_kernel(files: Files, finding: _Finding) -> None:
    try:
        if read_value(files, "/proc/version", parse.is_gvisor_kernel):
            finding.take("/proc/version is gVisor's", runtime="gvisor")
    except Unreadable:
        pass
    release = _text(files, "/proc/sys/kernel/osrelease").lower()
    if "microsoft" in release or "wsl" in release:
        finding.take(f"kernel release {release}", platform="wsl")


def _ask_managers(host: Host, files: Files, finding: _Finding) -> None:
    said = {
        "/run/host/container-manager": _text(files, "/run/host/container-manager"),
        "container= of PID 1": host.environment_of("1").get("container", ""),
        "/run/systemd/container": _text(files, "/run/systemd/container"),
    }
    for place, name in said.items():
        if name:
            finding.take(f"{place}: {name[:40]}", runtime=_MANAGERS.get(name))


def _ask_cgroup_path(path: str, finding: _Finding) -> None:
    parts = [part for part in path.split("/") if part]
    runtime = identity = None
    for before, part in zip(["", *parts], parts, strict=False):
        part_id = _hex_id(part) or (_fargate_id(part) if parts[0] == "ecs" else None)
        identity = part_id or identity
        if part_id is not None and before == "docker":
            runtime = "docker"
        elif part.startswith("lxc.payload"):
            runtime = "lxc"
        for mark, name in _CGROUP_MARKS:
            if part_id is not None and mark in part:
                runtime = name
                break
    orchestrator = None
    if "kubepods" in path:
        orchestrator = "kubernetes"
    elif parts[:1] == ["ecs"]:
        orchestrator = "ecs"
    elif "slurmstepd.scope" in path or parts[:1] == ["slurm"]:
        orchestrator = "slurm"
    elif "nomad" in parts or "nomad.slice" in parts:
        orchestrator = "nomad"
    if runtime or orchestrator:
        finding.take(f"cgroup path {path}", runtime=runtime, orchestrator=orchestrator, id=identity)


def _hex_id(part: str) -> str | None:
    """The 64 hex digits in a path component, the shape of a container's id in every OCI runtime."""
    for piece in part.replace(":", "-").replace(".", "-").split("-"):
        if _is_hex(piece, 64):
            return piece
    return None


def _fargate_id(part: str) -> str | None:
    """Fargate's own shape: <32 hex>-<digits>."""
    task, _, number = part.partition("-")
    return part if _is_hex(task, 32) and number.isdigit() else None


def _is_hex(text: str, length: int) -> bool:
    return len(text) == length and all(digit in "0123456789abcdef" for digit in text)


def _ask_orchestrators(host: Host, variables: Mapping[str, str], mounts: list[list[str]], finding: _Finding) -> None:
    if host.exists(_SERVICE_ACCOUNT):
        finding.take(_SERVICE_ACCOUNT, orchestrator="kubernetes")
    for name, orchestrator in _ORCHESTRATOR_VARIABLES:
        if name in variables:
            finding.take(f"variable {name}", orchestrator=orchestrator)
    for _, _, _, root, mount_point, _ in mounts:
        if "/kubelet/pods/" in root:
            finding.take(f"mount of {mount_point} from …/kubelet/pods/", orchestrator="kubernetes")


def _ask_mounts(host: Host, mounts: list[list[str]], finding: _Finding) -> None:
    for _, _, _, root, mount_point, kind in mounts:
        if kind == "fuse.lxcfs" and (host.exists("/dev/lxd/sock") or host.exists("/dev/incus/sock")):
            finding.take(f"{kind} at {mount_point}", runtime="lxc")
        if mount_point not in _MOUNTED_FILES:
            continue
        parts = root.split("/")
        for before, part in zip(parts, parts[1:], strict=False):  # noqa: RUF007  # itertools is not on the hot path
            if before in _MOUNT_MARKS and _is_hex(part, 64):
                finding.take(
                    f"mount of {mount_point} from …/{before}/{part[:12]}",
                    runtime=_on_shared_storage(_MOUNT_MARKS[before], finding),
                    id=None if finding.is_kubernetes or before == "sandboxes" else part,
                )


def _on_shared_storage(runtime: str, finding: _Finding) -> str:
    """cri-o keeps its containers in podman's storage, and writes podman's file; it runs pods alone, podman none."""
    return "cri-o" if runtime == "podman" and finding.is_kubernetes else runtime


def _ask_files(host: Host, mounts: list[list[str]], paths: list[str], finding: _Finding) -> None:
    if host.exists("/run/.containerenv"):
        finding.take("/run/.containerenv", runtime=_on_shared_storage("podman", finding))
    if not host.exists("/.dockerenv"):
        return
    # A file of an image, perhaps: something that only a container has must stand beside it.
    is_layered = any(mount[4] == "/" and mount[5] in _LAYERED_FILE_SYSTEMS for mount in mounts)
    is_nested = any(mount[5] in ("cgroup", "cgroup2") and mount[3] not in ("/", "") for mount in mounts)
    is_namespaced = host.exists("/sys/fs/cgroup/cgroup.type") and paths == ["/"]
    if is_layered or is_nested or is_namespaced or "runtime" in finding.answers:
        finding.take("/.dockerenv", runtime="docker")
    else:
        finding.take("/.dockerenv alone, which proves nothing")


def _ask_variables(variables: Mapping[str, str], finding: _Finding) -> None:
    for names, platform in _PLATFORM_VARIABLES:
        if finding.is_kubernetes and platform in _KNATIVE_PLATFORMS:
            continue
        if all(name in variables for name in names):
            finding.take(f"variable {names[0]}", platform=platform)
            break
    if variables.get("container") in _MANAGERS:
        runtime = variables["container"]
        finding.take(f"variable container: {runtime}", runtime=_MANAGERS[runtime])


def _ask_system(files: Files, paths: list[str], finding: _Finding) -> None:
    """A unit of systemd with its own cgroup; INVOCATION_ID is inherited by everything below and proves nothing."""
    if finding.answers.get("runtime") or finding.answers.get("orchestrator"):
        return
    for path in paths:
        if any(part.endswith((".service", ".scope", ".slice")) for part in path.split("/")):
            finding.take(f"cgroup path {path}", platform="systemd")
            return
