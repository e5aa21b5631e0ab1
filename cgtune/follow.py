"""Limits over time: tell cheaply that nothing has changed, and read anew when something has."""

from __future__ import annotations

import os

from cgtune.cgroup.files import KeptFiles, OnePass
from cgtune.detect import detect
from cgtune.limits import Declared, Limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cgtune.host import Host


class LimitsReader:
    """Follows the limits of one process over time.

    `refresh` looks at every file that decided anything (under 50 microseconds, bench/detection.py) and gives the
    same object again as long as none says something else; the usage figures in it are then as old as it is. When
    one does, or the process was moved, or forked, or a file went away or appeared, all is read anew.
    Not thread-safe. `close` gives the descriptors back.
    """

    def __init__(self, host: Host, declared: Declared | None = None) -> None:
        self._host = host
        self._declared = declared or Declared()
        self._files = KeptFiles(host)
        self._limits: Limits | None = None
        self._affinity_count: int | None = None
        self._process = 0

    def refresh(self) -> Limits:
        """The limits as they are now; the same object when nothing has changed."""
        # After a fork, /proc/self behind a kept descriptor is still the parent.
        if (
            self._limits is None
            or self._process != os.getpid()
            or self._affinity_count != self._host.affinity_count()
            or self._files.have_changed()
        ):
            return self.read()
        return self._limits

    def read(self) -> Limits:
        """The limits and the use, all read anew."""
        self._files.close()
        self._process = os.getpid()
        self._limits = detect(self._host, self._files, OnePass(self._host), self._declared)
        self._affinity_count = self._limits.cpu.affinity_count
        return self._limits

    def close(self) -> None:
        """Give the descriptors back."""
        self._files.close()
        self._limits = None
