"""Records what a training made, lets the decision take effect, and ends its job: all or nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from django.utils import timezone

from engine.core.lifecycle import GoingLive, decide_going_live
from engine.core.trained_model import TrainedModel
from engine.models.training import ModelVersion, TrainingRun
from engine.services.outdated_artifacts import has_outdated_artifact
from engine.services.remove_old_artifacts import remove_old_artifacts
from engine.services.set_live_version import locked_environment, set_live_version
from tenants.services.announce import announce
from tenants.services.run_job import ClaimedJob, finish_job


@dataclass(frozen=True, slots=True)
class TrainedVersion:
    """A model whose artifact is written, and the champion that its gate compared it with.

    Attributes
    ----------
    change_seq
        How far the training had read the store, by the catalogue's clock.
    parent
        Of an update, the version that it brought up to date.
    """

    version: str
    trained_at: datetime
    change_seq: int
    model: TrainedModel
    champion_compared_with: str | None
    parent: str | None = None


def record_trained_model(
    *, environment_id: int, job: ClaimedJob, run_id: str, trained: TrainedVersion
) -> GoingLive:
    """Record the version, put it live where it may, and end run and job.

    Call it inside the environment.

    Parameters
    ----------
    environment_id, job, run_id
        Whose training, in which job and run.
    trained
        What came of it.

    Returns
    -------
    GoingLive
        Whether it is live now, and why.

    Raises
    ------
    LeaseLostError
        Another worker has the job; the transaction must roll back.
    """
    finish_job(job)
    held = locked_environment(environment_id)
    decision = decide_going_live(
        trained.model.gate,
        is_pinned=held.is_pinned,
        auto_promote=held.auto_promote,
        champion_compared_with=trained.champion_compared_with,
        live_version=held.live_version,
        is_live_outdated=has_outdated_artifact(environment_id, held.live_version),
    )
    _create_version(trained, reason=decision.reason)
    if decision.goes_live:
        set_live_version(
            held=held,
            version=trained.version,
            is_pinned=False,
            actor=f"job:{job.id}",
            action="model_promoted",
            reason=decision.reason,
        )
    if not trained.model.gate.promote:
        data = {"version": trained.version, "live": held.live_version, "reason": decision.reason}
        announce(environment=held, event_type="model.rejected", data=data)
    TrainingRun.objects.filter(pk=run_id).update(
        status=TrainingRun.Status.COMPLETED,
        stage="done" if trained.parent is None else "updated",
        progress=1.0,
        model_version=trained.version,
        finished_at=timezone.now(),
    )
    remove_old_artifacts(
        environment_id=environment_id,
        live_version=trained.version if decision.goes_live else held.live_version,
    )
    return decision


def _create_version(trained: TrainedVersion, *, reason: str) -> None:
    model = trained.model
    report = asdict(model.report)
    has_passed = model.gate.promote
    ModelVersion.objects.create(
        version=trained.version,
        trained_at=trained.trained_at,
        change_seq=_known_until(trained),
        parent=trained.parent,
        verdict=ModelVersion.Verdict.PROMOTED if has_passed else ModelVersion.Verdict.REJECTED,
        reason=reason,
        recipe=model.recipe.to_dict(),
        data_window=report["data_window"],
        counts=report["counts"],
        metrics=report["metrics"],
        baselines=report["baselines"],
        strata=report["strata"],
        popularity_deciles=report["popularity_deciles"],
        training_curve=report["training_curve"],
    )


def _known_until(trained: TrainedVersion) -> int:
    """Return how far the store was read by the first of what the version is made of.

    Who was erased after that may still be in it.
    """
    if trained.parent is None:
        return trained.change_seq
    return ModelVersion.objects.values_list("change_seq", flat=True).get(pk=trained.parent)
