"""allauth's forms in our words."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm, ResetPasswordForm, SignupForm
from django import forms
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.http import HttpRequest
from typing_extensions import override

from saas.lib.errors import InvalidParameter
from tenants.models.person import Person
from tenants.services.request_store import LONGEST_NAME, check_store_name, request_store

# What AUTH_PASSWORD_VALIDATORS hold people to.
PASSWORD_HINT = "At least 8 characters, and none that everybody tries first."  # noqa: S105


class LogInForm(LoginForm):  # type: ignore[misc]  # allauth is untyped
    """By what a person logs in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_email(self.fields["login"])
        del self.fields["password"].widget.attrs["placeholder"]
        self.fields["login"].widget.attrs["autofocus"] = True


class ForgottenPasswordForm(ResetPasswordForm):  # type: ignore[misc]  # allauth is untyped
    """Where the link to a new password goes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_email(self.fields["email"])


class SignUpForm(SignupForm):  # type: ignore[misc]  # allauth is untyped
    """Who wants a store, and what people call it."""

    store = forms.CharField(
        label="Name of your store",
        max_length=LONGEST_NAME,
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "organization"}),
    )
    field_order = ("store", "email", "password1")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_email(self.fields["email"])
        del self.fields["password1"].widget.attrs["placeholder"]
        self.fields["password1"].help_text = PASSWORD_HINT

    def clean_store(self) -> str:
        """Refuse what is no name."""
        try:
            return check_store_name(self.cleaned_data["store"])
        except InvalidParameter as error:
            raise forms.ValidationError(error.detail) from None

    @override
    def try_save(self, request: HttpRequest) -> Any:
        """Take as long for an address that has an account as for one that gets one."""
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])
        return super().try_save(request)

    @override
    def save(self, request: HttpRequest) -> Person:
        """Keep the account and what it is for, until the address is confirmed."""
        with transaction.atomic():
            person: Person = super().save(request)
            request_store(
                name=self.cleaned_data["store"], actor=f"person:{person.email}", person=person
            )
        return person


def name_email(field: Any) -> None:
    """Say "E-mail" as everywhere, beside the field alone."""
    field.label = "E-mail"
    field.widget.attrs.pop("placeholder", None)
