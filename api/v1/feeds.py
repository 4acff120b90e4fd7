"""Feeds: addresses from which files are fetched again and again, and imported."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.import_options import FORMATS, KINDS, MODES, KindView, check_reading, kinds_of
from api.v1.pagination import PAGE_PARAMETERS, page, page_request
from api.v1.permissions import ANY_SCOPE
from api.v1.serializers import StrictSerializer, TextField, page_of, read_body
from engine.selectors.feeds import feed_bodies, feed_of, feeds
from engine.services.change_feed import change_feed
from engine.services.create_feed import create_feed
from engine.services.delete_feed import delete_feed
from engine.services.request_feed_run import request_feed_run
from saas.lib.errors import InvalidParameter
from tenants.models.feed import INTERVALS, Feed


class _FeedMembers(StrictSerializer):
    """What can be changed of a feed."""

    url = TextField(
        trim_whitespace=False,
        help_text="https, on the public internet. Up to three redirects are followed; a file of "
        "up to 1 GB is fetched within 10 minutes.",
    )
    format = serializers.ChoiceField(FORMATS, default="auto")
    mode = serializers.ChoiceField(MODES, default="incremental")
    every = serializers.ChoiceField(list(INTERVALS), default="24h")
    timezone = TextField(
        default=None,
        allow_null=True,
        help_text="Of times without an offset, such as 'Europe/Berlin'; the store's own if absent.",
    )
    mapping = serializers.DictField(
        child=TextField(max_length=256, trim_whitespace=False),
        default=dict,
        help_text='{"our field": "their column"}.',
    )


class FeedRequest(_FeedMembers):
    """Where the file lies, what it holds, and how often to look."""

    kind = serializers.ChoiceField(KINDS)


class FeedChange(_FeedMembers):
    """The members to change; another file or reading of it is looked at at once."""


class RunErrorAnswer(serializers.Serializer[Any]):
    """Why the last run brought nothing."""

    code = serializers.CharField()
    detail = serializers.CharField()


class FeedRunAnswer(serializers.Serializer[Any]):
    """What came of the last look at the file; `completed` says that an import was started."""

    status = serializers.ChoiceField(Feed.RunStatus.values)
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    bytes = serializers.IntegerField(required=False)
    error = RunErrorAnswer(required=False)


class FeedImportAnswer(serializers.Serializer[Any]):
    """The last import that the feed started; GET /v1/imports/{id} shows it."""

    id = serializers.CharField()
    status = serializers.CharField()


class FeedAnswer(serializers.Serializer[Any]):
    """A feed."""

    id = serializers.CharField()
    url = serializers.CharField()
    kind = serializers.ChoiceField(KINDS)
    format = serializers.ChoiceField(FORMATS)
    mode = serializers.ChoiceField(MODES)
    every = serializers.ChoiceField(list(INTERVALS))
    timezone = serializers.CharField(allow_null=True)
    mapping = serializers.DictField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    next_run_at = serializers.DateTimeField(
        help_text="After a failed run sooner than `every` says: 15 minutes, then 30, and so on."
    )
    failures = serializers.IntegerField(help_text="Failed runs in a row.")
    last_run = FeedRunAnswer()
    last_import = FeedImportAnswer(allow_null=True)


class FeedsView(KindView):
    """/v1/feeds."""

    required_scopes: ClassVar = {"GET": ANY_SCOPE, "POST": ANY_SCOPE}
    query_parameters: ClassVar = PAGE_PARAMETERS

    @extend_schema(responses=page_of(FeedAnswer))
    def get(self, request: Request) -> Response:
        """List the feeds, oldest first."""
        asked = page_request(request, key_types=(str,))
        rows = feeds(
            environment_id=self.caller.environment.pk,
            kinds=kinds_of(self.caller, "read"),
            limit=asked.limit + 1,
            after=asked.after[0] if asked.after else None,
        )
        shown = page(
            feed_bodies(rows), limit=asked.limit, key=lambda row: (row["id"],), as_json=dict
        )
        return Response(shown)

    @extend_schema(request=FeedRequest, responses={201: FeedAnswer})
    def post(self, request: Request) -> Response:
        """Fetch and import a file now, and again as often as `every` says.

        Needs `catalogue:write` for items and users, `events:write` for events. A file that is
        the same as the one imported last is not read again.
        """
        asked = read_body(FeedRequest, request.data)
        self.check_kind(asked["kind"])
        _check(asked)
        feed = create_feed(
            environment=self.caller.environment,
            url=asked["url"],
            kind=asked["kind"],
            file_format=asked["format"],
            mode=asked["mode"],
            every=asked["every"],
            time_zone=asked["timezone"],
            mapping=asked["mapping"],
        )
        return Response(_body(feed), status=201, headers={"Location": f"/v1/feeds/{feed.pk}"})


class FeedView(KindView):
    """/v1/feeds/{id}."""

    required_scopes: ClassVar = {"GET": ANY_SCOPE, "PATCH": ANY_SCOPE, "DELETE": ANY_SCOPE}

    @extend_schema(responses=FeedAnswer)
    def get(self, request: Request, feed_id: str) -> Response:
        """Show a feed, what came of its last run, and when the next one is due."""
        return Response(_body(self._feed(feed_id)))

    @extend_schema(request=FeedChange, responses=FeedAnswer)
    def patch(self, request: Request, feed_id: str) -> Response:
        """Change a feed; its kind stays."""
        feed = self._feed(feed_id)
        changes = read_body(FeedChange, request.data, partial=True)
        members = ("kind", "format", "mode", "timezone", "mapping")
        _check({name: getattr(feed, name) for name in members} | changes)
        changed = change_feed(environment=self.caller.environment, feed_id=feed_id, changes=changes)
        return Response(_body(changed))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, feed_id: str) -> Response:
        """End a feed; what it brought stays."""
        self._feed(feed_id)
        delete_feed(environment=self.caller.environment, feed_id=feed_id)
        return Response(status=204)

    def _feed(self, feed_id: str) -> Feed:
        feed = feed_of(environment_id=self.caller.environment.pk, feed_id=feed_id)
        self.check_kind(feed.kind)
        return feed


class FeedRunView(KindView):
    """POST /v1/feeds/{id}:run."""

    required_scopes: ClassVar = {"POST": ANY_SCOPE}

    @extend_schema(request=None, responses={202: FeedAnswer})
    def post(self, request: Request, feed_id: str) -> Response:
        """Look now, and read the file even if it is unchanged; a run under way will do."""
        feed = feed_of(environment_id=self.caller.environment.pk, feed_id=feed_id)
        self.check_kind(feed.kind)
        request_feed_run(feed)
        return Response(_body(feed), status=202, headers={"Location": f"/v1/feeds/{feed.pk}"})


def _check(members: dict[str, Any]) -> None:
    kind, file_format = members["kind"], members["format"]
    if kind != "items" and file_format not in {"auto", "plain"}:
        raise InvalidParameter(
            f"'format' is '{file_format}', which is of products; send {kind} as 'plain'.",
            pointer="/format",
        )
    check_reading(
        kind=kind,
        mode=members["mode"],
        time_zone=members["timezone"],
        mapping=members["mapping"],
    )


def _body(feed: Feed) -> dict[str, Any]:
    return feed_bodies([feed])[0]


urlpatterns = [
    path("feeds", FeedsView.as_view()),
    path("feeds/<id:feed_id>:run", FeedRunView.as_view()),
    path("feeds/<id:feed_id>", FeedView.as_view()),
]
