"""What staff can do about a store's life: make it, look at it from inside, let it go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from saas.lib.config import config
from saas.lib.errors import InvalidParameter
from saas.lifecycle.cancel_deletion import cancel_deletion
from saas.lifecycle.request_deletion import request_deletion
from saas.lifecycle.request_store_export import request_store_export
from tenants.deeds import Deed, Elsewhere, ReasonForm
from tenants.models.person import Person
from tenants.models.tenant import Tenant
from tenants.services.open_staff_visit import open_staff_visit
from tenants.services.request_store import LONGEST_NAME, request_store


class StoreForm(ReasonForm):
    """What a new store needs."""

    name = forms.CharField(max_length=LONGEST_NAME, widget=UnfoldAdminTextInputWidget())
    slug = forms.CharField(
        required=False,
        max_length=50,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Names the store in hostnames. Empty: made from the name.",
    )
    owner_email = forms.EmailField(
        widget=UnfoldAdminEmailInputWidget(),
        help_text="Who is invited as the owner, once the store is there.",
    )


class DeletionForm(ReasonForm):
    """The slug once more, so that nobody deletes the neighbour."""

    slug = forms.CharField(
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        label="The store's slug once more",
    )
    wants_export = forms.BooleanField(
        required=False,
        initial=True,
        label="Write an export of everything first",
        widget=UnfoldBooleanSwitchWidget(),
        help_text="The file is on the store's page as soon as it is written.",
    )


def _create(_: object, actor: str, given: Mapping[str, Any]) -> Elsewhere:
    asked = request_store(
        name=given["name"],
        slug=given["slug"],
        owner_email=given["owner_email"],
        actor=actor,
        reason=given["reason"],
    )
    return Elsewhere(reverse("admin:tenants_signup_change", args=[asked.pk]))


def _open(tenant: Tenant, actor: str, given: Mapping[str, Any]) -> Elsewhere:
    staff = Person.objects.get(email=actor.removeprefix("staff:"))
    token = open_staff_visit(staff=staff, tenant_id=tenant.pk, reason=given["reason"])
    return Elsewhere(
        f"{config().portal_url}/stores/{tenant.slug}/staff-visit/{token}/",
        says=f"This link opens {tenant.name} once, within five minutes.",
    )


def _export(tenant: Tenant, actor: str, given: Mapping[str, Any]) -> str:
    request_store_export(slug=tenant.slug, actor=actor, reason=given["reason"])
    return f"An export of {tenant.name} is being written; it will be on this page for three days."


def _delete(tenant: Tenant, actor: str, given: Mapping[str, Any]) -> str:
    if given["slug"] != tenant.slug:
        raise InvalidParameter(
            f"'{given['slug'][:50]}' is not this store; it is '{tenant.slug}'.", pointer="/slug"
        )
    if given["wants_export"]:
        request_store_export(slug=tenant.slug, actor=actor, reason=given["reason"])
    due = request_deletion(slug=tenant.slug, actor=actor, reason=given["reason"])
    return f"{tenant.name} will be deleted at {due:%Y-%m-%d %H:%M} UTC; until then it can be kept."


def _keep(tenant: Tenant, actor: str, given: Mapping[str, Any]) -> str:
    cancel_deletion(slug=tenant.slug, actor=actor, reason=given["reason"])
    return f"{tenant.name} is kept."


def _is_there(tenant: Tenant) -> bool:
    return tenant.status != Tenant.Status.DELETED


def _is_going(tenant: Any) -> bool:
    return _is_there(tenant) and tenant.deletion_due is not None


CREATE = Deed(
    name="create",
    title="Create a store",
    says="Makes a store with a live and a test environment, a sample in the latter and the free "
    "plan, and invites its owner. The next page shows how far it is.",
    do=_create,
    form=StoreForm,
)
VISIT = Deed(
    name="open",
    title="Open as tenant",
    says="Opens the store's pages in the portal for 30 minutes, by a link that works once. A "
    "banner says so on each page, the store's audit log has your name and reason, and keys and "
    "billing stay shut.",
    do=_open,
    is_offered=_is_there,
)
LIFE_DEEDS = (
    Deed(
        name="export",
        title="Export everything",
        says="Writes all tables of both environments to a zip file, one CSV for each.",
        do=_export,
        is_offered=_is_there,
    ),
    Deed(
        name="delete",
        title="Delete",
        says="In seven days the store's schemas, keys, models and files go for good; the usage "
        "ledger and the audit log stay. Until then it is answered as ever and can be kept.",
        do=_delete,
        form=DeletionForm,
        is_offered=lambda tenant: _is_there(tenant) and not _is_going(tenant),
        is_dangerous=True,
    ),
    Deed(
        name="keep",
        title="Keep after all",
        says="Takes the request for deletion back.",
        do=_keep,
        is_offered=_is_going,
    ),
)
