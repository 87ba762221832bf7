"""The exception of one image that cannot be read; ``loading.read_placed`` decides what follows from it."""

from __future__ import annotations


class Unreadable(Exception):
    """One image that cannot be read; its text says why and completes the sentence that begins with the name.

    ``fix`` says what to do, where that is anything but to repair or remove it.
    """

    def __init__(self, text: str, fix: str = "") -> None:
        super().__init__(text)
        self.fix = fix
