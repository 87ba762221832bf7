"""``digits``: the embedded default, a small classifier of 28 x 28 digits; its scores are its own, not Inception's."""

from __future__ import annotations

from ganmetrics.extractors._grey_classifier import MOST_PIXELS, GreyClassifier
from ganmetrics.extractors.extractor import Domain, ExtractorRecord


class Digits(GreyClassifier):
    """A digit classifier (99.6 % on MNIST's test set) for demonstrations, tests and 28 to 32 px digit work."""

    name = "digits"
    class_names = tuple("0123456789")
    class_noun = "digits"


EXTRACTOR = ExtractorRecord(
    name="digits",
    load=Digits,
    download=False,
    summary="embedded MNIST classifier for 28-32 px digits; 128 features",
    domain=Domain("grey images of handwritten digits at 28x28 pixels", is_grey=True, most_pixels=MOST_PIXELS),
    names_classes=True,
)
