"""A tenant's environments: each is a schema and a role of its own."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django_tenants.models import DomainMixin, TenantMixin
from typing_extensions import override

from tenants.models.tenant import Tenant

# A list of ten has one place for new items.
EXPLORE_SHARE = 0.1


class EnvironmentManager(models.Manager["Environment"]):
    """Environments that exist; a deleted one remains as a row that tells serving to let go."""

    @override
    def get_queryset(self) -> models.QuerySet[Environment]:
        """Return the environments whose schemas exist."""
        return super().get_queryset().filter(deleted_at__isnull=True)


class Environment(TenantMixin):
    """What a credential opens: `live` or `test` data of one tenant (django-tenants' tenant)."""

    class Kind(models.TextChoices):
        """A test environment is never billed."""

        LIVE = "live"
        TEST = "test"

    class OnLimit(models.TextChoices):
        """What a recommendation call gets when the quota is used up."""

        POPULAR = "popular"
        ERROR = "error"

    class AutoTrain(models.TextChoices):
        """When a training starts by itself."""

        DAILY = "daily"
        OFF = "off"

    # Schemas are made by provisioning, from a recorded script.
    auto_create_schema = False

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="environments")
    kind = models.CharField(max_length=8, choices=Kind)
    role_name = models.CharField(max_length=63, unique=True)
    live_version = models.CharField(  # noqa: DJ001  # no model yet is not an empty name
        max_length=26, null=True, help_text="The model version that is served; only this row says."
    )
    is_pinned = models.BooleanField(default=False)
    auto_train = models.CharField(max_length=16, choices=AutoTrain, default=AutoTrain.DAILY)
    auto_promote = models.BooleanField(default=True)
    on_limit = models.CharField(max_length=8, choices=OnLimit, default=OnLimit.POPULAR)
    explore_share = models.FloatField(
        default=EXPLORE_SHARE,
        db_default=EXPLORE_SHARE,
        help_text="Of the places of personal lists, for items that nobody has turned to yet.",
    )
    placements = models.JSONField(
        default=dict,
        db_default={},
        help_text="By name: what a call that names the placement takes where it says nothing "
        "itself.",
    )
    # Unset until the store says so: a wrong guess would shift its times and misname its prices.
    timezone = models.CharField(  # noqa: DJ001
        max_length=64, null=True, help_text="Of imported times without an offset."
    )
    currency = models.CharField(  # noqa: DJ001
        max_length=3, null=True, help_text="Of prices that come without one."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True)
    control_seq = models.BigIntegerField(default=0, editable=False)

    objects: ClassVar[EnvironmentManager] = EnvironmentManager()
    with_deleted: ClassVar[models.Manager[Environment]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "kind"], name="environment_kind_once"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.tenant.slug}/{self.kind}"


class Hostname(DomainMixin):
    """A host that serves an environment's portal (django-tenants' domain)."""

    tenant = models.ForeignKey(
        Environment, on_delete=models.CASCADE, db_index=True, related_name="hostnames"
    )


class CatalogueClock(models.Model):
    """Counts an environment's catalogue writes, so that serving reads only what changed.

    A table of its own: it moves with each write, the environment's row with each decision.
    """

    environment = models.OneToOneField(Environment, on_delete=models.CASCADE, primary_key=True)
    change_seq = models.BigIntegerField(default=0)
    shown_seq = models.BigIntegerField(
        default=0, help_text="Its value when it last changed which attributes answers show."
    )

    @override
    def __str__(self) -> str:
        return f"{self.environment_id}: {self.change_seq}"


class IdentityClock(models.Model):
    """Counts the transactions that joined visitors with users; its row comes with the first."""

    environment = models.OneToOneField(Environment, on_delete=models.CASCADE, primary_key=True)
    change_seq = models.BigIntegerField(default=0)

    @override
    def __str__(self) -> str:
        return f"{self.environment_id}: {self.change_seq}"


class ControlClock(models.Model):
    """One row that counts every change of a key, tenant, entitlement or environment.

    Triggers bump it inside the writer's transaction; its row lock makes the order of commits the
    order of numbers, so a reader that asks for what is newer than its last number misses nothing.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    seq = models.BigIntegerField(default=0)

    @override
    def __str__(self) -> str:
        return str(self.seq)


class SchemaScript(models.Model):
    """The statements that make a new environment's schema, recorded from a migrated template."""

    migrations_digest = models.CharField(primary_key=True, max_length=64)
    statements = models.TextField()
    recorded_at = models.DateTimeField(auto_now_add=True)

    @override
    def __str__(self) -> str:
        return self.migrations_digest
