"""A container that runs while a test looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from lab.cgroup_dirs import cgroup_dir
from lab.process import Result, run


class Container:
    """One container of an engine, until `remove()`. It also is a context manager."""

    def __init__(self, client: Sequence[str], container_id: str) -> None:
        self.id = container_id
        self._client = tuple(client)
        # Kept: after the program's end the engine says 0, while its cgroup may still be read.
        self.pid = int(self.inspect("{{.State.Pid}}"))
        self._cgroups: dict[str, Path] = {}

    def inspect(self, template: str) -> str:
        """`docker inspect --format TEMPLATE`."""
        return self._docker("inspect", "--format", template, self.id).check().stdout.strip()

    @property
    def is_running(self) -> bool:
        return self.inspect("{{.State.Running}}") == "true"

    @property
    def was_oom_killed(self) -> bool:
        """What the engine noticed of OOM kills. `oom.oom_kills` counts them."""
        return self.inspect("{{.State.OOMKilled}}") == "true"

    def exec(self, argv: Sequence[str | Path], *, timeout: float = 60) -> Result:
        """Run `argv` in the container and wait for it."""
        return self._docker("exec", self.id, *argv, timeout=timeout)

    def logs(self) -> Result:
        """All that its program wrote so far."""
        return self._docker("logs", self.id)

    def wait(self, timeout: float = 60) -> int:
        """Wait for the program's end: its exit code. TimeoutError after `timeout` seconds."""
        return int(self._docker("wait", self.id, timeout=timeout).check().stdout)

    def signal(self, name: str) -> None:
        """Send a signal to the program, PID 1 of the container."""
        self._docker("kill", "--signal", name, self.id).check()

    def stop(self, grace_seconds: int = 10) -> int:
        """`docker stop`: SIGTERM, then SIGKILL. The exit code."""
        self._docker("stop", "--time", str(grace_seconds), self.id, timeout=grace_seconds + 60).check()
        return self.wait()

    def update(self, *docker_options: str) -> None:
        """`docker update`: change the limits of the running container."""
        self._docker("update", *docker_options, self.id).check()

    def cgroup(self, controller: str) -> Path:
        """The host's folder with the files of `controller` for this container."""
        if controller not in self._cgroups:
            self._cgroups[controller] = cgroup_dir(self.pid, controller)
        return self._cgroups[controller]

    def remove(self) -> None:
        """Kill it if it runs, and remove it."""
        self._docker("rm", "--force", "--volumes", self.id)

    def __enter__(self) -> Container:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.remove()

    def _docker(self, *words: str | Path, timeout: float = 60) -> Result:
        return run([*self._client, *words], timeout=timeout)
