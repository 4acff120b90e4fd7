"""The names of the jobs that tenants runs: what rows, messages and tasks have in common."""

from __future__ import annotations

WEBHOOK_JOB = "tenants.webhook_tasks.deliver_webhook"
