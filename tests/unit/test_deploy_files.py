"""The Dockerfile and the examples for Compose and Kubernetes: their formats, and what they promise."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

import cgtune
from cgtune.options import OPTIONS
from lab import Unavailable
from lab.checkers import check_compose, check_kubernetes, hadolint
from lab.process import Result
from tests.support import unavailable

_PROJECT = Path(__file__).parents[2]
_DOCKERFILE = _PROJECT / "Dockerfile"
_COMPOSE = _PROJECT / "deploy/compose.yaml"
_MANIFESTS = sorted((_PROJECT / "deploy/kubernetes").glob("*.yaml"))
#: The oldest still cared for by anyone, and the newest whose schema there is.
_KUBERNETES = ("1.33", "1.37")
_BOTH_MANIFESTS = pytest.mark.parametrize("path", _MANIFESTS, ids=lambda path: path.stem)


def test_there_are_manifests() -> None:
    """The tests below have something to look at."""
    assert [path.name for path in _MANIFESTS] == ["deployment.yaml", "sandboxed.yaml"]


# Formats, judged by programs that know them


def judged(result: Result) -> str:
    """What a checker said, and whether it was content."""
    return f"{result.returncode} {result.stdout}{result.stderr}"


@pytest.mark.real
class TestCheckers:
    """Each accepts our file, and refuses the same file with one fault in it."""

    @pytest.fixture(autouse=True)
    def _available(self) -> None:
        try:
            hadolint(_DOCKERFILE)
        except Unavailable as reason:
            unavailable(str(reason))

    def test_dockerfile(self, tmp_path: Path) -> None:
        """hadolint has nothing to say, not even a hint."""
        assert judged(hadolint(_DOCKERFILE)) == "0 "
        broken = tmp_path / "Dockerfile"
        broken.write_text(_DOCKERFILE.read_text().replace("USER 65532:65532", "RUN sudo true\nUSER root"))
        assert "DL3002" in judged(hadolint(broken))

    @pytest.mark.parametrize("index", [0, 1], ids=["in-your-own-image", "on-top-of-it"])
    def test_dockerfiles_of_the_documentation(self, tmp_path: Path, index: int) -> None:
        """What docs/image.md tells people to write is as clean."""
        example = tmp_path / "Dockerfile"
        example.write_text(documented_dockerfiles()[index])
        assert judged(hadolint(example)) == "0 "

    @_BOTH_MANIFESTS
    def test_manifests(self, tmp_path: Path, path: Path) -> None:
        """Kubernetes accepts each object of the file; a misspelt key would not pass."""
        assert judged(check_kubernetes(path, _KUBERNETES)).startswith("0 ")
        broken = tmp_path / path.name
        broken.write_text(path.read_text().replace("resizePolicy:", "resizePolicies:"))
        assert "resizePolicies" in judged(check_kubernetes(broken, _KUBERNETES))

    def test_compose(self, tmp_path: Path) -> None:
        """The Compose file is one; a misspelt key would not pass."""
        assert judged(check_compose(_COMPOSE)) == "0 "
        broken = tmp_path / "compose.yaml"
        broken.write_text(_COMPOSE.read_text().replace("read_only:", "readonly:"))
        assert "readonly" in judged(check_compose(broken))


def documented_dockerfiles() -> list[str]:
    """The Dockerfiles in the documentation."""
    return re.findall(r"^```dockerfile\n(.*?)^```", (_PROJECT / "docs/image.md").read_text(), re.M | re.S)


# The Dockerfile


def test_the_label_names_the_version() -> None:
    """Whoever changes the version changes the label."""
    assert f'org.opencontainers.image.version="{cgtune.__version__}"' in _DOCKERFILE.read_text()


def test_the_context_has_what_is_copied() -> None:
    """.dockerignore lets through each file that the Dockerfile copies, and nothing else."""
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", _DOCKERFILE.read_text(), re.M)
        for word in line.replace("wheelhous[e]", "wheelhouse").split()
    }
    ignore = (_PROJECT / ".dockerignore").read_text().splitlines()
    assert {line[2:] for line in ignore if line.startswith("!/")} == copied
    assert ignore[1] == "*", "everything else is left out"
    assert copied - {"wheelhouse"} == {name for name in copied if (_PROJECT / name).exists()}


# What the examples promise


def objects(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a manifest."""
    yield from yaml.safe_load_all(path.read_text())


def pod_of(path: Path) -> dict[str, Any]:
    """The pod's spec in the Deployment of a manifest."""
    (deployment,) = (item for item in objects(path) if item["kind"] == "Deployment")
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


def container_of(path: Path) -> dict[str, Any]:
    """The one container of a manifest."""
    (container,) = pod_of(path)["containers"]
    found: dict[str, Any] = container
    return found


