"""What the features of a set cannot show: a check that is blind clears nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ganmetrics.diagnosis.finding import Finding
from ganmetrics.scoring.cautions import network_record, outside_domain

if TYPE_CHECKING:
    from ganmetrics.measurement.statistics import Statistics

NETWORK = "score with colour, which needs no download, or with inception, dinov2-vitl14 or a network of your own"
LABELS = "give the classes of the real images (`labels`), by which missing ones are told"


class Blindness(NamedTuple):
    """Why features cannot tell kinds of images apart, or sharp images from blurred ones; empty where they may."""

    to_kinds: str = ""
    to_detail: str = ""


def blindness(*sides: Statistics) -> Blindness:
    """Return what is known of the network that made the features of these sets.

    Whether unknown features tell kinds apart cannot be measured without labels: clusters of pixels are as distinct as
    clusters of a trained network, and both move as far when an image is shifted.
    """
    record = network_record(sides[0])
    if record is None:
        return Blindness()
    outside = next(filter(None, map(outside_domain, sides)), "")
    outside = f"{outside}: its features say little about these" if outside else ""
    kinds, detail = record.domain.blind_to_kinds, record.domain.blind_to_detail
    return Blindness(
        f"{record.name} does not see kinds of images: {kinds}" if kinds else outside,
        f"{record.name} does not see sharpness and detail: {detail}" if detail else outside,
    )


def unseen(finding: Finding, reason: str, *advice: str) -> Finding:
    """Return a finding that accuses nobody as one that cannot tell, where there is a reason why its check was blind."""
    if finding.verdict != "ok" or not reason:
        return finding
    sentence = f"{reason}. What was seen: {finding.sentence}"
    return Finding(finding.name, "cannot tell", sentence, finding.evidence, (*advice, NETWORK))
