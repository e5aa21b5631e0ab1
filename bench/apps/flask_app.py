# The frameworks are only in the environment that bench.worker_size makes, not where the code is checked.
# mypy: ignore-errors
"""What many Flask applications import: an ORM, templates, a client for other services. For bench.worker_size.

    gunicorn bench.apps.flask_app:app

APP_EXTRA  more modules to import, comma-separated: what else a worker of this kind may hold
"""

import importlib
import logging
import os

import requests
from flask import Flask, jsonify, render_template_string, request
from sqlalchemy import ForeignKey, String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, sessionmaker

for _name in filter(None, os.environ.get("APP_EXTRA", "").split(",")):
    importlib.import_module(_name)

logging.basicConfig(level="INFO")
app = Flask(__name__)
# A file in the working directory, one a worker.
engine = create_engine(f"sqlite:///orders-{os.getpid()}.db")
Session = sessionmaker(engine)
http = requests.Session()

PAGE = """<!doctype html><title>{{ title }}</title><ul>
{% for order in orders %}<li>{{ order.id }} {{ order.customer.name }} {{ "%.2f"|format(order.total) }}</li>
{% else %}<li>none</li>{% endfor %}</ul>"""


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customer"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    total: Mapped[float]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    customer: Mapped[Customer] = relationship()


Base.metadata.create_all(engine)
with Session.begin() as _session:
    for _number in range(200):
        _session.add(Order(total=_number * 1.5, customer=Customer(name=f"customer {_number}")))


@app.get("/")
def index():
    """Rows through the ORM into a page."""
    with Session() as session:
        orders = session.scalars(select(Order).join(Customer).limit(100)).all()
        return render_template_string(PAGE, title="Orders", orders=orders)


@app.post("/json")
def echo():
    """A JSON body in, a larger one out."""
    body = request.get_json()
    request_out = http.prepare_request(requests.Request("POST", "http://127.0.0.1/", json=body))
    return jsonify(items=[{"n": n, "body": body} for n in range(100)], length=len(request_out.body))
