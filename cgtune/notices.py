"""What cgtune has to say about its own findings, as data: a code to match on, a sentence to read.

| code | says |
|---|---|
| LIMIT_COVERS_MACHINE | a limit is at or above what the machine has, and does not bind |
| LEVEL_UNREADABLE | a kernel file exists and cannot be read; its resource is unknown |
| LEVEL_MALFORMED | a kernel file holds what the kernel does not write; its resource is unknown |
| MEMBERSHIP_UNREADABLE, MEMBERSHIP_MALFORMED | the same of /proc/self/cgroup |
| MOUNTS_UNREADABLE | the same of /proc/self/mountinfo |
| CGROUP_NOT_VISIBLE | no cgroup mount shows this process's cgroup |
| CGROUP_REMOVED | the cgroup was deleted while the process was in it |
| CGROUP_MOVED | (v1) the process is outside what is mounted; the mount point's own limit is taken |
| MOUNT_SHADOWED | something else is mounted over the cgroup mount |
| HIDDEN_ANCESTOR | (v1) a limit on an ancestor that cannot be seen from here |
| MEMORY_FROM_MACHINE | gVisor shows its memory limit as the machine's memory |
| CPU_UNLIMITED | no CPU limit is set: how cgtune sizes then, and how to say more |
| CPU_UNKNOWN, MEMORY_UNKNOWN | the limit cannot be told; what depends on it is left alone |
| MEMBERSHIP_MISSING | there is no /proc/self/cgroup: no Linux, no /proc, or no cgroups |
| SETTING_INVALID | a variable of yours could not be understood and is ignored |
| VALUE_BREAKS_START | a variable of yours that keeps the program from starting, as far as can be told |
| WORKERS_MAY_NOT_FIT | the number of workers you chose needs more memory than there is, by the assumed size |
| MEMORY_TOO_SMALL | not even one worker of the assumed size fits |
"""

from __future__ import annotations

from cgtune.records import Record


class Notice(Record):
    """One thing worth knowing: `path` is the file or directory it is about."""

    code: str
    message: str
    path: str | None = None
