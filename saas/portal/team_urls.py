"""The routes of a store's team."""

from __future__ import annotations

from django.urls import path

from saas.portal.pages.team import (
    change_member_role,
    invite,
    remove,
    send_again,
    team,
    withdraw,
)

urlpatterns = [
    path("", team, name="team"),
    path("invite/", invite, name="team-invite"),
    path("invitations/<str:invitation_id>/again/", send_again, name="invitation-again"),
    path("invitations/<str:invitation_id>/withdraw/", withdraw, name="invitation-withdraw"),
    path("members/<int:member_id>/role/", change_member_role, name="member-role"),
    path("members/<int:member_id>/remove/", remove, name="member-remove"),
]
