"""The weights of pretrained networks: where they are, how they are fetched, and that they are the right bytes.

Every file is named by its SHA-256, which is checked on each use and not only after a download. Torch is imported only
to load a file, so that the commands about weights answer at once.
"""

from __future__ import annotations

import difflib
import os
import pickle
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganmetrics._files import atomic_write, required_folder, shown, user_folder
from ganmetrics._offline import is_offline
from ganmetrics._process import no_warnings
from ganmetrics.errors import GanMetricsWarning, UsageError, WeightsError
from ganmetrics.extractors.weights.download import CHUNK, PATIENCE, Patience, Wanted, disk_errors, download, text_kind
from ganmetrics.extractors.weights.download import digest as digest
from ganmetrics.extractors.weights.published_files import WEIGHTS, WeightFile

if TYPE_CHECKING:
    from torch import Tensor

OWN_FOLDER = ("ganmetrics/weights", "GANMETRICS_WEIGHTS_DIR")
NEEDS_NO_DOWNLOAD = (
    "Without a download, use the extractor colour for colour images: it sees blur, noise, compression, warping and "
    "missing kinds of images, but does not know what photographs show. The extractors digits, fashion, random-vgg16 "
    "(slow) and pixels need no download either"
)


def known(name: str) -> WeightFile:
    """The entry of the table called ``name``; ``UsageError`` lists the names there are."""
    if name in WEIGHTS:
        return WEIGHTS[name]
    close = difflib.get_close_matches(name, WEIGHTS, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(WEIGHTS)}"
    raise UsageError(f"no weights are called {name!r}", hint=hint, code="E-UNKNOWN")


def recognised(path: str | os.PathLike[str]) -> WeightFile:
    """The entry of the table whose bytes the file holds; ``WeightsError`` when it is none of them."""
    found = _facts(path)
    for weight_file in WEIGHTS.values():
        if found == (weight_file.size, weight_file.sha256):
            return weight_file
    raise WeightsError(
        f"the file is none of the known weights: it has {found[0]:,} bytes and SHA-256 {found[1]}",
        where=shown(path),
        hint="See `ganmetrics weights list`",
        code="E-CORRUPT",
    )


def candidates(weight_file: WeightFile) -> list[Path]:
    """Where the file may already be: torch's folder of checkpoints first, then our own."""
    # torch.hub has the same rule.
    hub = user_folder("torch", "TORCH_HOME")
    shared = [hub / "hub" / "checkpoints" / name for name in weight_file.filenames] if hub else []
    return list(dict.fromkeys(shared + _own(weight_file)))


def survey(weight_file: WeightFile) -> Iterator[tuple[Path, str]]:
    """Each candidate that exists, with what is wrong with it (nothing: ``""``)."""
    for path in candidates(weight_file):
        if os.path.isfile(path):
            yield path, _fault(path, weight_file)


def locate(weight_file: WeightFile) -> Path | None:
    """The first candidate whose size and SHA-256 are right; a wrong one in torch's folder is left, with a warning."""
    own = _own(weight_file)
    for path, fault in survey(weight_file):
        if not fault:
            return path
        if path not in own:
            warnings.warn(f"{shown(path)} is passed over: {fault}", GanMetricsWarning, stacklevel=2)
    return None


def required(weight_file: WeightFile) -> Path:
    """Where the file is; ``WeightsError`` (``E-MISSING``) with what to do when it is not here."""
    found = locate(weight_file)
    if found is None:
        what = f"the weights {weight_file.name} are not here"
        raise WeightsError(what, hint=_placing(weight_file), code="E-MISSING")
    return found


def fetch(weight_file: WeightFile, *, progress: bool = True, patience: Patience = PATIENCE) -> Path:
    """Where the file is, after downloading it into our folder if it is nowhere yet.

    Any number of processes may ask at once: one downloads, the others wait. With ``GANMETRICS_OFFLINE=1`` nothing is
    downloaded.

    Raises
    ------
    WeightsError
        The file is not here and a download is forbidden (``E-OFFLINE``), or no mirror gave it (``E-DOWNLOAD``).
    ResourceError
        The disk is full or our folder cannot be written.
    """
    found = locate(weight_file)
    if found is not None:
        return found
    if is_offline():
        what = f"the weights {weight_file.name} are not here, and GANMETRICS_OFFLINE forbids their download"
        raise WeightsError(what, hint=_placing(weight_file), code="E-OFFLINE")
    return _fetch_locked(weight_file, progress, patience)


def verify(path: str | os.PathLike[str], weight_file: WeightFile) -> None:
    """Raise ``WeightsError`` unless the file holds exactly the bytes of ``weight_file``."""
    fault = _difference(path, weight_file)
    if fault:
        raise WeightsError(f"not the weights {weight_file.name}: {fault}", where=shown(path), code="E-CORRUPT")


def import_file(path: str | os.PathLike[str], weight_file: WeightFile) -> Path:
    """Copy a file obtained by other means into our folder, once it is verified; the path of the copy."""
    verify(path, weight_file)
    target = _own_folder_made() / weight_file.filenames[0]
    with open(path, "rb") as source, atomic_write(target) as copy:
        while chunk := source.read(CHUNK):
            copy.write(chunk)
    return target


