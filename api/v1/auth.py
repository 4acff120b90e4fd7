"""Exchanges keys for tokens, says who is calling, and publishes what verifies a token."""

from __future__ import annotations

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.views import EnvironmentView


class MeView(EnvironmentView):
    """GET /v1/me: what the credential opens."""

    def get(self, request: Request) -> Response:
        """Say whose credential this is and what it may do."""
        caller = self.caller
        return Response(
            {
                "tenant": {"id": str(caller.tenant.pk), "slug": caller.tenant.slug},
                "environment": caller.environment.kind,
                "key_id": caller.key_id,
                "kind": caller.kind,
                "scopes": sorted(caller.scopes),
            }
        )


urlpatterns = [path("me", MeView.as_view())]
