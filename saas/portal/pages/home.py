"""Where a person arrives after log-in: at the own store, or at the choice of one's stores."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from tenants.selectors.membership import stores_of
from tenants.selectors.sign_ups import sign_up_of


@login_required(login_url="login")
def home(request: HttpRequest) -> HttpResponse:
    """Go to the only store, or show them all."""
    stores = stores_of(person_id=cast(int, request.user.pk))
    if not stores and sign_up_of(person_id=cast(int, request.user.pk)) is not None:
        return redirect("sign-up-progress")
    if not stores:
        return render(request, "portal/no_store.html", status=403)
    if len(stores) == 1:
        return redirect(f"/stores/{stores[0].slug}/")
    return render(request, "portal/stores.html", {"stores": stores})
