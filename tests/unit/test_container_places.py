"""Where we are, outside of the container: every row of the marker table for orchestrators and platforms."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.surroundings import ID, POD, Tree, at, file, found, mounted, variables

# name -> parts of the tree, orchestrator, platform
PLACES: dict[str, tuple[list[Tree], str | None, str | None]] = {
    "Kubernetes by its variable": ([variables("KUBERNETES_SERVICE_HOST=10.0.0.1")], "kubernetes", None),
    "Kubernetes by its path, systemd": ([at(f"/kubepods.slice/kubepods-{POD}.slice")], "kubernetes", None),
    "Kubernetes by its path, cgroupfs": ([at(f"/kubepods/burstable/{POD}/{ID}")], "kubernetes", None),
    "Kubernetes in kind": ([at(f"/kubelet.slice/kubelet-kubepods.slice/{POD}")], "kubernetes", None),
    "Kubernetes by its account": (
        [file("/var/run/secrets/kubernetes.io/serviceaccount/token", "x")],
        "kubernetes",
        None,
    ),
    "Kubernetes by a mount": (
        [mounted(f"ext4 /var/lib/kubelet/pods/{POD}/etc-hosts /etc/hosts")],
        "kubernetes",
        None,
    ),
    "Nomad by its variable": ([variables("NOMAD_ALLOC_ID=1")], "nomad", None),
    "Nomad, cgroup v2": ([at("/nomad.slice/share.slice/0a1b.web.scope")], "nomad", None),
    "Nomad, cgroup v1": ([at("/nomad/0a1b.web", "/")], "nomad", None),
    "Nomad's own service": ([at("/system.slice/nomad.service")], None, "systemd"),
    "Slurm, cgroup v2": ([at("/system.slice/slurmstepd.scope/job_1/step_0/user/task_0")], "slurm", None),
    "Slurm, by node": ([at("/system.slice/n1_slurmstepd.scope/job_1/step_0")], "slurm", None),
    "Slurm, cgroup v1": ([at("/slurm/uid_0/job_1/step_0", "/")], "slurm", None),
    "Slurm by its variable": ([variables("SLURM_JOB_ID=1")], "slurm", None),
    "ECS": ([variables("ECS_CONTAINER_METADATA_URI_V4=http://x")], "ecs", "aws_ecs"),
    "ECS, older": ([variables("ECS_CONTAINER_METADATA_URI=http://x")], "ecs", "aws_ecs"),
    "ECS by its path": ([at(f"/ecs/task/{ID}", "/")], "ecs", None),
    "Lambda": ([variables("AWS_LAMBDA_FUNCTION_NAME=f")], None, "aws_lambda"),
    "Cloud Run": ([variables("K_SERVICE=s", "K_REVISION=r", "K_CONFIGURATION=c")], None, "gcp_cloud_run"),
    "Cloud Run job": ([variables("CLOUD_RUN_JOB=j")], None, "gcp_cloud_run"),
    "Cloud Run worker pool": ([variables("CLOUD_RUN_WORKER_POOL=p")], None, "gcp_cloud_run"),
    "Cloud Functions": ([variables("K_CONFIGURATION=c", "FUNCTION_TARGET=f")], None, "gcp_cloud_functions"),
    "Knative on any Kubernetes": (
        [variables("K_CONFIGURATION=c", "FUNCTION_TARGET=f", "KUBERNETES_SERVICE_HOST=10.0.0.1")],
        "kubernetes",
        None,
    ),
    "App Engine": ([variables("GAE_SERVICE=s")], None, "gcp_app_engine"),
    "Azure Functions": (
        [
            variables(
                "WEBSITE_SITE_NAME=w",
                "WEBSITE_RESOURCE_GROUP=g",
                "WEBSITE_OWNER_NAME=o",
                "FUNCTIONS_WORKER_RUNTIME=p",
            )
        ],
        None,
        "azure.functions",
    ),
    "Azure Functions, by version": ([variables("FUNCTIONS_EXTENSION_VERSION=4")], None, "azure.functions"),
    "Azure App Service": (
        [variables("WEBSITE_SITE_NAME=w", "WEBSITE_RESOURCE_GROUP=g", "WEBSITE_OWNER_NAME=o")],
        None,
        "azure.app_service",
    ),
    "a website of somebody's": ([variables("WEBSITE_SITE_NAME=w")], None, None),
    "Azure Container Apps": (
        [variables("CONTAINER_APP_NAME=a", "KUBERNETES_SERVICE_HOST=10.0.0.1")],
        "kubernetes",
        "azure.container_apps",
    ),
    "Heroku": ([variables("DYNO=web.1")], None, "heroku"),
    "Fly": ([variables("FLY_MACHINE_ID=1", "FLY_APP_NAME=a")], None, "fly"),
    "Fly, by app": ([variables("FLY_APP_NAME=a")], None, "fly"),
    "WSL": ([file("/proc/sys/kernel/osrelease", "5.15.90.1-microsoft-standard-WSL2\n")], None, "wsl"),
    "WSL 1": ([file("/proc/sys/kernel/osrelease", "4.4.0-19041-Microsoft\n")], None, "wsl"),
    "WSL, a kernel of one's own": ([file("/proc/sys/kernel/osrelease", "6.6.0-WSL2+\n")], None, "wsl"),
    "a plain kernel": ([file("/proc/sys/kernel/osrelease", "6.1.0-28-cloud-amd64\n")], None, None),
    "a systemd service": ([at("/system.slice/shop.service")], None, "systemd"),
    "a subgroup of a systemd service": ([at("/system.slice/shop.service/workers")], None, "systemd"),
    "a path without a unit": ([at("/shop/workers.d")], None, None),
    "a user's scope": ([at("/user.slice/user-1000.slice/app-shell-1.scope")], None, "systemd"),
    "INVOCATION_ID, which is inherited": ([variables("INVOCATION_ID=0123"), at("/")], None, None),
    "a systemd service in a container": ([at(f"/docker/{ID}/system.slice/shop.service")], None, None),
    "an empty variable counts": ([variables("DYNO=")], None, "heroku"),
    "a variable of PID 1 only": ([variables("DYNO=web.1", pid="1")], None, None),
}


@pytest.mark.parametrize("name", PLACES)
def test_the_orchestrator_and_the_platform_are_told_by_their_markers(name: str, tmp_path: Path) -> None:
    """Each answers for itself: where there is one, it need not say the other."""
    parts, orchestrator, platform = PLACES[name]
    container = found(tmp_path, *parts)
    assert (container.orchestrator, container.platform) == (orchestrator, platform)
    assert bool(container.evidence) or (orchestrator, platform) == (None, None)


def test_the_first_platform_is_the_only_one_named(tmp_path: Path) -> None:
    """Azure Functions set App Service's variables too: those say nothing more."""
    everything = variables(
        "FUNCTIONS_WORKER_RUNTIME=p",
        "WEBSITE_SITE_NAME=w",
        "WEBSITE_RESOURCE_GROUP=g",
        "WEBSITE_OWNER_NAME=o",
        "DYNO=1",
    )
    assert found(tmp_path, everything).evidence == ("variable FUNCTIONS_WORKER_RUNTIME",)
