"""Real containers to test and measure cgtune in: an engine, images, a cgroup v2 machine, gVisor.

Not part of the wheel. `tests/real` and `bench` import it from the repository root. It runs as root on
Debian and its relatives and installs what it misses; where something cannot run, the function asked for
it raises `Unavailable` with a reason a person understands, and a test skips with that reason.

    engine      Docker: the one that runs here, or one of our own for as long as we need it
    image       a small Debian with Python, and cgtune's wheel in it
    host_image  a container that borrows this machine's own programs: nothing to import
    vm          a cgroup v2 kernel in an emulator, for machines that still have v1
    gvisor      a sandbox whose /sys/fs/cgroup is empty
    checkers    hadolint, Kubernetes' and Compose's schemas
    oom         what the kernel counted: kills and throttling

All that is expensive is kept in `cache_dir()`, outside the work tree; `rm -r` it to start afresh.
"""

from lab.cache import cache_dir
from lab.errors import Unavailable
from lab.machine import apt_install, require_root
from lab.process import Result

__all__ = ["Result", "Unavailable", "apt_install", "cache_dir", "require_root"]
