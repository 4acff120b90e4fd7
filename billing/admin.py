"""What staff see of billing: rows to read, and deeds that ask for a reason and call services."""

from __future__ import annotations

from django.contrib import admin

from billing.admin_invoices import InvoiceRecordAdmin
from billing.admin_plans import CreditAdmin, PlanAdmin, SubscriptionAdmin
from billing.admin_usage import (
    StripeEventAdmin,
    UsageAdjustmentAdmin,
    UsageBucketAdmin,
    UsageReportAdmin,
    UsageShipperAdmin,
    UsageSourceAdmin,
)
from billing.models.adjustment import UsageAdjustment
from billing.models.credit import Credit
from billing.models.invoice_record import InvoiceRecord
from billing.models.plan import Plan
from billing.models.stripe_event import StripeEvent
from billing.models.subscription import Subscription
from billing.models.usage import UsageBucket, UsageShipper, UsageSource
from billing.models.usage_report import UsageReport

admin.site.register(Plan, PlanAdmin)
admin.site.register(Subscription, SubscriptionAdmin)
admin.site.register(InvoiceRecord, InvoiceRecordAdmin)
admin.site.register(Credit, CreditAdmin)
admin.site.register(UsageBucket, UsageBucketAdmin)
admin.site.register(UsageReport, UsageReportAdmin)
admin.site.register(UsageAdjustment, UsageAdjustmentAdmin)
admin.site.register(UsageSource, UsageSourceAdmin)
admin.site.register(UsageShipper, UsageShipperAdmin)
admin.site.register(StripeEvent, StripeEventAdmin)
