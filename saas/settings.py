"""Django's settings, made from the typed configuration; lax only in the modes demo and test."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from psycopg.conninfo import conninfo_to_dict

from saas.lib.config import Config, ConfigurationError, config
from saas.lib.logs import configure_logging
from saas.lib.postgres import LIVENESS
from saas.staff import look

BASE_DIR = Path(__file__).resolve().parent.parent
_config: Config = config()


def _database(url: str) -> dict[str, Any]:
    given = conninfo_to_dict(url)
    return {
        "ENGINE": "tenants.db",
        "NAME": given["dbname"],
        "USER": given.get("user", ""),
        "PASSWORD": given.get("password", ""),
        "HOST": given.get("host", ""),
        "PORT": str(given.get("port", "")),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            **LIVENESS,
            # Refuses stacked statements, so that no injected second statement can change the role.
            "server_side_binding": True,
            # A statement that comes again is not parsed and planned again; PostgreSQL does so by
            # itself where the search path has changed since (a fifth of an ingestion, measured).
            "prepare_threshold": 5,
            # A backend keeps 0.24 MB for each tenant it has ever seen, so none lives long.
            "pool": {
                "min_size": 1,
                "max_size": 8,
                "max_lifetime": 600,
                "max_idle": 60,
                # As many threads as connections: one waits only while PostgreSQL is away, and a
                # client is better told so than kept.
                "timeout": 3,
            },
            "options": f"-c search_path=public -c lock_timeout=5s "
            f"-c statement_timeout={os.environ.get('SHELFWISE_STATEMENT_TIMEOUT', '30s')} "
            "-c idle_in_transaction_session_timeout=60s",
        },
    }


def _database_url() -> str:
    """Return the owner's URL for the commands that change schemas, else the application's."""
    if os.environ.get("SHELFWISE_LOGIN") != "owner":
        return _config.database_url
    if _config.database_owner_url is None:
        raise ConfigurationError(
            "DATABASE_OWNER_URL is missing; migrations and provisioning need the owner's login."
        )
    return _config.database_owner_url


IS_PRODUCTION = _config.mode == "production"
SECRET_KEY = _config.secret_key
DEBUG = False
ALLOWED_HOSTS = list(_config.allowed_hosts) or ["localhost", ".localhost", "127.0.0.1", "[::1]"]

DATABASES = {"default": _database(_database_url())}
APP_LOGIN = str(conninfo_to_dict(_config.database_url)["user"])
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
TENANT_MODEL = "tenants.Environment"
TENANT_DOMAIN_MODEL = "tenants.Hostname"
TENANT_LIMIT_SET_CALLS = True
GET_EXECUTOR_FUNCTION = "tenants.management.pending_only.pending_only"

SHARED_APPS = [
    "tenants",
    "django_tenants",
    "billing",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    # Our templates come before the library's, and its own before the admin's; the site is ours.
    "saas.staff.apps.ConsoleConfig",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "saas.staff.apps.StaffConfig",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "api",
    "saas",
    "saas.portal",
    # After the portal, whose templates take the place of theirs.
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
]
TENANT_APPS = ["engine"]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]
AUTH_USER_MODEL = "tenants.Person"
# A dead worker's job starts again this much later; a living one renews three times as often.
JOB_LEASE_SECONDS = _config.job_lease_seconds
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SILENCED_SYSTEM_CHECKS = ["django_tenants.W001"]

MIDDLEWARE = [
    "api.v1.middleware.RequestMiddleware",
    "tenants.middleware.PlatformMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "saas.surfaces.SurfaceMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "saas.urls"
WSGI_APPLICATION = "saas.wsgi.application"
APPEND_SLASH = False
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "home"

# People log in with their e-mail address, once it is verified; staff with a second factor.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
# What counts attempts outlives Valkey and is one for all processes.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "tenants_cacheentry",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}
ALLAUTH_TRUSTED_PROXY_COUNT = _config.trusted_proxies
ACCOUNT_ADAPTER = "saas.portal.accounts.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "saas.portal.account_forms.LogInForm",
    "reset_password": "saas.portal.account_forms.ForgottenPasswordForm",
    "signup": "saas.portal.account_forms.SignUpForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_REDIRECT_URL = "sign-up-progress"
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# In the browser that signed up alone: elsewhere the link opens the log-in page.
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {
    # Whoever asks, somebody gets a mail of ours: at a sign-up one whom nobody has vouched for.
    "signup": "5/m/ip,30/d/ip",
    "reset_password": "20/m/ip,5/h/key",
    # The key is an account from one address; the adapter bounds the account from all of them.
    "login_failed": "10/m/ip,10/h/key",
}
MFA_ADAPTER = "saas.portal.accounts.SecondFactorAdapter"
MFA_TOTP_ISSUER = "Shelfwise"
# The clock of a telephone may be half a minute off.
MFA_TOTP_TOLERANCE = 1
# The contract's limit; the API's own parser answers 413 before Django would.
DATA_UPLOAD_MAX_MEMORY_SIZE = 6 * 1024 * 1024

TEMPLATES = [
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
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
CSRF_FAILURE_VIEW = "saas.portal.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = IS_PRODUCTION
CSRF_COOKIE_SECURE = IS_PRODUCTION
SECURE_SSL_REDIRECT = IS_PRODUCTION
SECURE_HSTS_SECONDS = 31_536_000 if IS_PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_PRODUCTION
SECURE_HSTS_PRELOAD = IS_PRODUCTION
if IS_PRODUCTION and _config.trusted_proxies:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

UNFOLD = look.UNFOLD

LANGUAGE_CODE = "en"
USE_I18N = False
# For |floatformat:"0g" on pages: 12,345.
NUMBER_GROUPING = 3
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "saas.formats"
USE_TZ = True

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True

LOGGING_CONFIG = None
# A command's output is for the person who typed it; a service's is for the log collector.
if "SHELFWISE_PROCESS" in os.environ:
    configure_logging(os.environ["SHELFWISE_PROCESS"])

# It names paths, which carry shoppers' ids; RequestMiddleware writes a line without them.
logging.getLogger("django.request").setLevel(logging.CRITICAL)

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.v1.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["api.v1.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["api.v1.parsers.StrictJsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["api.v1.renderers.OrjsonRenderer"],
    "DEFAULT_SCHEMA_CLASS": "api.v1.schema.ShelfwiseSchema",
    "EXCEPTION_HANDLER": "api.v1.problems.answer_problem",
    "UNAUTHENTICATED_USER": None,
    # A second way to ask for a format would be a second answer to the same request.
    "URL_FORMAT_OVERRIDE": None,
}
# What tenants.token_backend does not say itself: simplejwt's default is HS256 with SECRET_KEY.
SIMPLE_JWT: dict[str, Any] = {"ALGORITHM": "EdDSA", "SIGNING_KEY": None}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Shelfwise",
    "DESCRIPTION": "Recommendations for online stores. Error codes: /docs/errors.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "ENFORCE_NON_BLANK_FIELDS": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "PATH_CONVERTER_OVERRIDES": {"id": {"type": "string", "minLength": 1, "maxLength": 256}},
    "POSTPROCESSING_HOOKS": ["api.v1.schema.add_common_parts"],
}

DEFAULT_FROM_EMAIL = _config.mail_from
# No worker waits for a mail server longer than for anything else.
EMAIL_TIMEOUT = 10
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
if _config.mail_url is not None:
    # smtp://user:password@host:587, smtps:// for TLS from the first byte, or file:///a/folder.
    _mail = urlsplit(_config.mail_url)
    EMAIL_FILE_PATH = unquote(_mail.path)
    _kind = "filebased" if _mail.scheme == "file" else "smtp"
    EMAIL_BACKEND = f"django.core.mail.backends.{_kind}.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = _mail.hostname or "localhost", _mail.port or 587
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = (
        unquote(_mail.username or ""),
        unquote(_mail.password or ""),
    )
    EMAIL_USE_SSL = _mail.scheme == "smtps"
    EMAIL_USE_TLS = not EMAIL_USE_SSL and bool(EMAIL_HOST_USER)
