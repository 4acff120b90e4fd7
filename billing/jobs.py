"""The names of the jobs that billing runs: what rows, messages and tasks have in common."""

from __future__ import annotations

APPLY_EVENT_JOB = "billing.tasks.apply_stripe_event"
CREDIT_JOB = "billing.tasks.send_credit"
MIRROR_PLANS_JOB = "billing.tasks.mirror_plans"
PAYMENT_REMINDER_JOB = "billing.tasks.mail_payment_reminder"
RECONCILE_JOB = "billing.tasks.reconcile_usage"
RESYNC_JOB = "billing.tasks.resync_stripe"
SEND_USAGE_JOB = "billing.tasks.send_usage_reports"
USAGE_ALERT_JOB = "billing.tasks.mail_usage_alert"
