from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from saas.lib.process_start import starting

_SET_UP = """
import gc, sys
from saas.lib.process_start import starting
with starting():
    import django
    print(gc.isenabled(), gc.get_freeze_count())
    django.setup()
print(gc.isenabled(), gc.get_freeze_count() > 10_000)
unneeded = {"celery", "sentry_sdk", "rich", "numpy"}
print(sorted(unneeded & {name.partition(".")[0] for name in sys.modules}))
import rich.console
"""


def test_setting_django_up_loads_nothing_that_only_some_processes_need() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SET_UP], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["False 0", "True True", "[]"]


def test_a_start_that_fails_leaves_the_collector_on_and_every_module_importable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "rich", raising=False)
    with pytest.raises(ModuleNotFoundError), starting():
        import rich  # noqa: F401
    assert gc.isenabled()
    assert "rich" not in sys.modules
