"""Which checks a self-test runs, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from ganmetrics.extractors.extraction import choose_device
from ganmetrics.generators import cards
from ganmetrics.generators.reproduction import reproduce
from ganmetrics.selftest.check import Check, failed
from ganmetrics.selftest.closed_forms import closed_forms
from ganmetrics.selftest.images import images
from ganmetrics.selftest.networks import networks, statistics
from ganmetrics.selftest.published import fetch_all, published

# One generator of each kind: half a minute in all.
QUICK = ("dcgan-mnist", "dcgan-fashion", "gan-ring", "seqgan-oracle")


class Task(NamedTuple):
    """Some checks that belong together."""

    title: str
    run: Callable[[], Iterable[Check]]

    def checks(self) -> Iterator[Check]:
        """Yield each check as it comes; an error that stops them is the last one."""
        try:
            yield from self.run()
        # The report says what broke, whatever it is.
        except Exception as error:
            yield failed(self.title, error)


@dataclass(frozen=True)
class Plan:
    """The checks of a self-test.

    Attributes
    ----------
    every_generator : bool
        Score all bundled generators again, instead of four.
    network : bool
        Fetch the literature's Inception and CIFAR-10, and score them.
    device : str
        A device as ``evaluate`` takes it.
    progress : bool
        Show bars on stderr.
    """

    every_generator: bool = False
    network: bool = False
    device: str = "auto"
    progress: bool = False

    def prepare(self) -> None:
        """Check the device (UsageError) and fetch what is needed (WeightsError, InputError) before any check runs."""
        choose_device(self.device)
        if self.network:
            fetch_all(progress=self.progress)

    def tasks(self) -> list[Task]:
        """Return the tasks in the order in which they run."""
        names = sorted(cards.folders()) if self.every_generator else QUICK
        tasks_to_run = [
            Task("closed forms", closed_forms),
            Task("images", images),
            Task("networks", partial(networks, self.device)),
            Task("bundled statistics", statistics),
            *(Task(f"generator {name}", partial(_reproduced, name)) for name in names),
        ]
        if self.network:
            tasks_to_run.append(Task("published scores", partial(published, self.device, progress=self.progress)))
        return tasks_to_run


def _reproduced(name: str) -> Iterator[Check]:
    for one in reproduce(cards.folder_of(name)):
        yield Check(f"{name}: {one.recorded.title}", one.found, one.recorded.value, one.recorded.tolerance)
