"""The command line inside the test's process."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Iterator

import pytest
from commands import Done, Run

from ganmetrics.cli import main


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """The command in this process, which saves importing PyTorch each time; what it installs is put back."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers, shower = [signal.getsignal(number) for number in numbers], warnings.showwarning

    def call(*arguments: object) -> Done:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ending:
            main([str(argument) for argument in arguments])
        out, errors = capfd.readouterr()
        assert isinstance(ending.value.code, int)
        return Done(ending.value.code, out, errors)

    yield call
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)
    warnings.showwarning = shower
