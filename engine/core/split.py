"""The temporal split: older events teach, newer ones examine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.dataset import Interactions

TEST_SHARE = 0.20
VALIDATION_SHARE = 0.15


@dataclass(frozen=True)
class Split:
    """Two sides of a moment: every ``earlier`` event is older than every ``later`` one."""

    earlier: Interactions
    later: Interactions


def temporal_split(interactions: Interactions, *, later_share: float) -> Split:
    """Cut by event time so that about the newest ``later_share`` of the lines is later.

    Lines of one second stay together (an order is one moment), on the later side. When all lines
    share one second there is no later: everything is earlier.

    Examples
    --------
    >>> one = np.ones(5)
    >>> lines = Interactions(
    ...     user_index=one.astype(np.int32), item_index=one.astype(np.int32),
    ...     weight=one.astype(np.float32), seconds=np.array([50, 10, 30, 20, 40]),
    ...     is_purchase=one.astype(np.bool_))
    >>> temporal_split(lines, later_share=0.2).later.seconds
    array([50])
    """
    if not len(interactions):
        return Split(earlier=interactions, later=interactions)
    cut = min(len(interactions) - 1, int(len(interactions) * (1 - later_share)))
    boundary = np.partition(interactions.seconds, cut)[cut]
    is_later = interactions.seconds >= boundary
    if is_later.all():
        is_later = np.zeros_like(is_later)
    return Split(earlier=interactions.take(~is_later), later=interactions.take(is_later))
