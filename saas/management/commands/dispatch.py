"""Runs the dispatcher: hands due jobs to the workers and keeps the platform's clock."""

from __future__ import annotations

import signal
import threading
from typing import Any, Protocol

import structlog
from django.core.management.base import BaseCommand
from typing_extensions import override

from billing.services.apply_due_entitlements import apply_due_entitlements
from billing.services.purge_stripe_events import purge_stripe_events
from billing.services.queue_billing import close_ended_hours, measure_outbox, queue_billing
from billing.services.remind_of_payments import remind_of_payments
from billing.services.roll_up_calls import roll_up_calls, roll_up_late_calls
from billing.services.warn_of_usage import warn_of_usage
from billing.services.watch_shippers import watch_shippers
from engine.services.import_uploads import remove_old_uploads
from engine.services.queue_daily_quality import queue_daily_quality
from engine.services.queue_daily_retention import queue_daily_retention
from engine.services.queue_daily_trainings import queue_daily_trainings
from engine.services.queue_due_feeds import queue_due_feeds
from engine.services.queue_due_updates import queue_due_updates
from engine.services.queue_refills import queue_refills
from engine.services.queue_roll_ups import queue_roll_ups
from engine.services.queue_trends import queue_trends
from engine.services.replace_outdated_models import replace_outdated_models
from engine.services.start_first_trainings import start_first_trainings
from saas.celery import QUEUES, publish, waiting_messages
from saas.lib.config import config
from saas.lib.download_links import remove_old_downloads
from saas.lib.logs import configure_logging
from saas.lib.management_server import serve_management
from saas.lib.reachability import redis_answers
from tenants.dispatcher import Dispatcher, Periodic
from tenants.services.expire_idempotency_records import expire_idempotency_records
from tenants.services.expire_sessions import expire_sessions
from tenants.services.forget_unconfirmed import forget_unconfirmed
from tenants.services.open_staff_visit import end_staff_visits
from tenants.services.purge_finished_jobs import purge_finished_jobs
from tenants.services.purge_webhook_deliveries import purge_webhook_deliveries

log = structlog.get_logger()

# A few queries of about a millisecond each: at 10 s a thousand stores are seen in 8 minutes.
ENVIRONMENTS_LOOKED_AT = 20


class Command(BaseCommand):
    """One process; a second one beside it does no harm."""

    help = "Publishes due jobs to the workers, brings lost ones back, and queues periodic work."
    # They are for who deploys (`make check`), and would load every page and the staff console.
    requires_system_checks = ()

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        configure_logging("dispatcher")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        dispatcher = Dispatcher(
            database_url=config().database_url,
            publish=publish,
            waiting=waiting_messages,
            queues=QUEUES,
            clock=[
                Periodic("due entitlements", 5, apply_due_entitlements),
                Periodic("usage alerts", 5, _Round(warn_of_usage)),
                Periodic("late payments", 60, remind_of_payments),
                Periodic("usage shippers", 15, watch_shippers),
                Periodic("daily trainings", 60, queue_daily_trainings),
                Periodic("daily retention", 60, queue_daily_retention),
                Periodic("daily data quality", 60, queue_daily_quality),
                Periodic("first trainings", 10, _Round(start_first_trainings)),
                Periodic("due updates", 10, _Round(queue_due_updates)),
                Periodic("outdated models", 10, _Round(replace_outdated_models)),
                Periodic("refills", 5, queue_refills),
                Periodic("trends", 10, queue_trends),
                Periodic("roll-ups", 30, queue_roll_ups),
                Periodic("calls by day", 30, roll_up_calls),
                Periodic("late calls by day", 3600, roll_up_late_calls),
                Periodic("due feeds", 10, queue_due_feeds),
                Periodic("old uploads", 3600, remove_old_uploads),
                Periodic("old downloads", 3600, remove_old_downloads),
                Periodic("ended hours", 60, close_ended_hours),
                Periodic("billing", 5, queue_billing),
                Periodic("usage outbox", 15, measure_outbox),
                Periodic("stripe events", 600, purge_stripe_events),
                Periodic("idempotency records", 60, expire_idempotency_records),
                Periodic("sessions", 3600, expire_sessions),
                Periodic("unconfirmed sign-ups", 3600, forget_unconfirmed),
                Periodic("staff visits", 60, end_staff_visits),
                Periodic("finished jobs", 600, purge_finished_jobs),
                Periodic("webhook deliveries", 600, purge_webhook_deliveries),
            ],
        )
        serve_management(
            config().management_port,
            {"dispatcher": dispatcher.is_stuck, "redis": redis_answers(config().redis_url)},
        )
        log.info("dispatcher_ready")
        dispatcher.run(stop)
        log.info("dispatcher_stopped")


class _Look(Protocol):
    def __call__(self, *, after_id: int, most: int) -> int: ...


class _Round:
    """Goes round environments, some at each call."""

    def __init__(self, look: _Look) -> None:
        self._look = look
        self._after_id = 0

    def __call__(self) -> None:
        self._after_id = self._look(after_id=self._after_id, most=ENVIRONMENTS_LOOKED_AT)
