"""Builds kernel.c into a library beside the packages; where that fails, numpy does its work.

Runs before anything is installed, on Python's standard library alone: the set-up calls it.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("kernel.c")
_FLAGS = ("-O3", "-std=gnu11", "-fopenmp-simd", "-fvisibility=hidden", "-fPIC", "-shared")
_PREFIX = "shelfwise-kernel-"


def library_path(environment: Path = Path(sys.prefix)) -> Path:
    """Return where the library of this very source lies in an environment, built or not."""
    digest = hashlib.sha256(SOURCE.read_bytes() + " ".join(_FLAGS).encode()).hexdigest()
    return environment / "lib" / f"{_PREFIX}{digest[:16]}.so"


def build_library(compiler: str, *, environment: Path) -> str | None:
    """Compile the kernel into an environment and return None, or what the compiler says."""
    path = library_path(environment)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            made = str(Path(folder) / path.name)
            command = [*compiler.split(), *_FLAGS, str(SOURCE), "-o", made, "-lm"]
            subprocess.run(command, check=True, capture_output=True, text=True)
            # Whole or not at all, and those who have the old one open keep it.
            Path(made).replace(path)
        for other in path.parent.glob(f"{_PREFIX}*.so"):
            if other != path:
                other.unlink()
    except subprocess.CalledProcessError as error:
        return str(error.stderr)
    except OSError as error:
        return str(error)
    return None
