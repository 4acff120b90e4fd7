"""How many items a store's plan still has room for; asked only by writes that create some."""

from __future__ import annotations

from engine.models.item import Item
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.tenant import Entitlement


class CatalogueRoom:
    """The room of one write, which holds the catalogue's clock: nobody else fills it meanwhile."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._is_known = False
        self._left: int | None = None
        self.limit: int | None = None

    def take(self) -> bool:
        """Take the place of a new item; False where the plan has none left."""
        if not self._is_known:
            self._look()
        if self._left is None:
            return True
        if self._left <= 0:
            return False
        self._left -= 1
        return True

    def _look(self) -> None:
        self._is_known = True
        with on_platform():
            entitlement = Entitlement.objects.filter(pk=self._environment.tenant_id).first()
        self.limit = None if entitlement is None else entitlement.catalogue_items
        if self.limit is not None:
            self._left = self.limit - Item.objects.filter(deleted_at__isnull=True).count()
