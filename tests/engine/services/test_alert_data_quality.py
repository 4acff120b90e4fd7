"""A store hears once a day of what spoils much of its data, where it has a webhook for that."""

from __future__ import annotations

from engine.jobs import QUALITY_JOB
from engine.services.alert_data_quality import alert_data_quality
from engine.services.queue_daily_quality import queue_daily_quality
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.job import Job
from tests.engine.privacy import take_in, view
from tests.webhooks import make_webhook, told


def look(environment: Environment) -> None:
    with in_environment(environment):
        alert_data_quality(environment=environment)


def test_an_alert_names_what_is_wrong_how_much_of_it_and_the_way_out(acorn: Environment) -> None:
    make_webhook(acorn)
    take_in(acorn, *(view(number, user_id="ada", item_id="nowhere") for number in range(3)))
    look(acorn)
    ((event_type, data),) = told(acorn)
    by_code = {each["code"]: each for each in data["findings"]}
    assert event_type == "data_quality.alert"
    assert (by_code["unknown_items"]["count"], by_code["unknown_items"]["share"]) == (3, 1.0)
    assert all(set(each) == {"code", "count", "share", "of", "detail"} for each in data["findings"])


def test_where_nothing_is_wrong_nothing_is_said(acorn: Environment) -> None:
    make_webhook(acorn)
    look(acorn)
    assert told(acorn) == []


def test_only_stores_with_a_webhook_for_it_are_looked_at_once_a_day(
    acorn: Environment, birch: Environment
) -> None:
    make_webhook(acorn)
    make_webhook(birch, "feed.failed")
    assert [queue_daily_quality(), queue_daily_quality()] == [1, 0]
    with on_platform():
        assert Job.objects.get(kind=QUALITY_JOB).environment_id == acorn.pk
