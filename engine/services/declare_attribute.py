"""Says what an attribute of items is and who may see it; answers follow within two seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from engine.models.attribute import Attribute
from engine.rows.item_attributes import MAX_NAME_CHARACTERS
from engine.selectors.attributes import inferred_type
from engine.services.catalogue_clock import lock_clock, move_clock
from saas.lib.errors import Conflict, InvalidParameter
from tenants.models.environment import Environment
from tenants.selectors.settings import settings
from tenants.services.record_audit import record_audit

MAX_DECLARED = 200
_MEMBERS = ("type", "filterable", "learn", "public")


def declare_attribute(
    *, environment: Environment, name: str, members: Mapping[str, Any], actor: str
) -> bool:
    """Declare an attribute, or change its declaration; call inside the environment.

    Parameters
    ----------
    environment
        Whose items have it.
    name
        The attribute's.
    members
        What is said of it: `type`, `filterable`, `learn`, `public`. What is left out stays as it
        is; at first the type is that of the values in the catalogue.
    actor
        Who says so, for the audit log.

    Returns
    -------
    bool
        Whether it was declared for the first time.

    Raises
    ------
    InvalidParameter
        The name is too long, or the type is neither said nor to be seen in the catalogue.
    Conflict
        As many are declared as may be, or a placement's filter needs it.
    """
    if len(name) > MAX_NAME_CHARACTERS:
        raise InvalidParameter(
            f"The attribute's name has {len(name)} characters; {MAX_NAME_CHARACTERS} are allowed.",
            pointer="/name",
        )
    # Also keeps two declarations from passing the limit together.
    change_seq = lock_clock(environment_id=environment.pk)
    row = Attribute.objects.filter(pk=name).first()
    before = {} if row is None else {member: getattr(row, member) for member in _MEMBERS}
    if row is None:
        _check_number()
        row = Attribute(name=name, type=_first_type(name, members))
    before_serving = (row.public, row.filterable)
    for member, value in members.items():
        setattr(row, member, value)
    after = {member: getattr(row, member) for member in _MEMBERS}
    if before == after:
        return False
    if not row.filterable:
        _check_placements(environment, name)
    row.save()
    if (row.public, row.filterable) != before_serving:
        move_clock(environment_id=environment.pk, change_seq=change_seq, has_new_attributes=True)
    record_audit(
        tenant_id=environment.tenant_id,
        actor=actor,
        action="attribute_declared",
        object=f"attribute:{name}",
        before=before,
        after=after,
    )
    return not before


def _check_number() -> None:
    declared = Attribute.objects.count()
    if declared >= MAX_DECLARED:
        raise Conflict(
            f"{declared} attributes are declared, and {MAX_DECLARED} are allowed; "
            "withdraw one with DELETE /v1/attributes/{name}."
        )


def _check_placements(environment: Environment, name: str) -> None:
    field = orjson.dumps(f"attributes.{name}")
    for placement, defaults in settings(environment_id=environment.pk)["placements"].items():
        if field in orjson.dumps(defaults):
            raise Conflict(
                f"The defaults of the placement '{placement}' filter by 'attributes.{name}'; "
                "change them with PUT /v1/settings, then declare it not filterable."
            )


def _first_type(name: str, members: Mapping[str, Any]) -> str:
    type_ = members.get("type") or inferred_type(name)
    if type_ is None:
        raise InvalidParameter(
            f"No item has the attribute '{name}' yet, so send its type: "
            f"{' or '.join(repr(each) for each in Attribute.Type.values)}.",
            pointer="/type",
        )
    return str(type_)
