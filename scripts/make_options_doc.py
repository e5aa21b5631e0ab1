#!/usr/bin/env python3
"""Write docs/options.md from the option table: `python scripts/make_options_doc.py`. A test holds it up to date."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PATH = ROOT / "docs" / "options.md"
if __name__ == "__main__":
    # The work tree's table, whatever is installed.
    sys.path.insert(0, str(ROOT))

from cgtune.config import Config  # noqa: E402  # behind the line that says where it is
from cgtune.expressions import FUNCTIONS, NAMES  # noqa: E402  # the same
from cgtune.options import (  # noqa: E402  # the same
    COMMAND_LINE_ONLY,
    GROUPS_OF_SETTINGS,
    NOT_IN_FILE,
    OPTIONS,
    Option,
)

EXAMPLE = """\
# What cgtune cannot see by itself.
cpu_request: 500m

# A sidecar takes the rest.
memory_share: 80%

# At most six processes: the database allows 30 connections, five each.
max_workers: 6
worker_memory: 180Mi

# Left alone: a group of settings, and a single one.
disable:
  - malloc
  - NUMBA_NUM_THREADS

# Variables of our own, worked out for each container.
env:
  DB_POOL_SIZE: "{threads + 4}"
  CACHE_MB: "{max(16, memory_mib // 8)}"
  JAVA_HELPER_OPTS: "-Xmx{floor(worker_memory_mib * 0.5)}m"
"""

TEXT = """\
# Options

<!-- Made by scripts/make_options_doc.py from the table in cgtune/options.py: edit it there. -->

`--some-option` on the command line, `CGTUNE_SOME_OPTION` in the environment and `some_option:` in the config file are
one option.

{tables}

## How a value is written

| value | |
|---|---|
| CORES | a Kubernetes CPU quantity: `500m`, `1.5`, `2` |
| SIZE | a Kubernetes memory quantity: `512Mi`, `1.5Gi`, `1G`, `1e9`; not Docker's `512m`, half a byte there |
| SHARE | more than 0, at most 1 or 100%: `0.4`, `40%` |
| N | a whole number from 1, up to 10000 workers or 1000 threads |
| no value | on the command line just the option; elsewhere `on`, `yes`, `true`, `1`, or `off`, `no`, `false`, `0` |
| NAME | a setting as `cgtune plan` names it, or a group: {groups}; others are mistakes |
| NAME=TEMPLATE | a variable of your own, see below |

`--disable` and `--env` may be given more than once. In their variables the items are comma-separated, where a comma
in braces separates nothing; in the file they are a list, and `env` better a mapping.

A value is the same text everywhere: YAML's own ideas of `on`, `010` or `1e9` do not apply in the file. An empty
variable, an empty text and a null are not set.

## The config file

`--config FILE`, else the file that `CGTUNE_CONFIG` names, else `/etc/cgtune/config.yaml` if there is one. A mounted
ConfigMap is such a file:

```yaml
{example}```

It holds at most 1 MiB, 100 keys, and no anchors or aliases. Reading it needs PyYAML; without a file nothing does.

## Who wins

    defaults < config file < environment < command line

- Each setting goes by itself. Of `disable` the strongest list counts; `env` is merged, name by name.
- What the program itself is told, by a variable or an argument of its own, wins over all of them.
- Of two settings that contradict each other (`workers` above `max_workers`) the weaker one is dropped, of equally
  strong ones the latter; two flags that do so are an error.
- The file is for all commands: keys that a command has no use for are checked, and ignored.

## What happens to a mistake

| | `cgtune run` | other commands, and `run --strict` |
|---|---|---|
| a wrong flag, a `--config` that cannot be read | exit code 2 | exit code 2 |
| a wrong value or key in the file or in a variable | a warning; the program starts without that one | exit code 2 |
| a file that is no YAML mapping, or cannot be read | a warning; the program starts without it | exit code 2 |
| an unknown `CGTUNE_…` variable | nothing: Kubernetes makes such for a service of that name | nothing |

So a typo in a ConfigMap does not keep a fleet from starting, and `cgtune plan --config FILE` finds it, as all others:

    cgtune: config.yaml:7: max_wokers: no such key (did you mean max_workers?)

`CGTUNE=off` reads no settings at all, and sets nothing.

## Variables of your own

`env` sets a variable that cgtune does not know, from a template: text, with arithmetic in braces. It has numbers,
`+ - * / // %`, parentheses, {functions}, and these names:

| name | |
|---|---|
{names}

Numbers mean what they mean in Python; a whole result has no decimal point; `{{{{` and `}}}}` are braces of your own.
A wrong template is found when it is read, with the character that is wrong. Where a figure is not known (no limit, no
number of workers), or something is divided by zero, the variable is not set, and `cgtune plan` says why.

A variable that is already set stays, and its value is not shown: neither in the log nor by `cgtune plan`, which has
null for it in its JSON. What cgtune sets is shown: a secret belongs into the variable itself, not into `env`.
"""


def make_document() -> str:
    """The whole of docs/options.md."""
    groups = dict.fromkeys(option.group for option in OPTIONS)
    tables = [_make_table(group, [option for option in OPTIONS if option.group == group]) for group in groups]
    groups = ", ".join(f"`{name}`" for name in GROUPS_OF_SETTINGS)
    functions = ", ".join(f"`{name}`" for name in FUNCTIONS)
    names = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in NAMES.items())
    return TEXT.format(tables="\n\n".join(tables), example=EXAMPLE, functions=functions, names=names, groups=groups)


def _make_table(group: str, options: list[Option]) -> str:
    rows = [f"## {group[:1].upper()}{group[1:]}", "", "| option | variable | key | default | commands | |"]
    rows.append("|---|---|---|---|---|---|")
    for option in options:
        flag = f"--{option.name} {option.metavar}".rstrip().replace("|", "\\|")
        names = [f"`{flag}`" + (f", `-{option.short}`" if option.short else "")]
        names.append("" if option.name in COMMAND_LINE_ONLY else f"`{option.variable}`")
        names.append("" if option.name in NOT_IN_FILE else f"`{option.field}`")
        rows.append(f"| {' | '.join(names)} | {_default(option)} | {', '.join(option.commands)} | {option.help} |")
    return "\n".join(rows)


def _default(option: Option) -> str:
    if option.name in COMMAND_LINE_ONLY:
        return ""
    value = getattr(Config(), option.field)
    if isinstance(value, bool):
        return "off"
    return "" if value in (None, ()) else f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


if __name__ == "__main__":
    PATH.write_text(make_document(), encoding="utf-8")
    print(f"{PATH.relative_to(ROOT)}: written")
