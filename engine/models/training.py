"""Training runs and the model versions that came of them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override


class TrainingRun(models.Model):
    """One attempt to learn from the store's data, and how it ended."""

    class Status(models.TextChoices):
        """As the contract names them."""

        QUEUED = "queued"
        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"

    class Kind(models.TextChoices):
        """A training chooses, proves and fits anew; an update brings the live model up to date."""

        TRAINING = "training"
        UPDATE = "update"

    id = models.CharField(primary_key=True, max_length=26)
    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.TRAINING)
    stage = models.CharField(max_length=64, blank=True)
    progress = models.FloatField(default=0, help_text="0 to 1")
    rows = models.BigIntegerField(null=True)
    seconds_budget = models.FloatField(null=True, help_text="What a training may take.")
    error = models.TextField(null=True)  # noqa: DJ001  # the contract's optional member
    model_version = models.CharField(max_length=26, null=True)  # noqa: DJ001
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    @override
    def __str__(self) -> str:
        return f"{self.id} ({self.status})"


class ModelVersion(models.Model):
    """A trained model: its artifact, its evaluation and the gate's verdict.

    Which version is live is said by the environment's row alone; `verdict` is the gate's.
    """

    class Verdict(models.TextChoices):
        """What the promotion gate decided."""

        PROMOTED = "promoted"
        REJECTED = "rejected"

    version = models.CharField(primary_key=True, max_length=26)
    trained_at = models.DateTimeField()
    verdict = models.CharField(max_length=8, choices=Verdict)
    reason = models.TextField()
    recipe = models.JSONField()
    data_window = models.JSONField()
    counts = models.JSONField()
    metrics = models.JSONField()
    baselines = models.JSONField()
    strata = models.JSONField(default=dict, help_text="The metrics of parts of the examination.")
    popularity_deciles = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        help_text="Recommendations by how popular the items are.",
    )
    training_curve = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        help_text="How the candidates learnt, epoch by epoch.",
    )
    promoted_at = models.DateTimeField(null=True, help_text="When it last became live.")
    artifact_removed_at = models.DateTimeField(null=True)
    change_seq = models.BigIntegerField(
        default=0, help_text="The catalogue clock's value up to which the training read the store."
    )
    parent = models.CharField(  # noqa: DJ001  # most have none
        max_length=26,
        null=True,
        help_text="The version that this one brought up to date; what that one knew is in it.",
    )

    class Meta:
        indexes: ClassVar = [models.Index(fields=["promoted_at"], name="model_promoted_at")]

    @override
    def __str__(self) -> str:
        return self.version
