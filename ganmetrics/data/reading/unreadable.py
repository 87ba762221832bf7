"""What becomes of unreadable images: ``loading.read_placed`` leaves them out if asked to, or else refuses them all.

One that cannot be read is an ``Unreadable`` where it is decoded, and a ``Fault`` among the images of its part.
"""

from __future__ import annotations

from collections.abc import Sequence

from ganmetrics.errors import InputError

# Images that a refusal names, of those that keep a set from being read, and where none can be read.
NUM_LISTED, NUM_OF_ALL = 10, 3


class Unreadable(Exception):
    """One image that cannot be read; its text says why and completes the sentence that begins with the name.

    ``fix`` says what to do, where that is anything but to repair or remove it.
    """

    def __init__(self, text: str, fix: str = "") -> None:
        super().__init__(text)
        self.fix = fix


class Fault(str):
    """The line about an image that cannot be read, and what to do about it where it need not be repaired or removed."""

    def __new__(cls, text: str, fix: str = "") -> Fault:
        line = super().__new__(cls, text)
        line.fix = fix
        return line

    fix: str


def refusal_of(unreadable: Sequence[str], num_read: int, where: str) -> InputError:
    """Return the error that names corrupt images, the first of many, and says what to do about them."""
    most = NUM_LISTED if num_read else NUM_OF_ALL
    listed = "; ".join(unreadable[:most])
    more = f"; and {len(unreadable) - most} more" if len(unreadable) > most else ""
    what = f"{len(unreadable)} of {len(unreadable) + num_read} images cannot be read: {listed}{more}"
    fixes = list(dict.fromkeys(getattr(line, "fix", "") or "Repair or remove them" for line in unreadable))
    skip = ['`on_error="skip"` leaves them out'] if num_read else []
    return InputError(what, where=where, hint="; ".join(fixes[:3] + skip), code="E-UNREADABLE")


class LabelError(ValueError):
    """What is wrong with labels, in words."""