def resolve(
    weight_file: WeightFile,
    path: str | os.PathLike[str] | None = None,
    progress: bool = True,
    patience: Patience = PATIENCE,
) -> tuple[Path, str]:
    """The file to load and the identity a result records: a user's own, else the published one, fetched if need be.

    Returns
    -------
    tuple of Path and str
        The identity is ``NAME:first8hex`` of the SHA-256 for the published bytes, ``NAME-custom:first8hex`` for others.
    """
    if path is None:
        return fetch(weight_file, progress=progress, patience=patience), f"{weight_file.name}:{weight_file.sha256[:8]}"
    _, sha256 = _facts(path)
    return Path(path), f"{weight_file.name}{'' if sha256 == weight_file.sha256 else '-custom'}:{sha256[:8]}"


def load_state_dict(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The tensors of a ``.pth`` or ``.safetensors`` file, on the CPU; no code in the file is ever run.

    Raises
    ------
    WeightsError
        The file is missing, damaged, or holds anything but a table of tensors.
    """
    try:
        kind = text_kind(path)
        # PyTorch warns of pickles of others and of TorchScript as a whole.
        with no_warnings():
            state = None if kind else _tensors(path)
    except OSError as error:
        raise _unloadable(path, f"cannot be read: {error.strerror or error}") from error
    except pickle.UnpicklingError:  # not chained: torch's own text advises to switch the protection off
        raise _unloadable(path, "is damaged, or holds Python objects that could run code, which is refused") from None
    except Exception as error:  # bytes from anywhere can make the readers raise anything
        raise _unloadable(path, f"is truncated or damaged ({type(error).__name__})") from error
    if kind:
        raise _unloadable(path, f"is {kind}, not weights")
    return _checked_table(path, state)


def _tensors(path: str | os.PathLike[str]) -> Any:
    if os.fspath(path).endswith(".safetensors"):
        from safetensors.torch import load_file

        return load_file(path)
    import torch

    is_zip = zipfile.is_zipfile(path)
    if is_zip and any(name.endswith("/constants.pkl") for name in zipfile.ZipFile(path).namelist()):
        return _tensors_of_program(path)
    # Only the zip format of torch 1.6 and later can be mapped; older files are read whole.
    return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)


def _tensors_of_program(path: str | os.PathLike[str]) -> Any:
    """CLIP is published as TorchScript, which is a program: it is run only where its bytes are the published ones."""
    import torch

    if digest(path) not in {file.sha256 for file in WEIGHTS.values()}:
        raise pickle.UnpicklingError
    return dict(torch.jit.load(path, map_location="cpu").state_dict())


def _checked_table(path: str | os.PathLike[str], state: Any) -> dict[str, Tensor]:
    import torch

    if not isinstance(state, dict) or not state or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise _unloadable(path, "holds something else than a table of named tensors")
    return {str(name): tensor for name, tensor in state.items()}


def _unloadable(path: str | os.PathLike[str], trouble: str) -> WeightsError:
    return WeightsError(f"the weights file {trouble}", where=shown(path), code="E-CORRUPT")


def _facts(path: str | os.PathLike[str]) -> tuple[int, str]:  # size in bytes, SHA-256
    if not os.path.isfile(path):
        hint = "Name a file of weights" if os.path.isdir(path) else "Check the path"
        raise WeightsError("there is no such file of weights", where=shown(path), hint=hint, code="E-MISSING")
    try:
        return os.path.getsize(path), digest(path)
    except OSError as error:
        raise _unloadable(path, f"cannot be read: {error.strerror or error}") from error


def _difference(path: str | os.PathLike[str], weight_file: WeightFile) -> str:  # "" for the right bytes
    size, found = _facts(path)
    if (size, found) == (weight_file.size, weight_file.sha256):
        return ""
    kind = text_kind(path)
    found_text = f"{kind} of {size:,} bytes" if kind else f"{size:,} bytes"
    return f"found {found_text} with SHA-256 {found}, expected {weight_file.size:,} bytes with {weight_file.sha256}"


def _fault(path: Path, weight_file: WeightFile) -> str:  # the same, for a file that may not be readable
    try:
        return _difference(path, weight_file)
    except WeightsError as error:
        return error.what


def _fetch_locked(weight_file: WeightFile, progress: bool, patience: Patience) -> Path:
    from filelock import FileLock

    target = _own_folder_made() / weight_file.filenames[0]
    with disk_errors(target), FileLock(target.with_name(f".{target.name}.lock")):
        for path in filter(os.path.isfile, _own(weight_file)):
            # Another process may have fetched it while this one waited.
            if not _fault(path, weight_file):
                return path
            path.unlink()
        try:
            wanted = Wanted(target, weight_file.size, weight_file.sha256)
            download(weight_file.urls, wanted, progress=progress, patience=patience)
        except WeightsError as error:
            hint = f"\n{_placing(weight_file, 'any of them')}"
            raise WeightsError(error.what, hint=hint, code=error.code) from error
    return target


def _own(weight_file: WeightFile) -> list[Path]:
    folder = _own_folder()
    return [folder / name for name in weight_file.filenames] if folder else []


def _own_folder() -> Path | None:
    return user_folder(*OWN_FOLDER)


def _own_folder_made() -> Path:
    name, variable = OWN_FOLDER
    folder = required_folder(name, "weights", variable)
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _placing(weight_file: WeightFile, place: str = "") -> str:
    folder = _own_folder() or Path("$GANMETRICS_WEIGHTS_DIR")
    urls = place or "".join(f"\n  {url}" for url in weight_file.urls) + "\n"
    return (
        f"Fetch the file elsewhere ({weight_file.size:,} bytes, SHA-256 {weight_file.sha256}) from {urls} "
        f"and put it at {shown(folder / weight_file.filenames[0])}, "
        f"or run `ganmetrics weights import FILE`. {NEEDS_NO_DOWNLOAD}"
    )