@_BOTH_MANIFESTS
def test_pods_are_confined(path: Path) -> None:
    """Not root, no capabilities, nothing to write to but a small /tmp, and no token of the cluster's."""
    pod, container = pod_of(path), container_of(path)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    writable = [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")]
    assert writable == ["/tmp"]


@_BOTH_MANIFESTS
def test_pods_have_limits_and_probes(path: Path) -> None:
    """CPU and memory are limited and requested, and all three probes ask the port that is there."""
    container = container_of(path)
    assert set(container["resources"]["limits"]) == set(container["resources"]["requests"]) == {"cpu", "memory"}
    ports = {port["name"] for port in container["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] in ports


def test_resize_policies() -> None:
    """CPU may change under the program; less memory restarts it, and so does all that came by a variable."""
    policies = {
        path.stem: {policy["resourceName"]: policy["restartPolicy"] for policy in container_of(path)["resizePolicy"]}
        for path in _MANIFESTS
    }
    assert policies == {
        "deployment": {"cpu": "NotRequired", "memory": "RestartContainer"},
        "sandboxed": {"cpu": "RestartContainer", "memory": "RestartContainer"},
    }


@pytest.mark.parametrize("name", ["deployment", "sandboxed"])
def test_limits_declared_by_variables_ask_for_a_restart(name: str) -> None:
    """A resized limit that stands in a variable reaches it only by a restart of the container."""
    container = container_of(_PROJECT / f"deploy/kubernetes/{name}.yaml")
    policies = {policy["resourceName"]: policy["restartPolicy"] for policy in container["resizePolicy"]}
    declared = {entry["name"] for entry in container["env"]}
    for resource in ("cpu", "memory"):
        if f"CGTUNE_{resource.upper()}_LIMIT" in declared:
            assert policies[resource] == "RestartContainer"


# What cgtune makes of the variables

_UNITS = {"": Fraction(1), "m": Fraction(1, 1000), "Mi": Fraction(1 << 20)}


def rendered(quantity: str, divisor: str) -> str:
    """A resource in a variable, as the kubelet writes it: divided, and rounded up to a whole number."""

    def value(text: str) -> Fraction:
        number = re.match(r"\d+", text)
        assert number is not None
        return int(number[0]) * _UNITS[text[number.end() :]]

    return str(-(-value(quantity) // value(divisor)))


def environment_of(container: dict[str, Any]) -> dict[str, str]:
    """The variables the kubelet would set; $(NAME) stands for a variable above it."""
    environment: dict[str, str] = {}
    for entry in container["env"]:
        if "value" in entry:
            text = re.sub(r"\$\((\w+)\)", lambda found: environment[found[1]], entry["value"])
        else:
            reference = entry["valueFrom"]["resourceFieldRef"]
            kind, _, resource = reference["resource"].partition(".")
            text = rendered(container["resources"][kind][resource], reference.get("divisor", "1"))
        environment[entry["name"]] = text
    return environment


def declared(environment: dict[str, str]) -> dict[str, Any]:
    """What cgtune understands of these variables."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith("CGTUNE")}
    command = [sys.executable, "-m", "cgtune", "inspect", "--json"]
    done = subprocess.run(
        command, env={**rest, **environment}, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
    found: dict[str, Any] = json.loads(done.stdout)["declared"]
    return {name: value for name, value in found.items() if value is not None}


def test_requests_arrive() -> None:
    """The Deployment's request of 500m is what cgtune understands; that of memory decides nothing."""
    environment = environment_of(container_of(_PROJECT / "deploy/kubernetes/deployment.yaml"))
    assert declared(environment) == {"cpu_request_cores": 0.5}


def test_limits_arrive() -> None:
    """The sandboxed Deployment's limits, 1500m and 512Mi, are what cgtune understands."""
    environment = environment_of(container_of(_PROJECT / "deploy/kubernetes/sandboxed.yaml"))
    assert declared(environment) == {"cpu_limit_cores": 1.5, "memory_limit_bytes": 512 << 20}


@pytest.mark.parametrize(
    ("divisor", "suffix", "cores"), [("1", "", 1.0), ("1m", "", 500.0), ("1m", "m", 0.5)], ids=str
)
def test_the_trap_of_the_units(divisor: str, suffix: str, cores: float) -> None:
    """Of 500m CPU, only `divisor: 1m` with the "m" put back arrives as half a core: docs/image.md's table."""
    assert declared({"CGTUNE_CPU_LIMIT": rendered("500m", divisor) + suffix}) == {"cpu_limit_cores": cores}


# The config files


def config_files() -> Iterator[tuple[str, dict[str, Any]]]:
    """The config of each example."""
    yield "compose", yaml.safe_load((_PROJECT / "deploy/cgtune.yaml").read_text())
    for path in _MANIFESTS:
        for item in objects(path):
            if item["kind"] == "ConfigMap":
                yield path.stem, yaml.safe_load(item["data"]["config.yaml"])


def test_configs_have_known_keys() -> None:
    """Each key is an option. Both examples say the same, but for the delay, which is for a cluster's proxies."""
    configs = dict(config_files())
    assert configs["deployment"] == {**configs["compose"], "pre_stop_delay": 5}
    known = {option.name.replace("-", "_") for option in OPTIONS}
    assert configs["compose"].keys() <= known


def test_configs_are_where_cgtune_looks() -> None:
    """Both are mounted as /etc/cgtune/config.yaml, read-only."""
    deployment = _PROJECT / "deploy/kubernetes/deployment.yaml"
    (volume,) = (volume for volume in pod_of(deployment)["volumes"] if "configMap" in volume)
    (mount,) = (mount for mount in container_of(deployment)["volumeMounts"] if mount["name"] == volume["name"])
    (config,) = (item for item in objects(deployment) if item["kind"] == "ConfigMap")
    assert (mount["mountPath"], list(config["data"])) == ("/etc/cgtune", ["config.yaml"])
    assert volume["configMap"]["name"] == config["metadata"]["name"]
    compose = yaml.safe_load(_COMPOSE.read_text())["services"]["shop"]
    assert compose["volumes"] == ["./cgtune.yaml:/etc/cgtune/config.yaml:ro"]


def test_compose_confines_too() -> None:
    """The Compose example has limits, no swap on top, a read-only root and no capabilities."""
    service = yaml.safe_load(_COMPOSE.read_text())["services"]["shop"]
    assert service["deploy"]["resources"]["limits"] == {"cpus": "0.5", "memory": service["memswap_limit"]}
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
