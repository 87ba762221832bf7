"""Features and logits in .npy, .npz and .safetensors files; nothing is ever unpickled."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ganmetrics._files import shown
from ganmetrics._process import no_warnings
from ganmetrics.data.places.paths import PICKLES, suffix_of
from ganmetrics.data.places.refusals import refuse_path
from ganmetrics.errors import InputError, StatisticsError
from ganmetrics.measurement.npz_members import FACTS, UNREADABLE, member_names, read_array, read_members

SUFFIXES = (".npy", ".npz", ".safetensors")
# What others call their features: clean-fid's files for KID, and numpy.savez for an array without a name.
ALSO = ("feats", "arr_0")


def is_ours(path: str) -> bool:
    """Whether a file is an npz that ganmetrics wrote, which says how its features were made."""
    return FACTS in member_names(path)


def read_features(path: str, wanted: str = "features") -> dict[str, Any]:
    """Read the arrays ``features`` and ``logits`` of a file, whichever it holds, and ``wanted`` in any case.

    Parameters
    ----------
    path : str
    wanted : {"features", "logits"}
        What the file's only array is.

    Raises
    ------
    InputError
        The file is missing, damaged, of another kind, holds Python objects, or does not hold what is wanted.
    """
    if os.path.isdir(path):
        what = "features lie in one file, and this is a folder"
        raise InputError(what, where=shown(path), hint=f"Name a {', '.join(SUFFIXES)} file", code="E-NOT-FOLDER")
    if not os.path.isfile(path):
        refuse_path(path)
    suffix = suffix_of(path)
    if suffix in PICKLES:
        what = f"a {suffix} file may run code when it is loaded, so it is not opened"
        hint = "Load it where you trust it and save its array: numpy.save('features.npy', features)"
        raise InputError(what, where=shown(path), hint=hint, code="E-PICKLE")
    if suffix not in SUFFIXES:
        what = f"features are read from {', '.join(SUFFIXES)} files"
        raise InputError(what, where=shown(path), hint="Save them by numpy.save('features.npy', features)")
    try:
        if suffix == ".npy":
            return {wanted: read_array(path)}
        return _of_npz(path, wanted) if suffix == ".npz" else _of_safetensors(path, wanted)
    except StatisticsError as error:
        raise InputError(error.what, where=shown(path), hint=error.hint, code=error.code) from None


def _of_npz(path: str, wanted: str) -> dict[str, Any]:
    members = sorted(member_names(path))
    # A file without members is refused for what it is.
    names = _chosen(members, wanted, path) if members else {}
    arrays = read_members(path, dict.fromkeys(names.values()))
    if not members:
        raise StatisticsError("the file holds no array", code="E-KEYS")
    return {role: arrays[name] for role, name in names.items()}


def _of_safetensors(path: str, wanted: str) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with no_warnings(), safe_open(path, framework="pt") as file:
            names = _chosen(sorted(file.keys()), wanted, path)
            return {role: file.get_tensor(name) for role, name in names.items()}
    except (SafetensorError, *UNREADABLE) as error:
        if isinstance(error, InputError):
            raise
        what = f"the file is truncated or damaged ({shown((str(error).splitlines() or [''])[0][:120])})"
        raise InputError(what, where=shown(path), hint="Make the file again", code="E-DAMAGED") from None


def _chosen(names: Sequence[str], wanted: str, path: str) -> dict[str, str]:
    """The name of the array for each of ``features`` and ``logits`` that a file holds."""
    found = {role: role for role in ("features", "logits") if role in names}
    if wanted not in found:
        rest = [name for name in names if name not in found.values()]
        known = [name for name in ALSO if name in rest and wanted == "features"]
        chosen = known or rest
        if not chosen or (len(chosen) > 1 and not known):
            what = f"the file holds the arrays {shown(', '.join(names[:10]))}; expected {wanted!r}"
            hint = f"Save it by its name: numpy.savez(path, {wanted}={wanted})"
            raise InputError(what, where=shown(path), hint=hint, code="E-KEYS")
        found[wanted] = chosen[0]
    return found
