"""The names of the jobs that engine runs: what rows, messages and tasks have in common."""

from __future__ import annotations

TRAINING_JOB = "engine.tasks.train_model"
UPDATE_JOB = "engine.tasks.update_model"
TRAIN_IF_CHANGED_JOB = "engine.tasks.train_if_changed"
IMPORT_JOB = "engine.tasks.run_import"
EXPIRE_IMPORT_JOB = "engine.tasks.expire_import"
EXPORT_JOB = "engine.tasks.run_export"
FEED_JOB = "engine.tasks.run_feed"
ERASURE_JOB = "engine.tasks.erase_traces"
PERSONAL_EXPORT_JOB = "engine.tasks.write_personal_data"
RETIREMENT_JOB = "engine.tasks.retire_models"
RETENTION_JOB = "engine.tasks.expire_events"
REFILL_JOB = "engine.tasks.refill_recent_events"
QUALITY_JOB = "engine.tasks.watch_data_quality"
TRENDS_JOB = "engine.tasks.refresh_trends"
ROLL_UP_JOB = "engine.tasks.roll_up_environment"
