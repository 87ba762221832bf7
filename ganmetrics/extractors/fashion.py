"""``fashion``: the classifier of ``digits`` trained on Fashion-MNIST; its scores are its own, not Inception's."""

from __future__ import annotations

from ganmetrics.extractors._grey_classifier import MOST_PIXELS, GreyClassifier
from ganmetrics.extractors.extractor import Domain, ExtractorRecord


class Fashion(GreyClassifier):
    """A classifier of clothing (92.3 % on Fashion-MNIST's test set) for generators of it at 28 to 32 px."""

    name = "fashion"
    class_names = (
        "T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "trainer", "bag", "ankle boot"
    )  # fmt: skip
    class_noun = "kinds of clothing"


EXTRACTOR = ExtractorRecord(
    name="fashion",
    load=Fashion,
    download=False,
    summary="embedded Fashion-MNIST classifier for 28-32 px clothing; 128 features",
    domain=Domain("grey images of clothing at 28x28 pixels", is_grey=True, most_pixels=MOST_PIXELS),
    names_classes=True,
)
