"""Docker: the engine that runs here already, or one of our own that lives as long as we need it.

Our own leaves the machine's network alone: no bridge, no iptables rules (dockerd leaves both behind), and
needs none, for containers share the host's network (`network_options`). A load generator is then outside
the container and its cgroup, and reaches the server in it by 127.0.0.1 and a free port.
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lab.container import Container
from lab.errors import Unavailable
from lab.leash import Leash
from lab.machine import apt_install, require_root, which
from lab.process import Result, run, tail

# What we made carries this, with who we are: a later run can tell what nobody needs any more.
LABEL = "org.cgtune.lab"
# The longest that tests and benchmarks take; a daemon that is still there after that is forgotten.
_LIFE_SECONDS = 4 * 3600
_START_SECONDS = 60
# A healthy engine answers in 0.1 s, one under emulation in 3 s.
_ANSWER_SECONDS = 20


class Engine:
    """A Docker engine that answers, spoken to by a command line client that can talk to it."""

    def __init__(self, client: Sequence[str], *, is_ours: bool) -> None:
        self.client = tuple(client)
        self.is_ours = is_ours
        self._owner = f"{LABEL}={os.getpid()}-{uuid.uuid4().hex[:8]}"

    def docker(self, *words: str | Path, timeout: float = 60, env: Mapping[str, str] | None = None) -> Result:
        """`docker WORDS`."""
        return run([*self.client, *words], timeout=timeout, env=env)

    def run(
        self,
        image: str,
        argv: Sequence[str | Path],
        *,
        docker_options: Sequence[str] = (),
        timeout: float = 120,
    ) -> Result:
        """`docker run OPTIONS IMAGE ARGV` to its end, and the container removed.

        TimeoutError after `timeout` seconds; the container is killed then, not only its client.
        """
        name = f"lab-{uuid.uuid4().hex[:12]}"
        words: list[str | Path] = ["run", "--rm", "--name", name, *self._options(docker_options), image, *argv]
        try:
            return self.docker(*words, timeout=timeout)
        except BaseException:
            self.docker("rm", "--force", "--volumes", name)
            raise

    def start(
        self,
        image: str,
        argv: Sequence[str | Path],
        *,
        docker_options: Sequence[str] = (),
        timeout: float = 60,
    ) -> Container:
        """`docker run --detach`: a container that runs until `remove()`, or the end of its `with`."""
        words: list[str | Path] = ["run", "--detach", *self._options(docker_options), image, *argv]
        started = self.docker(*words, timeout=timeout)
        if started.returncode:
            # A container whose program could not be started exists nevertheless; its id is on stdout.
            if started.stdout.strip():
                self.docker("rm", "--force", "--volumes", started.stdout.strip())
            started.check()
        return Container(self.client, started.stdout.strip())

    def import_tar(self, path: Path, tag: str, *, environment: Mapping[str, str] | None = None) -> str:
        """Make the root filesystem in the archive `path` the image `tag`."""
        changes = [f"--change=ENV {name}={value}" for name, value in (environment or {}).items()]
        self.docker("import", *changes, path, tag, timeout=300).check()
        return tag

    def build(self, context: Path, tag: str, *, timeout: float = 600) -> str:
        """`docker build` of the folder `context`, with no network."""
        words: list[str | Path] = ["build", "--network", "none", "--label", self._owner, "--tag", tag, context]
        self.docker(*words, timeout=timeout).check()
        return tag

    def has_image(self, tag: str) -> bool:
        """Whether the engine has an image of this name."""
        return self.docker("image", "inspect", tag).returncode == 0

    def network_options(self) -> list[str]:
        """Options that let a program outside talk to a server inside: bind 127.0.0.1 and `free_port()`."""
        return ["--network", "host"]

    def _options(self, docker_options: Sequence[str]) -> list[str]:
        label = ["--label", self._owner]
        if self.is_ours and not any(option.startswith("--net") for option in docker_options):
            # Our engine has no bridge, and would warn on stderr that it does not work.
            label += ["--network", "none"]
        return [*label, *docker_options]

    def remove_leftovers(self) -> None:
        """Remove containers of runs that were killed before they could."""
        columns = f'{{{{.ID}}}} {{{{.Label "{LABEL}"}}}}'
        listing = self.docker("ps", "--all", "--filter", f"label={LABEL}", "--format", columns)
        for line in listing.check().stdout.splitlines():
            container, _, owner = line.partition(" ")
            if not Path("/proc", owner.partition("-")[0]).exists():
                self.docker("rm", "--force", "--volumes", container)

    def close(self) -> None:
        """Remove the containers of this run."""
        listing = self.docker("ps", "--all", "--quiet", "--filter", f"label={self._owner}")
        containers = listing.stdout.split()
        if containers:
            self.docker("rm", "--force", "--volumes", *containers)


@contextlib.contextmanager
def engine() -> Iterator[Engine]:
    """An engine: one that answers, else one of our own. Unavailable where there can be none."""
    found = running_engine()
    if found is None:
        require_root()
        apt_install("docker.io", binaries=["dockerd"])
        if not which("docker"):
            apt_install("docker-cli", binaries=["docker"])  # a package of its own since Debian 13
        # On a machine with systemd, the installed package starts its daemon.
        found = running_engine()
    if found is None:
        with own_engine() as ours:
            yield ours
        return
    found.remove_leftovers()
    try:
        yield found
    finally:
        found.close()


@contextlib.contextmanager
def own_engine(*, parent: Path | None = None, options: Sequence[str] = (), patience: float = 1) -> Iterator[Engine]:
    """Start a daemon in a fresh folder below `parent`, which goes with it. `patience` > 1: a slow machine."""
    dockerd = which("dockerd")
    if dockerd is None:
        raise Unavailable("no dockerd here")
    # A Unix socket's path has at most 107 characters, and dockerd makes some of its own below the folder.
    # A relative path makes dockerd 20.10 stat "." for ever.
    folder = Path(tempfile.mkdtemp(prefix="lab-", dir=parent)).resolve()
    log = folder / "dockerd.log"
    address = f"unix://{folder}/docker.sock"
    daemon = Leash(
        [
            dockerd,
            *("--host", address, "--data-root", folder / "data", "--exec-root", folder / "exec"),
            *("--pidfile", folder / "pid", "--shutdown-timeout", "2", "--log-level", "warn"),
            *("--bridge", "none", "--iptables=false", "--ip-masq=false", "--ip-forward=false"),
            *options,
        ],
        log=log,
        limit_seconds=_LIFE_SECONDS,
        grace_seconds=15 * patience,
        folder=folder,
    )
    try:
        ours = Engine(_wait_for(daemon, address, log, _START_SECONDS * patience), is_ours=True)
        try:
            yield ours
        finally:
            # The daemon would give each container ten seconds to obey SIGTERM; a test is done with it.
            with contextlib.suppress(TimeoutError):
                ours.close()
    finally:
        daemon.stop()


def running_engine() -> Engine | None:
    """The engine of DOCKER_HOST or the default socket, if it answers."""
    client = _client_for(None)
    return Engine(client, is_ours=False) if client else None


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on. Kernels hand out each only after all others."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(daemon: Leash, address: str, log: Path, seconds: float) -> list[str]:
    path = Path(address.removeprefix("unix://"))
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if daemon.returncode() is not None:
            break
        # The socket is there before the daemon answers, and the client waits for it: asking is not polling.
        client = _client_for(address, seconds) if path.exists() else None
        if client:
            return client
        daemon.wait(0.05)
    text = tail(log.read_text(errors="replace")) if log.exists() else ""
    raise Unavailable(f"dockerd does not run here: {text.splitlines()[-1] if text else 'it said nothing'}")


def _client_for(address: str | None, seconds: float = _ANSWER_SECONDS) -> list[str] | None:
    """The first client that this engine (None: the default one) answers. Machines may have two, of different ages."""
    ours = "/usr/bin/docker"  # from the package that our dockerd is from
    for program in dict.fromkeys((ours, which("docker")) if address else (which("docker"), ours)):
        if program is None or not Path(program).exists():
            continue
        client = [program, *(["--host", address] if address else [])]
        with contextlib.suppress(TimeoutError):
            if run([*client, "version", "--format", "{{.Server.Version}}"], timeout=seconds).returncode == 0:
                return client
    return None
