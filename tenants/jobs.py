"""The names of the jobs that tenants runs: what rows, messages and tasks have in common."""

from __future__ import annotations

WEBHOOK_JOB = "tenants.webhook_tasks.deliver_webhook"
INVITATION_JOB = "tenants.mail_tasks.mail_invitation"
MAIL_JOB = "tenants.mail_tasks.deliver_mail"
STORE_JOB = "saas.lifecycle.tasks.make_store"
DELETION_JOB = "saas.lifecycle.tasks.delete_tenant"
STORE_EXPORT_JOB = "saas.lifecycle.tasks.export_store"

# Of the kinds that have no other.
DEFAULT_QUEUE = "default"
