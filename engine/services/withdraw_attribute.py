"""Takes back what was said of an attribute: it is again what its values look like."""

from __future__ import annotations

from engine.models.attribute import Attribute
from engine.services.catalogue_clock import lock_clock, move_clock
from saas.lib.errors import NotFound
from tenants.models.environment import Environment
from tenants.services.record_audit import record_audit


def withdraw_attribute(*, environment: Environment, name: str, actor: str) -> None:
    """Withdraw a declaration; call inside the environment.

    Parameters
    ----------
    environment
        Whose items have the attribute; they keep its values.
    name
        The attribute's.
    actor
        Who asks, for the audit log.

    Raises
    ------
    NotFound
        It is not declared.
    """
    change_seq = lock_clock(environment_id=environment.pk)
    row = Attribute.objects.filter(pk=name).first()
    if row is None:
        raise NotFound(f"The attribute '{name}' is not declared; GET /v1/attributes lists them.")
    row.delete()
    if row.public or not row.filterable:
        move_clock(environment_id=environment.pk, change_seq=change_seq, has_new_attributes=True)
    record_audit(
        tenant_id=environment.tenant_id,
        actor=actor,
        action="attribute_withdrawn",
        object=f"attribute:{name}",
    )
