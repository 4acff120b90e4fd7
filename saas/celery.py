"""The Celery application: it executes jobs, it remembers nothing."""

from __future__ import annotations

import os

from celery import Celery

from saas.lib.config import config

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")

# A training may use its whole budget twice (search, refit) and still be far from this.
TASK_SECONDS = 3600

app = Celery("shelfwise", broker=config().redis_url)
app.conf.update(
    task_default_queue="default",
    task_routes={"engine.tasks.train_model": {"queue": "training"}},
    task_ignore_result=True,
    # The job's lease brings a lost message back, so Celery neither keeps nor repeats it.
    task_acks_late=False,
    task_serializer="json",
    accept_content=["json"],
    worker_prefetch_multiplier=1,
    task_time_limit=TASK_SECONDS,
    task_soft_time_limit=TASK_SECONDS - 60,
    worker_max_tasks_per_child=50,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "global_keyprefix": "sw:celery:",
        "socket_timeout": 10,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
    },
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
)
app.autodiscover_tasks(["engine"])
