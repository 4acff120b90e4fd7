"""The recommendation call as one would first write it on the same engine: a framework's view.

It has the same key check, history and scoring, and answers the items' ids and scores; it filters
nothing, shows no product, knows no recent events and records no usage.
"""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

import django
from a2wsgi import WSGIMiddleware

django.setup()

import numpy as np  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402

from api.v1.views import EnvironmentView  # noqa: E402
from engine.core.artifact import Artifact, open_artifact  # noqa: E402
from engine.core.ranking import score_for_user  # noqa: E402
from engine.core.recency import DAY_SECONDS  # noqa: E402
from saas.asgi import DJANGO_THREADS  # noqa: E402
from saas.lib.config import config  # noqa: E402
from saas.wsgi import application as wsgi_application  # noqa: E402


class BaselineView(EnvironmentView):
    """POST /v1/recommend/for-user."""

    required_scopes: ClassVar = {"POST": "recommendations:read"}

    def post(self, request: Request) -> Response:
        """Rank every item for a user."""
        environment = self.caller.environment
        artifact = artifact_of(environment.pk, str(environment.live_version))
        histories = artifact.histories
        user = artifact.user_keys.find(f"u:{request.data['user_id']}")
        span = slice(histories.indptr[user], histories.indptr[user + 1])
        ages = (artifact.newest_seconds - histories.seconds[span]) / DAY_SECONDS
        scored = score_for_user(
            artifact, rows=histories.rows[span], weights=histories.weights[span], age_days=ages
        )
        allowed = np.ones(artifact.n_items, dtype=np.bool_)
        best = scored.explained(scored.best(allowed=allowed, limit=request.data["limit"]))
        items = zip(best.rows.tolist(), best.scores.tolist(), strict=True)
        return Response(
            {"items": [{"id": artifact.item_id(row), "score": score} for row, score in items]}
        )


@cache
def artifact_of(environment_id: int, version: str) -> Artifact:
    """Return a model, opened once."""
    return open_artifact(config().artifacts / str(environment_id) / version, verify=False)


urlpatterns = [path("v1/recommend/for-user", BaselineView.as_view())]
settings.ROOT_URLCONF = __name__
wsgi: Any = wsgi_application
application = WSGIMiddleware(wsgi, workers=DJANGO_THREADS)
