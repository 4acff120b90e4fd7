"""The worker's ear: what it is told through Redis, and what happens when Redis dies."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path

from kombu import Connection, Producer, Queue

from saas.celery import broker_url
from saas.embedded.valkey import EmbeddedValkey


def test_a_message_that_could_not_be_acknowledged_keeps_no_worker_from_the_next(
    tmp_path: Path,
) -> None:
    with EmbeddedValkey(folder=tmp_path / "valkey") as valkey:
        valkey.start()
        with Connection(broker_url(valkey.url)) as connection, connection.channel() as channel:
            queue = Queue("jobs")(channel)
            queue.declare()
            Producer(channel).publish("a job", routing_key="jobs")
            channel.basic_qos(0, 1, False)
            message = queue.get()
            assert not channel.qos.can_consume()
            assert valkey.pid is not None
            os.kill(valkey.pid, signal.SIGKILL)
            message.ack_log_error(logging.getLogger(), connection.connection_errors)
            assert channel.qos.can_consume()
