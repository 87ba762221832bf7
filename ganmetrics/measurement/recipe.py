"""How numbers were made: the recipe of one set's statistics, and the signature that every score carries."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ganmetrics.errors import StatisticsError, UsageError
from ganmetrics.extractors import GIVEN

# A signature names them in this order, each but the second left out where it is empty.
ROLES = ("real", "fake", "test")
# The precision of the network and of the statistics.
PRECISION = "float32/float64"


def is_name(value: object) -> bool:
    """Whether a text can be the name of a set, which stands before ``#count:digest``."""
    return is_field(value) and not set(str(value)) & set("#:~")


def is_field(value: object) -> bool:
    """Whether a value can stand in a signature, whose fields are parted by ``|``."""
    return isinstance(value, str) and value.isprintable() and "|" not in value


def check_name(value: str) -> None:
    """Refuse a name of a set that would make its label ambiguous (UsageError)."""
    if not is_name(value):
        what = f"the name {value!r} holds one of | # : ~ or a character that does not print"
        raise UsageError(what, where="name", code="E-NAME")


@dataclass(frozen=True)
class Recipe:
    """All that decides which features an image gets.

    Attributes
    ----------
    extractor : str
        What loads it again, such as ``inception`` or ``inception:768``.
    network : str
        The network, its weights' hash and its layer, such as ``inception-2015-12-05:6726825d``.
    resize : str
    reading : tuple of str
        Choices of reading that are not the default, such as ``alpha=white``.
    precision : str
        Of the network and of the statistics.
    """

    extractor: str
    network: str
    resize: str
    reading: tuple[str, ...] = ()
    precision: str = PRECISION

    def __post_init__(self) -> None:
        for name in ("extractor", "network", "resize", "precision"):
            # Such a text would make a signature unreadable.
            if not is_field(value := getattr(self, name)):
                what = f"{value!r} cannot stand in a signature: it holds '|' or a character that does not print"
                raise UsageError(what, where=f"{name} of the recipe", code="E-NAME")

    @property
    def is_given(self) -> bool:
        """Whether the features were computed elsewhere, by a network that is known by its name alone."""
        return self.network.startswith(GIVEN)

    def differences(self, other: Recipe) -> list[str]:
        """What differs and matters, one line each: ``resize: tf1-bilinear / area``."""
        names = [f.name for f in fields(self) if f.name not in ("extractor", "reading")]
        rows = [
            f"{n}: {getattr(self, n)} / {getattr(other, n)}" for n in names if getattr(self, n) != getattr(other, n)
        ]
        if any(self._disagrees(other, choice) for choice in ("exif", "alpha", "frames", "levels")):
            rows.append(f"reading: {','.join(self.reading) or 'default'} / {','.join(other.reading) or 'default'}")
        return rows

    def _disagrees(self, other: Recipe, choice: str) -> bool:
        """Whether two choices of reading could give one image different pixels.

        The defaults of ``alpha`` and ``frames`` refuse every image that the other choices could change, so a set read
        under them is the same under any; the default of ``exif`` ignores the orientation, which is a choice. Images of
        8 bits are the same under any ``levels``; others show in the range they fill what they were read under.
        """
        mine, theirs = ({part for part in r.reading if part.startswith(choice)} for r in (self, other))
        return mine != theirs and (choice == "exif" or bool(mine and theirs))

    def require(self, other: Recipe, names: tuple[str, str]) -> None:
        """Refuse statistics of another recipe, with both shown (StatisticsError)."""
        if self.network == other.network and self.network.endswith(":unhashed"):
            what = f"nothing tells whether {names[0]} and {names[1]} saw one and the same function {self.network}"
            hint = "Score both sets in one call, or make the function a torch.nn.Module, whose values are hashed"
            raise StatisticsError(what, hint=hint, code="E-RECIPE")
        rows = self.differences(other)
        if rows:
            what = f"{names[0]} and {names[1]} were made by different recipes: {'; '.join(rows)}"
            hint = "Build both with one extractor, weights file and reading"
            raise StatisticsError(what, hint=hint, code="E-RECIPE")


@dataclass(frozen=True)
class Signature:
    """What a stranger needs to get the same number, as one line.

    Attributes
    ----------
    metric : str
        With every option: ``kid(subset_size=1000,num_subsets=100,seed=2020)``.
    network, resize, precision : str
        As in ``Recipe``.
    real, fake : str
        ``name#count:digest``, then ``~order`` where the metric draws subsets by position, ``:skipped=3`` where images
        were left out, and choices of reading that are not the default; ``real`` is empty for a metric that needs none.
    version : str
        Of ganmetrics.
    test : str
        As ``real``, for a metric that compares with unseen real images too; empty for others.
    """

    metric: str
    network: str
    resize: str
    real: str
    fake: str
    precision: str
    version: str
    test: str = ""

    def __str__(self) -> str:
        sides = [f"{role}:{getattr(self, role)}" for role in ROLES if role == "fake" or getattr(self, role)]
        parts = [self.metric, self.network, self.resize, *sides, self.precision, f"gm:{self.version}"]
        return "|".join(parts)

    def fields(self) -> dict[str, str]:
        """Every field by its name, those left out that are empty."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name))}

    def differences(self, other: Signature) -> list[str]:
        """What differs, one line of words each: ``resize: tf1-bilinear / clean-bicubic``."""
        mine, theirs = self.fields(), other.fields()
        names = [name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name)]
        return [f"{name}: {mine.get(name, 'none')} / {theirs.get(name, 'none')}" for name in names]

    @staticmethod
    def parse(text: str) -> Signature:
        """The signature that a line stands for; ``parse(str(s)) == s``.

        Raises
        ------
        UsageError
            A line of another form.
        """
        parts = text.strip().split("|")
        sides = dict(part.split(":", 1) for part in parts[3:-2] if ":" in part)
        in_order = [role for role in ROLES if role in sides] == list(sides) and len(sides) == len(parts) - 5
        is_line = text.strip().isprintable()
        if not is_line or len(parts) < 6 or not in_order or "fake" not in sides or not parts[-1].startswith("gm:"):
            raise UsageError(
                f"not a signature: {text!r}", hint="It reads metric|network|resize|real:…|fake:…|precision|gm:…"
            )
        metric, network, resize, *_, precision, version = parts
        real, fake, test = (sides.get(role, "") for role in ROLES)
        return Signature(metric, network, resize, real, fake, precision, version[3:], test)
