"""The public functions of `import cgtune`. Importing the package loads none of this."""

from __future__ import annotations

import os

from cgtune.config import is_switched_off
from cgtune.config_file import load_config
from cgtune.container import find_container
from cgtune.detect import read_limits as detect_limits
from cgtune.host import Host
from cgtune.limits import Cgroup, Cpu, Limits, Memory, Pids
from cgtune.notices import Notice


def read_limits() -> Limits:
    """What this process may use: limits in cores and bytes, each with its status and source.

    Never raises. A limit that does not exist is None, one that cannot be told has the status "unknown". What
    `CGTUNE_CPU_LIMIT` and its like, or the config file, declare is counted in. With `CGTUNE=off` nothing is read
    and all is unknown.
    """
    if is_switched_off(os.environ):
        return Limits(
            cgroup=Cgroup(version=None, mode="none"),
            cpu=Cpu(status="unknown"),
            memory=Memory(status="unknown"),
            pids=Pids(),
            unknown=("cpu", "memory", "pids"),
        )
    host = Host()
    config = load_config("inspect", {}, os.environ, is_lenient=True)
    limits = detect_limits(host, config.declared)
    wrong = tuple(Notice(code="SETTING_INVALID", message=f"{text}; ignored") for text in config.warnings)
    return limits.replace(container=find_container(host), notices=limits.notices + wrong)
