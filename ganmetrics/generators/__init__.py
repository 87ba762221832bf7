"""Reference generators: one file each, a trained system that anyone can sample and score."""

from __future__ import annotations

from ganmetrics.generators.record import GeneratorRecord, Sampler
from ganmetrics.registry import Registry

GENERATORS: Registry[GeneratorRecord] = Registry("ganmetrics.generators", "GENERATOR", "generator")


def load(name: str) -> Sampler:
    """A trained generator by name, ready to sample.

    Returns
    -------
    Sampler
        ``load("dcgan-mnist")(n, seed=0)`` gives uint8 RGB images [n, 3, H, W], the same for the same seed.

    Raises
    ------
    UsageError
        An unknown name, with the nearest known one.
    """
    return GENERATORS[name].load()


__all__ = ["GENERATORS", "Sampler", "load"]
