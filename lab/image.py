"""Images: a small Debian of this machine's release with Python, and cgtune's wheel on top.

No registry is asked: debootstrap makes the system from the mirror this machine uses itself. Archives
are kept in the cache, since an engine of ours starts with none of the images of the last run.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path

from lab import apt_sources
from lab.cache import cache_dir, forget, made_once, remove
from lab.engine import Engine
from lab.machine import apt_install, processor, require_root
from lab.process import run
from lab.wheel import PROJECT, build_wheel, key_of, requirements_of, wheelhouse

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ENVIRONMENT = {"PATH": f"/opt/venv/bin:{_PATH}"}
# What the project's own Dockerfile is built from.
_CONTEXT = ("Dockerfile", ".dockerignore", "pyproject.toml", "README.md", "LICENSE", "bin", "cgtune")
# No use in a container, and more than half of what debootstrap leaves.
_LEFT_OUT = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale", "usr/share/man")


def base_tarball() -> Path:
    """A minimal Debian of this machine's release with Python 3 and venv, as an archive."""
    source = apt_sources.this_machine()
    return made_once(f"base-{source.suite}-{processor()}.tar", lambda path: _debootstrap(source, path))


def base_image(engine: Engine) -> str:
    """The tag of `base_tarball()` as an image."""
    path = base_tarball()
    tag = f"cgtune-lab/base:{path.stem.removeprefix('base-')}"
    return tag if engine.has_image(tag) else engine.import_tar(path, tag, environment=_ENVIRONMENT)


def venv_image(engine: Engine, requirements: Sequence[str]) -> str:
    """The base with `requirements` in /opt/venv. Kept as an archive: it changes less often than our code."""
    key = key_of(base_tarball().stem, *sorted(requirements))
    tag = f"cgtune-lab/venv:{key}"
    if engine.has_image(tag):
        return tag
    forget("venv-*.tar", days=14)
    archive = made_once(f"venv-{key}.tar", lambda path: _save_venv(engine, requirements, path))
    return engine.import_tar(archive, tag, environment=_ENVIRONMENT)


def app_image(engine: Engine, wheel: Path, requirements: Sequence[str] = ("gunicorn",)) -> str:
    """The tag of an image with `wheel`, what it depends on, and `requirements` in /opt/venv."""
    needed = sorted({*requirements_of(wheel), *requirements})
    below = venv_image(engine, needed)
    tag = f"cgtune-lab/app:{key_of(below, hashlib.sha256(wheel.read_bytes()).hexdigest())}"
    if engine.has_image(tag):
        return tag
    return _build(engine, tag, below, [wheel], ["--no-deps", f"/wheels/{wheel.name}"], make_venv=False)


def project_image(engine: Engine, *, target: str | None = None) -> str:
    """The tag of the project's own Dockerfile, or of one stage of it, built on `base_image` without a network."""
    wheel = build_wheel()
    base = base_image(engine)
    files = (PROJECT / "Dockerfile").read_text() + (PROJECT / ".dockerignore").read_text()
    tag = f"cgtune-lab/project:{target or 'image'}-{key_of(base, files, wheel.parent.name)}"
    if engine.has_image(tag):
        return tag
    context = Path(tempfile.mkdtemp(prefix="lab-context-"))
    try:
        project_context(context)
        shutil.copytree(wheelhouse([*requirements_of(wheel), "hatchling"]), context / "wheelhouse")
        options = ["--network", "none", "--tag", tag, *(["--target", target] if target else [])]
        for argument in (f"BASE={base}", "PIP_NO_INDEX=1", "PIP_FIND_LINKS=/src/wheelhouse"):
            options += ["--build-arg", argument]
        engine.docker("build", *options, context, timeout=600).check()
        return tag
    finally:
        remove(context)


def project_context(folder: Path) -> None:
    """Copy into `folder` what the project's own Dockerfile needs, as the work tree has it now."""
    for name in _CONTEXT:
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, folder / name)
        else:
            shutil.copy(PROJECT / name, folder)


def _debootstrap(source: apt_sources.Source, path: Path) -> None:
    require_root()
    apt_install("debootstrap", binaries=["debootstrap"])
    # Not in /tmp, which may be a small tmpfs or be mounted without devices.
    folder = Path(tempfile.mkdtemp(prefix=".debootstrap-", dir=cache_dir()))
    try:
        system = folder / "system"
        run(
            [
                *("debootstrap", "--variant=minbase", "--include=python3,python3-venv"),
                *(f"--components={','.join(source.components)}", source.suite, system, source.uri),
            ],
            timeout=900,
            env={"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"},
        ).check()
        left_out = [f"--exclude=./{name}/*" for name in _LEFT_OUT]
        # The mirror stays this machine's business.
        left_out.append("--exclude=./etc/apt/sources.list")
        run(["tar", "-C", system, *left_out, "--numeric-owner", "-cf", path, "."], timeout=300).check()
    finally:
        remove(folder)


def _save_venv(engine: Engine, requirements: Sequence[str], path: Path) -> None:
    wheels = sorted(wheelhouse(requirements).iterdir())
    tag = f"cgtune-lab/unsaved:{uuid.uuid4().hex[:12]}"
    _build(engine, tag, base_image(engine), wheels, ["--find-links", "/wheels", *requirements], make_venv=True)
    with engine.start(tag, ["true"]) as container:
        container.wait()
        engine.docker("export", "--output", path, container.id, timeout=300).check()
    engine.docker("rmi", tag)


def _build(
    engine: Engine, tag: str, below: str, wheels: Sequence[Path], install: Sequence[str], *, make_venv: bool
) -> str:
    context = Path(tempfile.mkdtemp(prefix="lab-context-"))
    try:
        (context / "wheels").mkdir()
        for wheel in wheels:
            shutil.copy(wheel, context / "wheels")
        steps = [["python3", "-m", "venv", "/opt/venv"]] if make_venv else []
        steps.append(["/opt/venv/bin/pip", "install", "--quiet", "--no-index", *install])
        # A JSON list needs no shell, which would read the < of a requirement.
        lines = [f"FROM {below}", "COPY wheels /wheels", *(f"RUN {json.dumps(step)}" for step in steps)]
        (context / "Dockerfile").write_text("\n".join(lines) + "\n")
        return engine.build(context, tag)
    finally:
        remove(context)
