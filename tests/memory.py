"""The most memory that a process has had, for tests and for the programs that they start."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
IMPORT = f"import sys; sys.path.append({str(Path(__file__).parent)!r}); from memory import peak"


def peak() -> int:
    """The most memory of this process in bytes; on Linux without what the one that started it had before, as
    ``ru_maxrss`` would."""
    if not STATUS.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
