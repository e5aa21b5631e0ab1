# The frameworks are only in the environment that bench.worker_size makes, not where the code is checked.
# mypy: ignore-errors
"""Tasks of a queue: the same work for Celery, Dramatiq and RQ, on a Redis. For bench.worker_size.

    celery -A bench.apps.tasks_app worker
    python -m bench.apps.tasks_app 100      puts 100 tasks

APP_EXTRA   more modules to import, comma-separated: bench.apps.django_app is Django with its ORM and admin
APP_REDIS   where the Redis is
APP_QUEUE   which library to set up
"""

import importlib
import os
import sys
import time

import requests
from sqlalchemy import String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

URL = os.environ.get("APP_REDIS", "redis://127.0.0.1:6379/0")
QUEUE = os.environ.get("APP_QUEUE", "celery")

for _name in filter(None, os.environ.get("APP_EXTRA", "").split(",")):
    importlib.import_module(_name)

# A database in memory for each thread.
engine = create_engine("sqlite://")
Session = sessionmaker(engine, expire_on_commit=False)
http = requests.Session()


class Base(DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))


def work(number: int) -> int:
    """Some rows through the ORM, a request made but not sent, a list of a few MB."""
    Base.metadata.create_all(engine)
    with Session.begin() as session:
        session.add_all(Row(name=f"order {number} {n}") for n in range(50))
        found = session.scalars(select(Row).order_by(Row.id.desc()).limit(50)).all()
        session.query(Row).filter(Row.id < found[-1].id).delete()
    http.prepare_request(requests.Request("POST", "http://127.0.0.1/", json=[row.name for row in found]))
    return len([str(n) for n in range(20_000)])


def hold(number: int) -> None:
    """The same, and stay for a while: a child of RQ lives as long as its job."""
    work(number)
    time.sleep(8)


if QUEUE == "celery":
    from celery import Celery

    app = Celery("tasks", broker=URL)
    task = app.task(name="work")(work)
    put = task.delay
elif QUEUE == "dramatiq":
    import dramatiq
    from dramatiq.brokers.redis import RedisBroker

    dramatiq.set_broker(RedisBroker(url=URL))
    task = dramatiq.actor(work)
    put = task.send
else:
    import redis
    from rq import Queue

    put = Queue(connection=redis.from_url(URL)).enqueue


def main() -> None:
    """Put so many tasks."""
    for number in range(int(sys.argv[1])):
        if QUEUE == "rq":
            put("bench.apps.tasks_app.hold", number)
        else:
            put(number)


if __name__ == "__main__":
    main()
