"""Where the link of an invitation leads: who was invited joins, with an account or a new one."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth import login, password_validation
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from saas.lib.errors import ShelfwiseError
from saas.portal.account_forms import PASSWORD_HINT
from tenants.models.invitation import Invitation
from tenants.models.person import Person
from tenants.selectors.invitations import invitation_of
from tenants.services.accept_invitation import accept_invitation


class NewAccountForm(forms.Form):
    """What a person without an account chooses."""

    password = forms.CharField(
        label="Choose a password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=PASSWORD_HINT,
    )

    def clean_password(self) -> str:
        """Refuse what is guessed first."""
        password = str(self.cleaned_data["password"])
        password_validation.validate_password(password)
        return password


def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Let the person join who was invited, and nobody else."""
    invited = invitation_of(token=token)
    if invited is None:
        return render(request, "portal/invitation/ended.html", status=404)
    if request.user.is_authenticated:
        return _of_person(request, invited, token)
    if Person.objects.filter(email=invited.email).exists():
        # The address alone is no log-in: who reads another's mail does not get the account.
        return _page(request, invited, has_account=True)
    return _of_stranger(request, invited, token)


def _of_person(request: HttpRequest, invited: Invitation, token: str) -> HttpResponse:
    person = cast(Person, request.user)
    if request.method != "POST" or person.email != invited.email:
        status = 200 if person.email == invited.email else 403
        return _page(request, invited, status=status)
    return _join(request, token, person)


def _of_stranger(request: HttpRequest, invited: Invitation, token: str) -> HttpResponse:
    form = NewAccountForm(request.POST or None)
    if not form.is_valid():
        return _page(request, invited, form=form)
    with transaction.atomic():
        # The link came by mail, so the address is the person's.
        person = Person.objects.create_user(invited.email, form.cleaned_data["password"])
        answer = _join(request, token, person)
    login(request, person)
    return answer


def _join(request: HttpRequest, token: str, person: Person) -> HttpResponse:
    try:
        joined = accept_invitation(token=token, person=person)
    except ShelfwiseError as error:
        messages.error(request, error.detail)
        return redirect("home")
    messages.success(request, f"You are {joined.role} of {joined.tenant.name} now.")
    # Not by name: the store's pages have routes of their own.
    return redirect(f"/stores/{joined.tenant.slug}/")


def _page(
    request: HttpRequest, invited: Invitation, *, status: int = 200, **more: Any
) -> HttpResponse:
    context = {"invited": invited, **more}
    return render(request, "portal/invitation.html", context, status=status)
