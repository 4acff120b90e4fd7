"""People who log in: members of tenants, and platform staff."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models, transaction
from typing_extensions import override

from tenants.models.tenant import Tenant


class PersonManager(BaseUserManager["Person"]):
    """Makes people; an address is kept in one form so that it can be found again."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> Person:
        """Make a person who can log in; whoever calls this vouches for the address."""
        # allauth's models need this one.
        from allauth.account.models import EmailAddress

        person = self.model(email=self.normalize_email(email).lower(), **fields)
        person.set_password(password)
        with transaction.atomic(using=self._db):
            person.save(using=self._db)
            EmailAddress.objects.create(
                user=person, email=person.email, primary=True, verified=True
            )
        return person

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> Person:
        """Make a member of platform staff."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class Person(AbstractBaseUser, PermissionsMixin):
    """Somebody who logs in with an e-mail address (a shop's shoppers are not people here)."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[PersonManager] = PersonManager()

    USERNAME_FIELD = "email"

    @override
    def __str__(self) -> str:
        return self.email


class Member(models.Model):
    """A person's role at one tenant."""

    class Role(models.TextChoices):
        """What a member may see and do in the portal."""

        OWNER = "owner"
        ADMIN = "admin"
        ANALYST = "analyst"
        DEVELOPER = "developer"
        FINANCE = "finance"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="memberships")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="members")
    role = models.CharField(max_length=16, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "tenant"], name="member_once"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.person_id} is {self.role} of {self.tenant_id}"
