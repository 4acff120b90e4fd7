from __future__ import annotations

import subprocess
import sys


def test_ranking_from_an_artifact_loads_neither_lightfm_nor_a_framework() -> None:
    code = (
        "import sys, engine.core.artifact, engine.core.ranking\n"
        "print(sorted({'lightfm', 'sklearn', 'django', 'celery'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
