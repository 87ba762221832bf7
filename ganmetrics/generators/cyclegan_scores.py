"""The scores of a CycleGAN in both directions, where the true counterpart of each image is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch

from ganmetrics.evaluation.evaluate import evaluate
from ganmetrics.generators import datasets
from ganmetrics.generators.card_scores import QUIET, classes_of
from ganmetrics.generators.cyclegan_domains import Domains, digit_domains, emoji_held_out, unstyled
from ganmetrics.generators.cyclegan_translation import DIRECTIONS, Translator
from ganmetrics.generators.sampler import without_border
from ganmetrics.generators.system import Measured

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.generators.system import Recipe, Sampler
    from ganmetrics.types import Images

NUM_DIGITS, NUM_FACES = 5000, 1000
MNIST_TRAIN = "mnist-train"
# How the images of each domain are read.
READING = ("read as they are", "read through the known inverse of the restyling")


@dataclass(frozen=True)
class HeldOut:
    """The images on which a translator is scored.

    Attributes
    ----------
    pairs : Domains
        Images to translate, each beside its true counterpart.
    real : Domains
        Images of both domains that translations are compared with as sets.
    about : str
        What the images are, for the card.
    classes : Tensor, optional
        The classes of digits, int64 [N]; without it the images are no digits, and FID reads their colours.
    """

    pairs: Domains
    real: Domains
    about: str
    classes: Tensor | None = None

    @property
    def extractor(self) -> str:
        return "pixels" if self.classes is None else "digits"

    def read(self, images: Images, side: int) -> Images:
        """Return images of a domain as the extractor is to see them: ink on paper through the known inverse, 28 px."""
        if self.classes is None:
            return images
        # The digit classifier reads 28 x 28 pixels, light on black.
        return without_border(unstyled(images) if side else images, 2)


def sample_scores(recipe: Recipe, sampler: Sampler, seed: int) -> list[Measured]:
    """Score translations of the translator's own source, which needs no data.

    Per direction, on the source's images of ``seed``: FID to the true counterparts of other images (those of seed + 1),
    cycle error, distance to the true counterpart and, for digits, the share whose class is kept. Digits that come back
    are compared with MNIST's training set too; its distance includes what the source itself lacks.
    """
    translator = cast("Translator", sampler)
    is_digits = recipe.settings.data == "restyled-mnist"
    count = NUM_DIGITS if is_digits else NUM_FACES
    # FID compares with the counterparts of other images, as it compares with held-out images elsewhere.
    pairs, others = translator.source(count, seed), translator.source(count, seed + 1)
    if not is_digits:
        return scores_on(translator, HeldOut(pairs, others, f"{count} drawn faces"))
    classes = classes_of(without_border(pairs.first, 2), "digits")
    return scores_on(translator, HeldOut(pairs, others, f"{count} digits of dcgan-mnist", classes))


def data_scores(recipe: Recipe, translator: Translator, root: str | None = None) -> list[Measured]:
    """Score translations of real images that no network was trained on: MNIST's test set, or the held-out emoji.

    Digits are compared as sets with MNIST's first 10,000 training images; emoji with those of their own code points.
    ``untranslated`` is what the images score as they are: what a translation must beat.

    Raises
    ------
    InputError
        The data are not there.
    """
    if recipe.settings.data == "emoji":
        pairs = emoji_held_out(root)
        held_out = HeldOut(pairs, pairs, f"{len(pairs.first)} held-out emoji")
    else:
        images, classes = datasets.load_grey("mnist", root, split="test")
        # As many training images as there are test images, because FID depends on their number.
        others = datasets.load_grey("mnist", root).images[: len(images)]
        pairs, real = digit_domains(images), digit_domains(others)
        held_out = HeldOut(pairs, real, "MNIST's test set", classes)
    return [*scores_on(translator, held_out), *untranslated_scores(held_out)]


def scores_on(translator: Translator, held_out: HeldOut) -> list[Measured]:
    """FID, cycle error, distance to the counterpart and, of digits, the share of kept classes, in both directions."""
    return [score for direction in DIRECTIONS for score in direction_scores(translator, held_out, direction)]


def direction_scores(translator: Translator, held_out: HeldOut, direction: str) -> Iterator[Measured]:
    """Yield the scores of one direction."""
    side = DIRECTIONS.index(direction)
    target = 1 - side
    source, truth = held_out.pairs[side], held_out.pairs[target]
    fake = translator.translate(source, direction)
    back = translator.translate(fake, DIRECTIONS[target])
    read = held_out.read(fake, target)
    yield fid(held_out.read(held_out.real[target], target), read, held_out.extractor, direction)
    yield distance(source, back, f"cycle_{direction}", f"cycle error {direction}", held_out.about)
    yield distance(truth, fake, f"l1_{direction}", f"L1 to counterpart {direction}", held_out.about)
    if held_out.classes is not None:
        kept = (classes_of(read, held_out.extractor) == held_out.classes).double().mean().item()
        about = f"share of {held_out.about} that digits gives their class after translation ({READING[target]})"
        yield Measured(f"label_{direction}", f"label kept {direction}", kept, True, protocol=about)
        # Digits that come back can also be compared with MNIST itself.
        if target == 0:
            yield fid(MNIST_TRAIN, read, held_out.extractor, f"{direction} {MNIST_TRAIN}")


def untranslated_scores(held_out: HeldOut) -> Iterator[Measured]:
    """Yield the scores of untranslated images of the first domain, taken for the second."""
    first, second = held_out.pairs
    yield distance(second, first, "l1_untranslated", "L1 to counterpart untranslated", held_out.about)
    if held_out.classes is None:
        yield fid(held_out.real.second, first, held_out.extractor, "untranslated")


def fid(real: Images | str, fake: Images, extractor: str, words: str) -> Measured:
    score = evaluate(real, fake, extractor=extractor, reading=QUIET)["fid"]
    name = "_".join(["fid", *words.replace("-", " ").split()])
    return Measured(name, f"{score.title} {words}", score.value, score.higher_is_better, str(score.signature))


def distance(real: Images, fake: Images, name: str, title: str, about: str) -> Measured:
    """Return the mean absolute difference of pixels in 0..1."""
    value = (real.float() - fake.float()).abs().mean(dtype=torch.float64).item() / 255
    return Measured(name, title, value, False, protocol=f"mean absolute difference of pixels in 0..1, {about}")
