"""Says that an anonymous visitor is a user from now on."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from engine.services.link_identities import link_identities
from engine.services.publish_events import publish_merges
from engine.services.refuse_erased import hold_off_erasures
from tenants.models.environment import Environment

_ENSURE = """
    INSERT INTO engine_shopper
        (kind, external_id, attributes, personalise, created_at, updated_at, change_seq)
    SELECT sent.kind, sent.external_id, '{}', true, %s, %s, 0
    FROM (VALUES ('anonymous', %s), ('user', %s)) AS sent (kind, external_id)
    WHERE (
        SELECT true FROM engine_shopper AS known
        WHERE known.kind = sent.kind AND known.external_id = sent.external_id
    ) IS NULL
    ORDER BY sent.kind, sent.external_id
    ON CONFLICT DO NOTHING
"""


def merge_users(
    *, environment: Environment, anonymous_id: str, user_id: str, now: datetime
) -> bool:
    """Merge a visitor into a user, inside `in_environment`; saying so again changes nothing.

    Parameters
    ----------
    environment
        Whose shoppers.
    anonymous_id, user_id
        Who turned out to be whom; shoppers that nobody has seen are created.
    now
        What came before belongs to the user whom the visitor was merged with before, if any.

    Returns
    -------
    bool
        Whether they were not merged yet.
    """
    hold_off_erasures(environment)
    with connection.cursor() as cursor:
        cursor.execute(_ENSURE, [now, now, anonymous_id, user_id])
    links = link_identities(environment_id=environment.pk, sightings=[(anonymous_id, user_id, now)])
    if links:
        transaction.on_commit(lambda: publish_merges(environment_id=environment.pk, links=links))
    return bool(links)
