"""All layers of settings together: defaults < file < environment < flags.

The file is the one `--config` names, else CGTUNE_CONFIG, else /etc/cgtune/config.yaml if there is one (a mounted
ConfigMap is a file, behind symbolic links). PyYAML is loaded when there is a file, and only then.

| what is wrong | at `run` | elsewhere, or with --strict |
|---|---|---|
| `--config` names what cannot be read | exit code 2 | exit code 2 |
| another file cannot be read; it is no mapping in YAML; a wrong key or value | a warning | exit code 2 |
"""

from __future__ import annotations

import os
import stat

from cgtune.config import FileSettings, make_config
from cgtune.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cgtune.arguments import Value
    from cgtune.config import Config

DEFAULT_PATH = "/etc/cgtune/config.yaml"
# As large as a ConfigMap can be.
_MOST_BYTES = 1 << 20
# A FIFO must not keep the program waiting for a writer.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOCTTY", 0)


def load_config(
    command: str,
    flags: Mapping[str, Value],
    environment: Mapping[str, str],
    *,
    is_recorded: bool = False,
    is_lenient: bool = False,
) -> Config:
    """The settings of one command.

    UsageError: two flags contradict each other, `--config` cannot be read, or something is wrong where that is an
    error, each thing with a message of its own; the library is lenient. With a recording only what the flags say
    counts: the variables and the default file are the caller's.
    """
    environment = {} if is_recorded else environment
    file = _find_settings(flags, environment, is_recorded)
    config = make_config(command, flags, environment, file)
    if config.warnings and not is_lenient and (config.strict or command != "run"):
        raise UsageError(*config.warnings)
    return config


def _find_settings(flags: Mapping[str, Value], environment: Mapping[str, str], is_recorded: bool) -> FileSettings:
    by_flag = flags.get("config")
    if isinstance(by_flag, str):
        given, path = "--config: ", by_flag
    elif environment.get("CGTUNE_CONFIG"):
        given, path = "CGTUNE_CONFIG: ", environment["CGTUNE_CONFIG"]
    elif is_recorded or not os.path.lexists(DEFAULT_PATH):
        return FileSettings()
    else:
        given, path = "", DEFAULT_PATH
    try:
        data = _read_bytes(path)
    except OSError as error:
        problem = f"{given}{path or repr(path)}: {error.strerror}"
        if by_flag is not None:
            raise UsageError(problem) from None
        return FileSettings(warnings=(problem,))
    return read_settings(data, path)


def _read_bytes(path: str) -> bytes:
    """OSError says, as its strerror, why there is nothing to be had."""
    # Looking comes before opening: to open a device may already do something.
    try:
        mode = os.stat(path).st_mode
    except ValueError:
        raise OSError(0, "no name of a file") from None
    if not stat.S_ISREG(mode):
        raise OSError(0, "a directory, not a file" if os.path.isdir(path) else "not a regular file")
    descriptor = os.open(path, _FLAGS)
    try:
        data = b""
        while len(data) <= _MOST_BYTES and (piece := os.read(descriptor, _MOST_BYTES + 1 - len(data))):
            data += piece
    finally:
        os.close(descriptor)
    if len(data) > _MOST_BYTES:
        raise OSError(0, f"larger than {_MOST_BYTES >> 20} MiB")
    return data


def read_settings(data: bytes, path: str) -> FileSettings:
    """What a file says. What is wrong with it as a whole is its only warning."""
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return FileSettings(warnings=(f"{path}:{line}: not UTF-8",))
    try:
        from cgtune.config_yaml import Malformed, parse_settings
    except ImportError:
        return FileSettings(warnings=(f"{path}: a config file needs PyYAML: pip install PyYAML",))
    try:
        return FileSettings(entries=parse_settings(text, path))
    except Malformed as error:
        return FileSettings(warnings=(f"{path}:{error.line}: {error}",))
