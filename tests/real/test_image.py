"""The project's own image, built without a network: what it is, and that it works where little is allowed."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

import cgtune
from lab import Unavailable
from lab.cache import remove
from lab.engine import Engine, free_port
from lab.image import base_image, project_context, project_image, venv_image
from lab.wheel import PROJECT
from tests.support import unavailable

pytestmark = pytest.mark.real
#: What a careful cluster allows.
CONFINED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "none")
_USER = "65532"
_READY_SECONDS = 30


@pytest.fixture(scope="module")
def ours(docker: Engine) -> str:
    """The image of the Dockerfile, on a Debian of this machine's release."""
    try:
        return project_image(docker)
    except Unavailable as reason:
        unavailable(str(reason))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a context; below /tmp of the machine, where every engine of this machine can see it."""
    path = Path(tempfile.mkdtemp(prefix="lab-context-"))
    yield path
    remove(path)


@contextlib.contextmanager
def built(docker: Engine, context: Path, *lines: str) -> Iterator[str]:
    """An image of these lines, for as long as it is needed."""
    (context / "Dockerfile").write_text("\n".join(lines) + "\n")
    tag = docker.build(context, f"cgtune-lab/test:{uuid.uuid4().hex[:12]}")
    try:
        yield tag
    finally:
        docker.docker("rmi", "--force", tag)


def sh(docker: Engine, image: str, script: str, *options: str) -> str:
    """What a shell script writes in the image, past its entry point."""
    return docker.run(image, ["-c", script], docker_options=["--entrypoint", "sh", *options]).check().stdout


def test_without_a_command_it_inspects(docker: Engine, ours: str) -> None:
    """The default command shows the container's own limits, however confined it is."""
    done = docker.run(ours, [], docker_options=[*CONFINED, "--cpus", "0.5", "--memory", "128m"]).check()
    assert "0.50 cores" in done.stdout
    assert "128 MiB" in done.stdout
    assert done.stderr == ""


def test_any_command_runs(docker: Engine, ours: str) -> None:
    """The entry point becomes the program: its exit code, its output, not a word of ours."""
    assert docker.run(ours, ["true"], docker_options=CONFINED).check().stderr == ""
    assert docker.run(ours, ["sh", "-c", "exit 7"], docker_options=CONFINED).returncode == 7


def test_options_stand_before_the_command(docker: Engine, ours: str) -> None:
    """Options of `run` are taken before the program; a wrong one is one line and exit code 2."""
    done = docker.run(ours, ["--quiet", "--", "echo", "--quiet"], docker_options=CONFINED).check()
    assert done.stdout == "--quiet\n"
    wrong = docker.run(ours, ["--quite", "true"], docker_options=CONFINED)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)


def test_a_mounted_config_is_read(docker: Engine, ours: str, folder: Path) -> None:
    """The config of the examples, where they mount it, counts; without it, an assumed size does."""
    folder.chmod(0o755)
    shutil.copy(PROJECT / "deploy/cgtune.yaml", folder)
    mount = ("--mount", f"type=bind,source={folder / 'cgtune.yaml'},target=/etc/cgtune/config.yaml,readonly")
    words = ["cgtune", "plan", "--json", "--", "gunicorn", "shop.wsgi"]
    limits = ("--cpus", "0.5", "--memory", "256m")
    seen = {}
    for name, options in {"mounted": mount, "not mounted": ()}.items():
        done = docker.run(ours, words, docker_options=[*CONFINED, *limits, *options]).check()
        seen[name] = json.loads(done.stdout)["budget"]
    assert (seen["mounted"]["worker_bytes"], seen["mounted"]["worker_bytes_from"]) == (90 << 20, "user")
    assert seen["not mounted"]["worker_bytes_from"] == "default"


def test_it_is_nobody(docker: Engine, ours: str) -> None:
    """The user is a number, may write nowhere but where everyone may, and owns nothing."""
    assert sh(docker, ours, "id -u; id -g").split() == [_USER, _USER]
    places = sh(
        docker, ours, "find / -xdev ! -type l \\( -writable -o -user 65532 \\) 2>/dev/null || true"
    ).splitlines()
    everyones = ("/dev", "/run/lock", "/tmp", "/var/tmp", "/proc", "/sys")
    assert [place for place in places if not place.startswith(everyones)] == []


def test_its_byte_code_is_there_and_never_checked(docker: Engine, ours: str) -> None:
    """Each module that `run` loads comes from byte code whose header says 1: by hash, unchecked (PEP 552)."""
    script = (
        "import sys, runpy; sys.argv = ['cgtune', 'inspect', '--json']\n"
        "try: runpy.run_module('cgtune', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "for name, module in list(sys.modules.items()):\n"
        "    if name.startswith('cgtune') and getattr(module, '__cached__', None):\n"
        "        print(name, open(module.__cached__, 'rb').read(8)[4:].hex(), file=sys.stderr)\n"
    )
    done = docker.run(ours, ["-c", script], docker_options=["--entrypoint", "python3", *CONFINED]).check()
    flags = dict(line.split() for line in done.stderr.splitlines())
    assert {"cgtune", "cgtune.detect", "cgtune.cli.inspect"} <= flags.keys()
    assert set(flags.values()) == {"01000000"}


def test_it_holds_nothing_of_its_making(docker: Engine, ours: str) -> None:
    """Against its base, it has cgtune and what that needs, and no build tool, source folder or pip cache."""
    files = "find / -xdev -type f 2>/dev/null | sort"
    new = set(sh(docker, ours, files).splitlines()) - set(sh(docker, base_image(docker), files).splitlines())
    new = {path for path in new if not path.startswith(("/etc/host", "/etc/resolv.conf", "/.dockerenv"))}
    assert "/usr/local/bin/cgtune" in new
    assert {path for path in new if not path.startswith(("/usr/local/bin/", "/usr/local/lib/"))} == set()
    tools = ("hatchling", "/pip", "setuptools", "wheelhouse", "trove_classifiers", ".cache")
    assert [path for path in new if any(tool in path for tool in tools)] == []


