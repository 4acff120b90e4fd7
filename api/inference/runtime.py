"""What a serving process holds and runs beside its event loop, with an explicit start and stop."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping

import structlog

from api.inference.catalogue_reader import CatalogueReader
from api.inference.control import Control
from api.inference.credentials import Credentials
from api.inference.model_store import ModelStore
from api.inference.page_rates import PageRates
from api.inference.recent_events import TIMEOUT_SECONDS, RecentEvents
from api.inference.redis_pipe import RedisPipe
from api.inference.repeats import Repeats
from api.inference.scans import Scans
from api.inference.shelves import Shelves
from api.inference.trend_files import TrendFiles
from api.inference.turns import Turns
from billing.metering.labels import Labels
from billing.metering.quota import Quotas
from billing.metering.quota_rounds import QuotaRounds
from billing.metering.usage_log import UsageLog
from saas.lib.config import Config
from saas.lib.management_server import Check
from saas.lib.plan_rates import PlanRates
from saas.lib.rate_limit import PAGE_RATE
from tenants.tokens import VerifyingKeys

_log = structlog.get_logger()


class Runtime:
    """The parts of serving: started before the first call, stopped after the last.

    The standalone process starts it in its lifespan, the composed one by hand.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self.control = Control(
            database_url=config.database_url,
            cache=config.control_cache,
            on_change=lambda: self.shelves.wake(),
        )
        self.credentials = Credentials(
            control=self.control,
            verifying_keys=VerifyingKeys.from_pem(config.jwt_verifying_keys),
        )
        self.shelves = Shelves(
            snapshot=lambda: self.control.snapshot,
            models=ModelStore(config.artifacts),
            trends=TrendFiles(config.artifacts),
            reader=CatalogueReader(config.database_url),
        )
        self.redis = RedisPipe(config.redis_url, patience=TIMEOUT_SECONDS)
        self.recent_events = RecentEvents(self.redis)
        self.page_rates = PageRates(self.redis, PAGE_RATE)
        self.plan_rates = PlanRates("recommend")
        self.repeats = Repeats(self.redis)
        self.turns = Turns()
        self.scans = Scans()
        self.labels = Labels(config.database_url)
        self.quotas = Quotas()
        self.usage_log = UsageLog(config.usage_log, platform.node() or "localhost")
        self.quota_rounds = QuotaRounds(
            self.quotas,
            redis_url=config.redis_url,
            database_url=config.database_url,
            log_name=lambda: self.usage_log.name,
        )

    def start(self) -> None:
        """Read the control snapshot and start the threads."""
        self.control.start()
        self.shelves.start()
        self.labels.start()
        self.quota_rounds.start()
        _log.info("inference_started", seq=self.control.snapshot.seq)

    async def stop(self) -> None:
        """Stop the threads, close what is open, and bring the usage log to the disk."""
        self.shelves.stop()
        self.control.stop()
        self.scans.close()
        self.recent_events.close()
        self.quota_rounds.stop()
        self.labels.stop()
        self.usage_log.close()
        _log.info("inference_stopped")

    def checks(self) -> Mapping[str, Check]:
        """Return what must hold for this process to answer; PostgreSQL and Redis need not."""
        return {"control": self._check_control, "usage_log": self._check_usage_log}

    def _check_control(self) -> str | None:
        if self.control.is_known:
            return None
        return "No control snapshot yet: PostgreSQL has not answered and there is none on disk."

    def _check_usage_log(self) -> str | None:
        folder = self._config.usage_log
        return None if os.access(folder, os.W_OK) else f"The usage log '{folder}' is not writable."
