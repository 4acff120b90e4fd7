"""allauth's forms in our words."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm, ResetPasswordForm


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


def name_email(field: Any) -> None:
    """Say "E-mail" as everywhere, beside the field alone."""
    field.label = "E-mail"
    field.widget.attrs.pop("placeholder", None)
