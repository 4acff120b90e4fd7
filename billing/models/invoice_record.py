"""What staff see of all stores' invoices at once; Stripe's are the invoices."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override

from tenants.models.tenant import Tenant


class InvoiceRecord(models.Model):
    """An invoice as Stripe had it when it last told us of it, without its lines."""

    class Status(models.TextChoices):
        """Stripe's own; a draft that Stripe has dropped is deleted."""

        DRAFT = "draft"
        OPEN = "open"
        PAID = "paid"
        UNCOLLECTIBLE = "uncollectible"
        VOID = "void"
        DELETED = "deleted"

    id = models.CharField(max_length=255, primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=255, blank=True)
    status = models.CharField(max_length=16, choices=Status)
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    due_minor = models.BigIntegerField()
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    created_at = models.DateTimeField()
    url = models.TextField(blank=True, help_text="Stripe's page of it.")
    mirrored_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "invoice"
        indexes: ClassVar = [models.Index(fields=["-created_at"], name="billing_invoice_newest")]

    @override
    def __str__(self) -> str:
        return self.number or self.id
