"""A generator: a network that makes images of latents, or a sampler that makes them of a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any

from ganmetrics._process import evaluating
from ganmetrics.data.function import is_maker, takes_seed
from ganmetrics.data.reading.batches import WHOLE, Share
from ganmetrics.data.reading.random_streams import OwnStreams
from ganmetrics.data.reading.uint8 import to_form
from ganmetrics.data.source import Kind, Opening, Source, is_instance
from ganmetrics.data.tensor import images_alone, is_tensor
from ganmetrics.errors import InputError, UsageError, is_out_of_memory

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from ganmetrics.types import Images, Placed

    Draw = Callable[[int, torch.Generator], Tensor]

# Images of one forward pass, whatever the batch size of the evaluation: a seed means the same images.
CHUNK = 64
# Neighbouring seeds lie further apart than any set has chunks.
STRIDE = 1_000_003
# What a network draws inside ``forward`` is so not its latents over again.
NOISE = 2**31
# Attributes under which networks keep the size of their latents.
SIZES = ("latent_dim", "z_dim", "nz", "dim_z")
EXAMPLE = "gm.source(G, num_images=10_000, latents=128, value_range=(-1, 1))"


class GeneratorSource(Source):
    """The images of a generator for one seed, made in chunks of 64 of which none depends on another.

    ``gm.evaluate(reference, gm.source(generator, num_images=10_000))`` and ``gm.training.Monitor`` read generators
    through this class. The generator is left as it was found: networks run in evaluation mode,
    without gradients or autocast, and get each module's training flag back; the global random streams are put back too.

    Parameters
    ----------
    generator : Module, sampler or function
        A network from latents to images [N, 1 or 3, H, W], uint8, or float with a value range; grey images get three
        equal channels. Or a sampler, called once as ``sampler(num_images, seed=seed)``. Or a function ``n -> images``,
        asked for 64 at a time with the global random streams seeded for each chunk.
    opening : Opening
        ``num_images`` says how many are made, ``value_range`` what float images call black and white (a network that
        ends in tanh makes (-1, 1)), ``latents`` the size of standard normal latents or a function of a count and a
        CPU ``torch.Generator``; without it the network's own ``latent_dim``, ``z_dim``, ``nz`` or ``dim_z`` counts.

    Raises
    ------
    UsageError
        The number of images or the size of the latents is missing, latents for what takes none, a wrong seed.
    InputError
        The network refuses its latents, or makes something else than such images; two are made to see it at once.

    Notes
    -----
    Chunk c of seed s has the number 1,000,003 s + c modulo 2**63. Its 64 latents come from
    ``torch.Generator().manual_seed(number)`` on the CPU, and what the generator draws from the global streams from
    the number plus 2**31. All 64 are made even where fewer are wanted, so that the first n images of a seed are the
    same however many are asked for.
    """

    def __init__(self, generator: Any, opening: Opening) -> None:
        super().__init__()
        self.name = f"generator {getattr(generator, '__name__', type(generator).__name__)}"
        if opening.num_images is None:
            what = "a generator can make any number of images; num_images must say how many are scored"
            raise UsageError(what, where=self.name, hint=f"Pass it, as in {EXAMPLE}", code="E-SOURCE")
        self.count: int = opening.num_images
        self._range, self._form = opening.value_range, opening.reading.form
        self._make = _maker(generator, opening, self.name)
        if isinstance(self._make, _Network):
            self._as_images(self._make(0, kept=2), 0)

    def batches(self) -> Iterator[Images]:
        """The images in the order of their latents; see ``Source.batches``."""
        for _, images in self.share(WHOLE):
            yield images

    def share(self, share: Share) -> Iterator[Placed]:
        """A share of the images, of which only its own chunks are made; see ``Source.share``."""
        import torch

        self.notes.sizes.clear()
        for chunk in range(-(-self.count // CHUNK)):
            places = torch.arange(chunk * CHUNK, min((chunk + 1) * CHUNK, self.count))
            is_mine = share.has(places)
            if is_mine.any():
                images = self._chunk(chunk)
                self.notes.sizes[(images.shape[2], images.shape[3])] += int(is_mine.sum())
                yield places[is_mine], images[is_mine.to(images.device)]

    def _chunk(self, chunk: int) -> Images:
        """Images 64 chunk to 64 chunk + 63, without those beyond the number that is wanted."""
        first = chunk * CHUNK
        return self._as_images(self._make(chunk), first)[: self.count - first]

    def _as_images(self, made: Any, first: int) -> Images:
        is_torch = is_instance(made, "torch", "Tensor")
        if is_torch and made.ndim == 4 and made.shape[1] == 1 and self._form.channels == 3:
            made = made.expand(-1, 3, -1, -1)
        if is_torch and self._range is None and made.is_floating_point() and self._form.dtype == "uint8":
            hint = f"A network that ends in tanh makes (-1, 1), one that ends in a sigmoid (0, 1): {EXAMPLE}"
            raise InputError("float images need their value_range", where=self.name, hint=hint, code="E-RANGE")
        return to_form(made, self._range, self.name, self._form, first=first)


class _Network:
    """Chunks of a network."""

    def __init__(self, net: nn.Module, draw: Draw, seed: int, where: str) -> None:
        self.net, self.draw, self.seed, self.where = net, draw, seed, where

    def __call__(self, chunk: int, *, kept: int = CHUNK) -> Tensor:
        import torch

        number = _number(self.seed, chunk)
        with _apart(number), evaluating(self.net):
            latents = self.draw(CHUNK, torch.Generator().manual_seed(number))
            given = _counted(latents, CHUNK, "latents", self.where)[:kept].to(_device(self.net))
            return _counted(self._forward(given), kept, "images", self.where)

    def _forward(self, latents: Tensor) -> Any:
        try:
            return self.net(latents)
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            if is_out_of_memory(error):
                raise
            said = (str(error).splitlines() or [""])[0][:200]
            what = f"the network refused latents of shape {list(latents.shape)}: {type(error).__name__}: {said}"
            hint = (
                "If it takes other latents, pass them, such as latents=lambda count, rng: "
                "torch.randn(count, 100, 1, 1, generator=rng), or pass a function n -> images"
            )
            raise InputError(what, where=self.where, hint=hint, code="E-SHAPE") from error


class _Sampler:
    """Slices of what a sampler made at once: it promises the same images for a seed only from the first on."""

    def __init__(self, sampler: Callable[..., Any], count: int, seed: int, where: str) -> None:
        self.sampler, self.count, self.seed, self.where = sampler, count, seed, where
        self.made: Any = None

    def __call__(self, chunk: int) -> Tensor:
        if self.made is None:
            with _apart(_number(self.seed, 0)):
                made = self.sampler(self.count, seed=self.seed)
            self.made = _counted(made, self.count, "images", self.where)
        return self.made[chunk * CHUNK : (chunk + 1) * CHUNK]


class _Function:
    """Chunks of a function."""

    def __init__(self, function: Callable[[int], Any], seed: int, where: str) -> None:
        self.function, self.seed, self.where = function, seed, where

    def __call__(self, chunk: int) -> Tensor:
        with _apart(_number(self.seed, chunk)):
            return _counted(self.function(CHUNK), CHUNK, "images", self.where)


def _maker(generator: Any, opening: Opening, where: str) -> _Network | _Sampler | _Function:
    latents, seed = opening.latents, opening.seed
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise UsageError(f"seed is {seed!r}; it must be a whole number in 0..2**63 - 1", where=where, code="E-SOURCE")
    if _is_network(generator):
        net = generator.module if _is_replica(generator) else generator
        return _Network(net, _draw(net, latents, where), seed, where)
    if latents is not None:
        what = "latents are for a network; this draws its own"
        raise UsageError(what, where=where, hint="Leave latents out", code="E-SOURCE")
    if takes_seed(generator):
        # Checked before; this only tells the type checker.
        assert opening.num_images is not None
        return _Sampler(generator, opening.num_images, seed, where)
    return _Function(generator, seed, where)


def _draw(net: nn.Module, latents: int | Draw | None, where: str) -> Draw:
    """The function that draws latents, from what the caller said or the network knows of itself."""
    size = latents if latents is not None else _own_size(net)
    if callable(size):
        return size
    if size is None:
        what = f"the network does not tell the size of its latents in an attribute {', '.join(SIZES)}"
        raise UsageError(what, where=where, hint=f"Pass latents, as in {EXAMPLE}", code="E-LATENTS")
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        what = f"latents is {latents!r}; it must be their size or a function of a count and a torch.Generator"
        raise UsageError(what, where=where, hint=f"Pass it, as in {EXAMPLE}", code="E-LATENTS")
    return lambda count, rng: _normal(count, size, rng, net)


def _own_size(net: nn.Module) -> int | None:
    found = (getattr(net, name, None) for name in SIZES)
    return next((size for size in found if isinstance(size, int) and not isinstance(size, bool)), None)


def _normal(count: int, size: int, rng: torch.Generator, net: nn.Module) -> Tensor:
    import torch

    dtypes = (parameter.dtype for parameter in net.parameters() if parameter.is_floating_point())
    return torch.randn(count, size, generator=rng).to(next(dtypes, torch.float32))


def _number(seed: int, chunk: int) -> int:
    return (STRIDE * seed + chunk) % 2**63


def _device(net: nn.Module) -> torch.device | str:
    return next((each.device for each in chain(net.parameters(), net.buffers())), "cpu")


def _counted(made: Any, num: int, kind: str, where: str) -> Any:
    if not is_tensor(made) or made.shape[:1] != (num,):
        found = f"a tensor of shape {list(made.shape)}" if is_tensor(made) else f"a {type(made).__name__}"
        what = f"{num} {kind} were asked for and {found} was returned"
        raise InputError(what, where=where, hint=images_alone(made), code="E-SHAPE")
    return made


@contextmanager
def _apart(number: int) -> Iterator[None]:
    """No gradients, no autocast, the global random streams seeded by a number; all of it is put back."""
    import numpy as np
    import torch

    seed = (number + NOISE) % 2**63
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else range(0)
    with ExitStack() as stack:
        stack.enter_context(OwnStreams())
        stack.enter_context(torch.random.fork_rng(devices=devices))
        stack.enter_context(torch.no_grad())
        for kind in ("cpu", "cuda"):
            stack.enter_context(torch.autocast(kind, enabled=False))
        random.seed(seed)
        np.random.seed(seed % 2**32)
        # torch.manual_seed would queue a seed for a CUDA that is not yet in use.
        torch.default_generator.manual_seed(seed)
        if devices:
            torch.cuda.manual_seed_all(seed)
        yield


def _is_network(value: Any) -> bool:
    return is_instance(value, "torch.nn", "Module")


def _is_replica(value: Any) -> bool:
    """Whether it is the wrapper of a network in several processes, whose forward would wait for the others'."""
    kinds = ("DistributedDataParallel", "DataParallel")
    return any(is_instance(value, "torch.nn.parallel", kind) for kind in kinds)


def _is_generator(value: Any) -> bool:
    return _is_network(value) or (is_maker(value) and takes_seed(value))


KIND = Kind(
    accepts="a generator network or a sampler (n, seed) -> images, with num_images",
    matches=_is_generator,
    open=GeneratorSource,
    is_counted_by_caller=True,
    takes_latents=True,
)