def test_its_labels(docker: Engine, ours: str) -> None:
    """The labels of the OCI tell what it is; nothing probes its health, that is the app's to say."""
    config = json.loads(docker.docker("image", "inspect", "--format", "{{json .Config}}", ours).check().stdout)
    labels = config["Labels"]
    assert labels["org.opencontainers.image.title"] == "cgtune"
    assert labels["org.opencontainers.image.version"] == cgtune.__version__
    assert labels["org.opencontainers.image.licenses"] == "MIT"
    assert config.get("Healthcheck") is None
    assert config["User"] == f"{_USER}:{_USER}"


@pytest.mark.timing
def test_it_starts_a_program_quickly(docker: Engine, ours: str) -> None:
    """On a read-only root, `cgtune run -- true` takes at most twice a bare interpreter's time, as elsewhere."""
    script = (
        "import json, subprocess, time\n"
        "def best(argv):\n"
        "    times = []\n"
        "    for _ in range(30):\n"
        "        start = time.perf_counter()\n"
        "        subprocess.run(argv, check=True)\n"
        "        times.append(time.perf_counter() - start)\n"
        "    return min(times)\n"
        "print(json.dumps([best(['cgtune', 'run', '--', 'true']), best(['python3', '-c', 'pass'])]))\n"
    )
    # As root on a root that can be written to, the first start would have made what is missing.
    done = docker.run(ours, ["-c", script], docker_options=["--entrypoint", "python3", *CONFINED]).check()
    tuned, bare = json.loads(done.stdout)
    assert tuned <= 2 * bare


def test_its_files_fit_into_another_image(docker: Engine, folder: Path) -> None:
    """The two lines of docs/image.md bring cgtune into an image whose app has an environment of its own.

    It runs as in deploy/compose.yaml: no root, no capabilities, nothing to write to but a small /tmp.
    """
    try:
        files = project_image(docker, target="files")
        app = venv_image(docker, ["gunicorn"])
    except Unavailable as reason:
        unavailable(str(reason))
    lines = [
        f"FROM {app}",
        f"COPY --from={files} /usr/local/ /usr/local/",
        'ENTRYPOINT ["cgtune", "run", "--"]',
        f"USER {_USER}",
    ]
    wsgi = "def app(environ, start): start('200 OK', [('Content-Length', '2')]); return [b'ok']"
    (folder / "shop.py").write_text(wsgi)
    folder.chmod(0o755)
    port = free_port()
    confined = [word for word in CONFINED if word not in ("--network", "none")]
    options = [*confined, *docker.network_options(), "--tmpfs", "/tmp:size=16m", "--cpus", "0.5", "--memory", "256m"]
    options += ["--mount", f"type=bind,source={folder},target=/srv,readonly", "--workdir", "/srv"]
    argv = ["gunicorn", "--bind", f"127.0.0.1:{port}", "shop:app"]
    with (
        built(docker, folder, *lines) as image,
        docker.start(image, argv, docker_options=options) as container,
    ):
        deadline = time.monotonic() + _READY_SECONDS
        while (answer := get(port)) is None and time.monotonic() < deadline:
            assert container.is_running, container.logs().stderr
            time.sleep(0.05)
        assert answer == b"ok"
        assert "cgtune: WEB_CONCURRENCY=2 (" in container.logs().stderr
        # cgtune is PID 1, by the image's Python, and the program its child, by its own.
        assert Path(f"/proc/{container.pid}/comm").read_text() == "cgtune\n"
        program = Path(f"/proc/{container.pid}/task/{container.pid}/children").read_text().split()[0]
        assert Path(f"/proc/{program}/cmdline").read_bytes().startswith(b"/opt/venv/bin/python")


def get(port: int) -> bytes | None:
    """The answer, None while nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def test_secrets_and_tests_stay_out_of_the_context(docker: Engine, folder: Path) -> None:
    """.dockerignore lets nothing through but what the build needs."""
    context = folder / "context"
    context.mkdir()
    project_context(context)
    expected = {path.relative_to(context).parts[0] for path in context.iterdir()}
    for name in (".env", ".git/config", "tests/test_x.py", "cgtune/__pycache__/x.pyc", "wheel.whl", "cgtune/new.py"):
        (context / name).parent.mkdir(exist_ok=True)
        (context / name).write_text("x")
    with built(docker, context, f"FROM {base_image(docker)}", "COPY . /context/") as image:
        seen = sh(docker, image, "cd /context && find . -type f -printf '%P\\n'").splitlines()
    assert {name.partition("/")[0] for name in seen} == expected - {"Dockerfile", ".dockerignore"}
    assert "cgtune/new.py" in seen
    assert [name for name in seen if "__pycache__" in name] == []


def test_without_wheels_it_asks_an_index(docker: Engine, folder: Path) -> None:
    """The folder of wheels may be missing: then pip looks elsewhere, and here finds nothing."""
    context = folder / "context"
    context.mkdir()
    project_context(context)
    assert not (context / "wheelhouse").exists()
    words = ["build", "--network", "none", "--build-arg", f"BASE={base_image(docker)}"]
    done = docker.docker(*words, "--build-arg", "PIP_NO_INDEX=1", context, timeout=300)
    assert done.returncode != 0
    assert "No matching distribution found for hatchling" in done.stdout + done.stderr
