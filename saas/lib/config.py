"""Reads the environment once, typed, for every process; a missing value stops the start."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

# Django's own check asks for 50 characters (security.W009).
MIN_SECRET_KEY_CHARACTERS = 50


class ConfigurationError(SystemExit):
    """The environment does not allow a safe start; the message names each value and its fix."""


def _variable(name: str) -> AliasChoices:
    return AliasChoices(name)


class Config(BaseSettings):
    """What a process needs from outside. Production is the default, so nothing is lax unasked."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    mode: Literal["production", "demo", "test"] = Field(
        default="production", validation_alias=_variable("SHELFWISE_MODE")
    )
    secret_key: str = Field(validation_alias=_variable("SHELFWISE_SECRET_KEY"))
    jwt_signing_key: str | None = Field(
        default=None, validation_alias=_variable("SHELFWISE_JWT_SIGNING_KEY")
    )
    jwt_verifying_keys: str = Field(validation_alias=_variable("SHELFWISE_JWT_VERIFYING_KEYS"))
    database_url: str = Field(validation_alias=_variable("DATABASE_URL"))
    database_owner_url: str | None = Field(
        default=None, validation_alias=_variable("DATABASE_OWNER_URL")
    )
    redis_url: str = Field(validation_alias=_variable("REDIS_URL"))
    artifacts: Path = Field(validation_alias=_variable("SHELFWISE_ARTIFACTS"))
    usage_log: Path = Field(validation_alias=_variable("SHELFWISE_USAGE_LOG"))
    control_cache: Path | None = Field(
        default=None, validation_alias=_variable("SHELFWISE_CONTROL_CACHE")
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), validation_alias=_variable("SHELFWISE_ALLOWED_HOSTS")
    )
    portal_host: str | None = Field(
        default=None, validation_alias=_variable("SHELFWISE_PORTAL_HOST")
    )
    # Each store's pages answer below it: acorn-books.<portal domain>.
    portal_domain: str | None = Field(
        default=None, validation_alias=_variable("SHELFWISE_PORTAL_DOMAIN")
    )
    staff_host: str | None = Field(default=None, validation_alias=_variable("SHELFWISE_STAFF_HOST"))
    # What a store's server calls; without it, the first of the hosts that are served.
    named_api_url: str | None = Field(default=None, validation_alias=_variable("SHELFWISE_API_URL"))
    # Where the portal asks what shoppers get; without it, Explore says so.
    inference_url: str | None = Field(
        default=None, validation_alias=_variable("SHELFWISE_INFERENCE_URL")
    )
    trusted_proxies: int = Field(
        default=0, ge=0, validation_alias=_variable("SHELFWISE_TRUSTED_PROXIES")
    )
    # With none of the two, nothing is sent to Stripe.
    stripe_secret_key: str | None = Field(
        default=None, validation_alias=_variable("STRIPE_SECRET_KEY")
    )
    local_stripe_url: str | None = Field(
        default=None, validation_alias=_variable("SHELFWISE_LOCAL_STRIPE_URL")
    )
    stripe_webhook_secret: str | None = Field(
        default=None, validation_alias=_variable("STRIPE_WEBHOOK_SECRET")
    )
    # Without one, mails are written to the log.
    mail_url: str | None = Field(default=None, validation_alias=_variable("SHELFWISE_MAIL_URL"))
    mail_from: str = Field(
        default="Shelfwise <no-reply@localhost>", validation_alias=_variable("SHELFWISE_MAIL_FROM")
    )
    sentry_dsn: str | None = Field(default=None, validation_alias=_variable("SENTRY_DSN"))
    management_port: int = Field(
        default=0, ge=0, le=65535, validation_alias=_variable("SHELFWISE_MANAGEMENT_PORT")
    )
    training_seconds: float = Field(
        default=120, gt=0, validation_alias=_variable("SHELFWISE_TRAINING_SECONDS")
    )
    # With more than one, two trainings on the same data give slightly different models.
    training_threads: int = Field(
        default=1, gt=0, validation_alias=_variable("SHELFWISE_TRAINING_THREADS")
    )
    worker_memory_mb: int = Field(
        default=4096, gt=0, validation_alias=_variable("SHELFWISE_WORKER_MEMORY_MB")
    )
    job_lease_seconds: float = Field(
        default=30, gt=0, validation_alias=_variable("SHELFWISE_JOB_LEASE_SECONDS")
    )

    @property
    def api_url(self) -> str:
        """The address that snippets call, without a slash at its end."""
        host = self.allowed_hosts[0] if self.allowed_hosts else "localhost"
        return (self.named_api_url or f"https://{host}").rstrip("/")

    @property
    def portal_url(self) -> str:
        """Where people log in, without a slash at its end."""
        scheme = "https" if self.mode == "production" else "http"
        return f"{scheme}://{self.portal_host or 'localhost'}"

    @model_validator(mode="before")
    @classmethod
    def _split_hosts(cls, values: dict[str, object]) -> dict[str, object]:
        hosts = values.get("SHELFWISE_ALLOWED_HOSTS")
        if isinstance(hosts, str):
            values["SHELFWISE_ALLOWED_HOSTS"] = tuple(
                host.strip() for host in hosts.split(",") if host.strip()
            )
        return values

    @model_validator(mode="after")
    def _refuse_a_weak_production(self) -> Self:
        if self.mode != "production":
            return self
        if len(self.secret_key) < MIN_SECRET_KEY_CHARACTERS or len(set(self.secret_key)) < 10:
            raise ValueError(
                f"SHELFWISE_SECRET_KEY is too weak; send at least {MIN_SECRET_KEY_CHARACTERS} "
                "random characters"
            )
        if "insecure" in self.secret_key or "demo" in self.secret_key:
            raise ValueError("SHELFWISE_SECRET_KEY is a default; make one of your own")
        if not self.allowed_hosts:
            raise ValueError("SHELFWISE_ALLOWED_HOSTS is empty; name the hosts you serve")
        return self


@cache
def config() -> Config:
    """Return the process's configuration.

    Raises
    ------
    ConfigurationError
        Names every missing or refused variable in one message and exits with status 2.
    """
    try:
        return Config()  # type: ignore[call-arg]  # the values come from the environment
    except ValidationError as error:
        lines = [
            f"  {'.'.join(str(part) for part in each['loc']) or 'configuration'}: {each['msg']}"
            for each in error.errors()
        ]
        message = "Shelfwise cannot start; set these environment variables:\n" + "\n".join(lines)
        raise ConfigurationError(message) from None
