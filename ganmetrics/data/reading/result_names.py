"""What file names of pix2pix's and CycleGAN's result folders say of each image: ``1_real_A.png``, ``1_fake_B.png``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

ROLE = re.compile(r".*_((?:real|fake|rec|idt)_[AB])\.\w+", re.DOTALL)
# Names that are looked at before all are.
FIRST = 8


def roles_of(names: Sequence[str]) -> Counter[str]:
    """Count images by the role that their names end in; empty where the first names end in none."""
    if not any(ROLE.fullmatch(name) for name in names[:FIRST]):
        return Counter()
    return Counter(found[1] if (found := ROLE.fullmatch(name)) else "" for name in names)
