"""Typical applications, each under its server: what bench.worker_size measures. Data only."""

from __future__ import annotations

from dataclasses import dataclass

#: What the applications need.
REQUIREMENTS = (
    *("celery[redis]", "django", "djangorestframework", "dramatiq[redis]", "fastapi", "flask", "granian"),
    *("gunicorn", "hypercorn", "httpx", "pandas", "requests", "rq", "sqlalchemy", "uvicorn", "uvicorn-worker"),
)


@dataclass(frozen=True)
class Stack:
    """An application under its server. `paths` are asked of a web server; a queue gets tasks instead."""

    kind: str
    name: str
    argv: tuple[str, ...]
    paths: tuple[str, ...] = ()
    queue: str = ""
    extra: str = ""


_SYNC = ("gunicorn", "--workers", "2", "--bind", "127.0.0.1:{port}")
_THREADS = (*_SYNC, "--threads", "4")
_FLASK = ("/", "/json")
_DJANGO = ("/users/?format=json", "/users/", "/admin/login/")
_FASTAPI = ("/", "/json")
_DJANGO_APP = "bench.apps.django_app"
_CELERY = ("celery", "-A", "bench.apps.tasks_app", "worker", "--concurrency", "2", "--loglevel", "error")
_UVICORN = ("uvicorn", "--workers", "2", "--port", "{port}", "--log-level", "warning")
_GRANIAN = ("granian", "--workers", "2", "--port", "{port}", "--no-log")

STACKS = (
    Stack("sync-web", "gunicorn, Flask + SQLAlchemy", (*_SYNC, "bench.apps.flask_app:app"), _FLASK),
    Stack("sync-web", "gunicorn, the same, 4 threads", (*_THREADS, "bench.apps.flask_app:app"), _FLASK),
    Stack("sync-web", "gunicorn, Django + admin + REST", (*_SYNC, f"{_DJANGO_APP}:app"), _DJANGO),
    Stack("sync-web", "gunicorn, the same, 4 threads", (*_THREADS, f"{_DJANGO_APP}:app"), _DJANGO),
    Stack("sync-web", "gunicorn, Flask, numpy", (*_SYNC, "bench.apps.flask_app:app"), _FLASK, extra="numpy"),
    Stack("sync-web", "gunicorn, Flask, pandas", (*_SYNC, "bench.apps.flask_app:app"), _FLASK, extra="pandas"),
    Stack("sync-web", "granian WSGI, Flask", (*_GRANIAN, "--interface", "wsgi", "bench.apps.flask_app:app"), _FLASK),
    Stack(
        "async-web",
        "gunicorn -k uvicorn_worker, FastAPI",
        (*_SYNC, "-k", "uvicorn_worker.UvicornWorker", "bench.apps.fastapi_app:app"),
        _FASTAPI,
    ),
    Stack("async-web", "uvicorn, FastAPI", (*_UVICORN, "bench.apps.fastapi_app:app"), _FASTAPI),
    Stack(
        "async-web", "uvicorn, FastAPI, pandas", (*_UVICORN, "bench.apps.fastapi_app:app"), _FASTAPI, extra="pandas"
    ),
    Stack(
        "async-web",
        "hypercorn, FastAPI",
        ("hypercorn", "--workers", "2", "--bind", "127.0.0.1:{port}", "bench.apps.fastapi_app:app"),
        _FASTAPI,
    ),
    Stack(
        "async-web",
        "granian ASGI, FastAPI",
        (*_GRANIAN, "--interface", "asgi", "bench.apps.fastapi_app:app"),
        _FASTAPI,
    ),
    Stack("queue", "celery, SQLAlchemy + requests", _CELERY, queue="celery"),
    Stack("queue", "celery, Django", _CELERY, queue="celery", extra=_DJANGO_APP),
    Stack("queue", "celery, pandas", _CELERY, queue="celery", extra="pandas"),
    Stack(
        "queue",
        "dramatiq, 8 threads",
        ("dramatiq", "--processes", "2", "bench.apps.tasks_app"),
        queue="dramatiq",
    ),
    Stack("queue", "rq, worker and its child", ("rq.cli", "worker-pool", "-n", "2", "--url", "{redis}"), queue="rq"),
)
