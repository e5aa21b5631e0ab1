# The frameworks are only in the environment that bench.worker_size makes, not where the code is checked.
# mypy: ignore-errors
"""Django with its admin, users, sessions and the REST framework, in one file. For bench.worker_size.

    gunicorn bench.apps.django_app:app

APP_EXTRA  more modules to import, comma-separated
"""

import importlib
import os

import django
from django.conf import settings

for _name in filter(None, os.environ.get("APP_EXTRA", "").split(",")):
    importlib.import_module(_name)

settings.configure(
    SECRET_KEY="only for measuring",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    # Shared cache: each thread has a connection of its own.
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "file:bench?mode=memory&cache=shared"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
        "rest_framework",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    STATIC_URL="/static/",
    REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [], "DEFAULT_PERMISSION_CLASSES": []},
)
django.setup()

from django.contrib import admin  # noqa: E402 - Django must know its settings before anything imports models
from django.contrib.auth.models import Group, User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402
from rest_framework import routers, serializers, viewsets  # noqa: E402


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ("id", "username", "email", "groups")


class UserView(viewsets.ModelViewSet):
    queryset = User.objects.prefetch_related("groups").order_by("id")
    serializer_class = UserSerializer


router = routers.DefaultRouter()
router.register("users", UserView)
urlpatterns = [path("admin/", admin.site.urls), path("", include(router.urls))]

call_command("migrate", verbosity=0, run_syncdb=True)
if not User.objects.exists():
    group = Group.objects.create(name="staff")
    for _number in range(100):
        User.objects.create(username=f"user{_number}", email=f"user{_number}@example.org").groups.add(group)
app = get_wsgi_application()
