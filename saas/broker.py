"""Mends Celery's transport over Redis: a worker must not go deaf when Redis dies at a bad moment.

Where the acknowledgement of a message fails, kombu logs it and goes on, and counts the message as
being worked on for ever. A worker that prefetches no more than it runs then asks for nothing again
and never notices that its connection is gone (https://github.com/celery/celery/issues/10302).
"""

from __future__ import annotations

from kombu.transport import redis, virtual
from typing_extensions import override


class QoS(redis.QoS):  # type: ignore[misc]  # Any
    """Counts a message as done although Redis could not be told; a job's row knows better."""

    @override
    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise


def mend_broker() -> None:
    """Have every channel count as above."""
    redis.Channel.QoS = QoS
