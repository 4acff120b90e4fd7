"""The last steps of a sign-up: the store is being made, and its first key is handed over."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from saas.portal.snippets import hand_over_key
from tenants.models.environment import Environment
from tenants.models.sign_up import SignUp
from tenants.selectors.sign_ups import sign_up_of
from tenants.services.create_first_key import create_first_key
from tenants.services.request_store import start_sign_up


@login_required(login_url="login")
def sign_up_progress(request: HttpRequest) -> HttpResponse:
    """Show how far the store is; alone, as a part of the page that looks again."""
    sign_up = _own(request)
    if sign_up.state == SignUp.State.UNCONFIRMED:
        # Only who has confirmed the address is here: what started it then has died on the way.
        start_sign_up(person_id=cast(int, sign_up.person_id))
        sign_up = _own(request)
    part = request.htmx  # type: ignore[attr-defined]
    template = "portal/sign_up/progress.html" if part else "portal/sign_up.html"
    context = {
        "sign_up": sign_up,
        "is_working": sign_up.state not in {SignUp.State.DONE, SignUp.State.FAILED},
        "percent": round(sign_up.progress * 100),
    }
    return render(request, template, context)


@login_required(login_url="login")
@require_POST
def make_first_key(request: HttpRequest) -> HttpResponse:
    """Hand the first test key to Get started, which shows it once; later, just go there."""
    sign_up = _own(request)
    if sign_up.tenant is None or sign_up.state != SignUp.State.DONE:
        return redirect("sign-up-progress")
    key = create_first_key(sign_up=sign_up)
    if key is not None:
        hand_over_key(request.session, slug=sign_up.tenant.slug, key=key)
    # Not by name: the store's pages have routes of their own.
    return redirect(f"/stores/{sign_up.tenant.slug}/{Environment.Kind.TEST}/get-started/")


def _own(request: HttpRequest) -> SignUp:
    sign_up = sign_up_of(person_id=cast(int, request.user.pk))
    if sign_up is None:
        raise Http404("This person has not signed up for a store.")
    return sign_up
