# The frameworks are only in the environment that bench.worker_size makes, not where the code is checked.
# mypy: ignore-errors
"""FastAPI with pydantic models, an ORM and an HTTP client. For bench.worker_size.

    uvicorn bench.apps.fastapi_app:app

APP_EXTRA  more modules to import, comma-separated
"""

import importlib
import os

import httpx
from fastapi import Depends, FastAPI
from pydantic import BaseModel, Field
from sqlalchemy import String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

for _name in filter(None, os.environ.get("APP_EXTRA", "").split(",")):
    importlib.import_module(_name)

app = FastAPI(title="orders")
# A file in the working directory, one a worker.
engine = create_engine(f"sqlite:///orders-{os.getpid()}.db")
Session = sessionmaker(engine)
http = httpx.AsyncClient()


class Base(DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    total: Mapped[float]


class Order(BaseModel):
    id: int
    name: str = Field(max_length=80)
    total: float


class Body(BaseModel):
    tags: list[str]
    order: Order


Base.metadata.create_all(engine)
with Session.begin() as _session:
    _session.add_all(Row(name=f"order {_number}", total=_number * 1.5) for _number in range(200))


def session():
    """A session a request, closed after it."""
    with Session() as opened:
        yield opened


@app.get("/")
def index(rows=Depends(session)) -> list[Order]:  # noqa: B008 - how FastAPI is told of what a view needs
    """Rows through the ORM, checked by pydantic; in a thread, as FastAPI does with plain functions."""
    return [Order(id=row.id, name=row.name, total=row.total) for row in rows.scalars(select(Row).limit(100))]


@app.post("/json")
async def echo(body: Body) -> list[Body]:
    """A JSON body in, a larger one out."""
    http.build_request("POST", "http://127.0.0.1/", json=body.model_dump())
    return [body] * 100
