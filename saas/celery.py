"""The Celery application: it executes jobs, it remembers nothing."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

import structlog
from celery import Celery, signals
from celery.worker import state
from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from billing.jobs import RECONCILE_JOB, RESYNC_JOB, SEND_USAGE_JOB
from engine.jobs import EXPORT_JOB, FEED_JOB, IMPORT_JOB, TRAINING_JOB, UPDATE_JOB
from saas.broker import mend_broker
from saas.lib.config import config
from saas.lib.logs import configure_logging
from saas.lib.management_server import serve_management
from saas.lib.reachability import postgres_answers, redis_answers
from saas.lib.redis_client import redis_client
from tenants.jobs import (
    DEFAULT_QUEUE,
    DELETION_JOB,
    INVITATION_JOB,
    MAIL_JOB,
    STORE_EXPORT_JOB,
    STORE_JOB,
)

# Read by OpenMP and the BLAS libraries when numpy loads, which the tasks' modules do later.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[_variable] = str(config().training_threads)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")

log = structlog.get_logger()

# A training aims at its budget of minutes; what takes this long has gone wrong.
TASK_SECONDS = 3600
# A child that has grown beyond this gives its memory back by ending after the task.
KEPT_CHILD_KB = 600_000
_KEY_PREFIX = "sw:celery:"
_LONG_KINDS = (
    *(TRAINING_JOB, UPDATE_JOB, IMPORT_JOB, EXPORT_JOB, FEED_JOB),
    *(SEND_USAGE_JOB, RECONCILE_JOB, RESYNC_JOB, STORE_EXPORT_JOB),
)
# Each queue has a share of the dispatcher of its own, and a worker takes from its queues in turn.
# What takes minutes is apart from the rest, for which a worker with `-Q default,mail` is there; a
# mail that somebody waits for is not behind webhooks that do not answer; and what makes schemas
# needs the owner's login, which the worker with `-Q owner` has, and no other.
QUEUES = {
    **dict.fromkeys(_LONG_KINDS, "long"),
    **dict.fromkeys((MAIL_JOB, INVITATION_JOB), "mail"),
    **dict.fromkeys((STORE_JOB, DELETION_JOB), "owner"),
}


def broker_url(redis_url: str) -> str:
    """Return a Redis URL as Celery writes it: unix sockets have a scheme of their own there.

    >>> broker_url("unix:///run/valkey.sock?db=1")
    'redis+socket:///run/valkey.sock?virtual_host=1'
    >>> broker_url("redis://127.0.0.1:6379/0")
    'redis://127.0.0.1:6379/0'
    """
    if not redis_url.startswith("unix://"):
        return redis_url
    return redis_url.replace("unix://", "redis+socket://", 1).replace("db=", "virtual_host=")


mend_broker()
app = Celery("shelfwise", broker=broker_url(config().redis_url))
app.conf.update(
    # Declared, so that a worker without -Q takes from all but the owner's.
    task_queues={DEFAULT_QUEUE: {}, "mail": {}, "long": {}},
    task_default_queue=DEFAULT_QUEUE,
    task_routes={kind: {"queue": queue} for kind, queue in QUEUES.items()},
    task_ignore_result=True,
    # The job's lease brings a lost message back, so Celery neither keeps nor repeats it.
    task_acks_late=False,
    task_publish_retry=False,
    task_serializer="json",
    accept_content=["json"],
    worker_concurrency=2,
    worker_enable_remote_control=False,
    # A job that waits behind a long one in one worker could run in another.
    worker_disable_prefetch=True,
    worker_prefetch_multiplier=1,
    task_time_limit=TASK_SECONDS,
    task_soft_time_limit=TASK_SECONDS - 60,
    worker_max_tasks_per_child=50,
    worker_max_memory_per_child=KEPT_CHILD_KB,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "global_keyprefix": _KEY_PREFIX,
        "socket_timeout": 10,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
    },
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
)
app.autodiscover_tasks(["engine", "billing", "saas.lifecycle"])
for _module in ("webhook_tasks", "mail_tasks"):
    app.autodiscover_tasks(["tenants"], related_name=_module)


def publish(kind: str, arguments: dict[str, Any]) -> None:
    """Send the message of one job; raises at once where the broker is away."""
    app.send_task(kind, kwargs=arguments)


def waiting_messages() -> dict[str, int]:
    """Return how many messages of each queue no worker has taken."""
    queues = {DEFAULT_QUEUE, *QUEUES.values()}
    return {queue: int(redis_client().llen(f"{_KEY_PREFIX}{queue}")) for queue in queues}


class _WorkerTasks(Collector):
    """What the worker's main process knows of its children's tasks."""

    @override
    def collect(self) -> Iterator[Metric]:
        active = GaugeMetricFamily("shelfwise_worker_active_tasks", "Tasks being run.")
        active.add_metric([], len(state.active_requests))
        yield active
        accepted = CounterMetricFamily(
            "shelfwise_worker_tasks", "Tasks accepted since the start.", labels=["kind"]
        )
        for kind, count in dict(state.total_count).items():
            accepted.add_metric([kind], count)
        yield accepted


_management: list[ThreadingHTTPServer] = []


def _log_as_json(**_: Any) -> None:
    configure_logging("worker")


def _answer_operators(**_: Any) -> None:
    REGISTRY.register(_WorkerTasks())
    server = serve_management(
        config().management_port,
        {
            "postgresql": postgres_answers(config().database_url),
            "redis": redis_answers(config().redis_url),
        },
    )
    if server is not None:
        _management.append(server)
    log.info("worker_ready")


def _limit_child(**_: Any) -> None:
    for server in _management:
        # A child that outlives its parent must not hold the port.
        server.socket.close()
    limit = config().worker_memory_mb * 1024 * 1024
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    except (ValueError, OSError) as error:
        # macOS knows the limit but does not let it be set.
        log.warning("memory_not_limited", error=str(error))


signals.setup_logging.connect(_log_as_json)
signals.worker_ready.connect(_answer_operators)
signals.worker_process_init.connect(_limit_child)
