"""What the kernel says about control groups, without policy.

`locate` finds the directories, from the process's own cgroup up to the topmost one it can see; `cpu`, `memory`,
`pids` and `pressure` read them. `files` holds descriptors open for those who read again.
"""
