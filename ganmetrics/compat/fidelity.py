"""torch-fidelity's command and function: ``python -m ganmetrics.compat.fidelity --fid --input1 fake/ --input2 real/``.

Arguments, output and numbers are those of torch-fidelity 0.4.0: ``input1`` is the generated set, ``input2`` the real
one. What is not supported is refused in one sentence. Features are not cached, so the options of the cache move
nothing, and neither do those of memory, as precision and recall never keep all distances. Cautions are lines on stderr.
Weights are looked for where ``ganmetrics`` has them, unless ``feature_extractor_weights_path`` names a file.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from ganmetrics.compat._command import Parser, run
from ganmetrics.compat._fidelity_inputs import DATA_SETS, Opening
from ganmetrics.errors import UsageError
from ganmetrics.registry import unknown

if TYPE_CHECKING:
    from ganmetrics.data import Reading
    from ganmetrics.scoring.result import Score

    AnyPath = str | os.PathLike[str]

PROGRAM = "python -m ganmetrics.compat.fidelity"
# Each network of torch-fidelity with the layer that it reads.
NETWORKS = {"inception-v3-compat": ("inception", "2048"), "vgg16": ("vgg16", "fc2_relu")}
# Options that are refused unless they have their defaults, and what to do instead.
REFUSED = {
    "ppl": "Use gm.ppl in Python",
    "feature_layer_isc": "Leave it out: the score is of logits_unbiased",
    "feature_extractor_internal_dtype": "Leave it out: networks run in float32, statistics in float64",
    "feature_extractor_compile": "Leave it out",
    "kid_kernel": "For the Gaussian kernel use: ganmetrics evaluate --metrics cmmd",
    "kid_kernel_poly_degree": "KID is defined with the degree 3",
    "kid_kernel_poly_gamma": "KID is defined with one over the dimensions",
    "kid_kernel_poly_coef0": "KID is defined with 1",
    "samples_shuffle": "The score of sorted images would be that of single classes",
    "samples_resize_and_crop": "Resize the images beforehand",
    "datasets_download": "Set GANMETRICS_OFFLINE=1 in its place",
    "fid_statistics_file": "Statistics are scored by: ganmetrics fid STATISTICS.npz FAKE",
}
SHORT = {"batch_size": "-b", "json": "-j", "isc": "-i", "fid": "-f", "kid": "-k", "prc": "-r", "ppl": "-p"}
HELP = {
    "input1": "the generated images: a folder, a zip or a name",
    "input2": f"the real ones; names are {', '.join(DATA_SETS)}",
    "batch_size": "images in one forward pass",
    "isc": "Inception Score",
    "fid": "Fréchet inception distance",
    "kid": "kernel inception distance",
    "prc": "precision and recall",
    "feature_extractor": "inception-v3-compat or vgg16 for all metrics; if left out, vgg16 for --prc alone",
    "feature_extractor_weights_path": "a weights file in place of the published one",
    "feature_layer_fid": "64, 192, 768 or 2048 of Inception, fc2 or fc2_relu of VGG16; the last of each if left out",
    "feature_layer_kid": "as for FID",
    "feature_layer_prc": "as for FID",
    "input1_model_num_samples": "of a generative model, which only the function in Python takes",
    "input2_model_num_samples": "as for input1",
    "kid_subsets": "number of subsets",
    "kid_subset_size": "images in each",
    "isc_splits": "number of splits",
    "prc_neighborhood": "which nearest neighbour a ball reaches to",
    "samples_find_deep": "read sub-folders too",
    "samples_find_ext": "the suffixes of image files",
    "datasets_root": "the folder of the data sets that have names",
    "rng_seed": "of subsets, shuffles and latents",
    "verbose": "show no progress and no cautions",
}
KEYS = {
    "is": "inception_score",
    "fid": "frechet_inception_distance",
    "kid": "kernel_inception_distance",
    "precision": "precision",
    "recall": "recall",
}
# Names of defaults that torch-fidelity resolves later.
ALSO = {"feature_layer_isc": "logits_unbiased", "feature_extractor_internal_dtype": "float32"}
HINTS = {
    "E-UNREADABLE": "Repair or remove them",
    "E-TOO-FEW": "Add images, or lower `kid_subset_size`, `isc_splits` or `prc_neighborhood`",
}
# torch-fidelity has no option for the processes that decode.
NAMES = {"workers": "ganmetrics evaluate --workers"}
WITHOUT_EFFECT = (
    "prc_batch_size", "samples_ext_lossy", "cache_root", "cache", "input1_cache_name", "input2_cache_name",
    "save_cpu_ram",
)  # fmt: skip


def calculate_metrics(
    *, input1: Any = None, input2: Any = None, cuda: bool = True, batch_size: int = 64,
    isc: bool = False, fid: bool = False, kid: bool = False, prc: bool = False, ppl: bool = False,
    feature_extractor: str | None = None, feature_layer_isc: str | None = None, feature_layer_fid: str | None = None,
    feature_layer_kid: str | None = None, feature_layer_prc: str | None = None,
    feature_extractor_weights_path: AnyPath | None = None, feature_extractor_internal_dtype: str | None = None,
    feature_extractor_compile: bool = False, isc_splits: int = 10, kid_subsets: int = 100, kid_subset_size: int = 1000,
    kid_kernel: str = "poly", kid_kernel_poly_degree: int = 3, kid_kernel_poly_gamma: float | None = None,
    kid_kernel_poly_coef0: float = 1.0, prc_neighborhood: int = 3, prc_batch_size: int = 10_000,
    samples_shuffle: bool = True, samples_find_deep: bool = False, samples_find_ext: str = "png,jpg,jpeg",
    samples_ext_lossy: str = "jpg,jpeg", samples_resize_and_crop: int = 0, datasets_root: AnyPath | None = None,
    datasets_download: bool = True, cache_root: AnyPath | None = None, cache: bool = True,
    input1_cache_name: str | None = None, input2_cache_name: str | None = None,
    input1_model_num_samples: int | None = None, input2_model_num_samples: int | None = None,
    rng_seed: int = 2020, save_cpu_ram: bool = False, verbose: bool = True, fid_statistics_file: AnyPath | None = None,
) -> dict[str, float]:  # fmt: skip
    """Score ``input1``, the generated set, against ``input2``, the real one, under torch-fidelity's names.

    Parameters
    ----------
    input1, input2 : folder, name, tensor, Dataset, generative model or Source
        Names are those of ``DATA_SETS``; a model is one of torch-fidelity's, unconditional, with its number of samples.
    cuda : bool
        The best device there is, or else the CPU.
    isc, fid, kid, prc : bool
        Which scores.
    feature_extractor : {"inception-v3-compat", "vgg16"}, optional
        For all of them; if left out, VGG16 for precision and recall and Inception for the others.
    feature_layer_fid, feature_layer_kid, feature_layer_prc : str, optional
    samples_find_deep, samples_find_ext : bool, str
        Files of a folder that these leave out are not read, which a warning says.

    Returns
    -------
    dict of str to float
        ``inception_score_mean``, ``inception_score_std``, ``frechet_inception_distance``,
        ``kernel_inception_distance_mean``, ``kernel_inception_distance_std``, ``precision``, ``recall``, ``f_score``.

    Raises
    ------
    UsageError, InputError, StatisticsError, WeightsError, ResourceError
        As ``gm.evaluate``; UsageError for what is not supported.

    Notes
    -----
    The other parameters are torch-fidelity's too, ``fid_statistics_file`` that of its forks. Those of ``REFUSED`` take
    their default alone, and those of ``WITHOUT_EFFECT`` take any value and move no number.
    """
    # Before anything else is defined, ``locals`` holds the arguments alone.
    _refuse(locals())
    from ganmetrics.compat._sides import announce, peers_reading

    needs_real = fid or kid or prc
    _check_given(input1, input2, needs_real=needs_real)
    asked = {
        "isc": isc and f"is(splits={isc_splits},seed={rng_seed})",
        "fid": fid and "fid",
        "kid": kid and f"kid(subset_size={kid_subset_size},num_subsets={kid_subsets},seed={rng_seed})",
        "prc": prc and f"precision_recall(neighbors={prc_neighborhood})",
    }
    layers = {"fid": feature_layer_fid, "kid": feature_layer_kid, "prc": feature_layer_prc}
    groups = _groups({name: text for name, text in asked.items() if text}, feature_extractor, layers)
    reading = peers_reading(progress=verbose)
    opening = Opening(samples_find_deep, samples_find_ext, datasets_root, rng_seed, reading)
    sides = [
        (opening.images(input2, input2_model_num_samples) if needs_real else None,
         opening.images(input1, input1_model_num_samples))
        # Each pass opens the images anew, because a generator starts again.
        for _ in groups
    ]  # fmt: skip
    scores = _scores(sides, groups, reading, feature_extractor_weights_path, batch_size, uses_gpu=cuda)
    if verbose:
        announce([sentence for score in scores.values() for sentence in score.warnings], stacklevel=3)
    return _named(scores)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and leave with its exit code."""
    run(_parser(), _answer, arguments)


def _answer(given: argparse.Namespace) -> str:
    # The command's own options leave the rest as arguments of ``calculate_metrics``.
    options = vars(given)
    is_json, is_cpu, gpu = (options.pop(name) for name in ("json", "cpu", "gpu"))
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    uses_gpu = not is_cpu and bool(os.environ.get("CUDA_VISIBLE_DEVICES"))
    # CUDA reads the variable once, when torch first asks for a device.
    import torch

    if gpu is not None and not torch.cuda.is_available():
        hint = "Pass `cpu=True`, or leave `gpu` out"
        raise UsageError(f"there is no CUDA device {gpu}", where="gpu", hint=hint, code="E-DEVICE")
    scores = calculate_metrics(cuda=uses_gpu, **options)
    return json.dumps(scores, indent=4) if is_json else "\n".join(f"{name}: {scores[name]:.7g}" for name in scores)


def _parser() -> Parser:
    """Return the arguments of ``calculate_metrics`` as torch-fidelity's command spells them."""
    about = "Scores of generated images with torch-fidelity's arguments and its numbers."
    parser = Parser(prog=PROGRAM, description=about)
    device = parser.add_mutually_exclusive_group()
    device.add_argument("-g", "--gpu", metavar="N", help="use this GPU; it overrides CUDA_VISIBLE_DEVICES")
    device.add_argument("-c", "--cpu", action="store_true", help="use the CPU, whatever there is")
    parser.add_argument("-j", "--json", action="store_true", help="print the scores as JSON")
    for name, parameter in inspect.signature(calculate_metrics).parameters.items():
        # --gpu and --cpu stand in its place.
        if name != "cuda":
            _add(parser, name, parameter.default, str(parameter.annotation))
    return parser


def _add(parser: Parser, name: str, default: Any, annotation: str) -> None:
    option = f"--{name.replace('_', '-')}"
    words = HELP.get(name, "accepted, and moves no number" if name in WITHOUT_EFFECT else "")
    words = f"not supported. {REFUSED[name]}" if name in REFUSED else words
    if default is True:
        option = "--silent" if name == "verbose" else f"--no-{option[2:]}"
        parser.add_argument(option, dest=name, action="store_false", help=words)
    elif default is False:
        parser.add_argument(*SHORT.get(name, "").split(), option, action="store_true", help=words)
    else:
        kind, letter = {"int": (int, "N"), "float": (float, "X")}.get(annotation.split(" ")[0], (str, "TEXT"))
        words += "" if default is None or name in REFUSED else f" [default: {default}]"
        names = (*SHORT.get(name, "").split(), option)
        parser.add_argument(*names, default=default, type=kind, metavar=letter, help=words.strip())


def _refuse(given: Mapping[str, Any]) -> None:
    """Refuse values of ``REFUSED`` that would change a number, or do nothing where something is asked for."""
    parameters = inspect.signature(calculate_metrics).parameters
    for name, hint in REFUSED.items():
        if given[name] not in (parameters[name].default, ALSO.get(name)):
            raise UsageError(f"{name} is {given[name]!r}, which is not supported", where=name, hint=hint)
    asked = [name for name in ("isc", "fid", "kid", "prc") if given[name]]
    if not asked:
        raise UsageError("no metric was asked for", where="isc, fid, kid, prc", hint="Ask for one, as with `fid=True`")


def _check_given(input1: Any, input2: Any, *, needs_real: bool) -> None:
    for name, value in (("input1", input1), ("input2", input2)):
        if value is None and (name == "input1" or needs_real):
            hint = "input1 are the generated images, input2 the real ones"
            raise UsageError(f"there is no {name}", where=name, hint=hint)


def _groups(asked: Mapping[str, str], network: str | None, layers: Mapping[str, str | None]) -> dict[str, list[str]]:
    """Return the metrics of each extractor: ``{"inception": ["fid", "kid(…)"], "vgg16": ["precision_recall(…)"]}``."""
    if network not in (None, *NETWORKS):
        raise unknown("feature_extractor", str(network), list(NETWORKS))
    if network == "vgg16" and "isc" in asked:
        raise UsageError("VGG16's Inception Score is not supported", where="isc", hint="Leave out isc, or the network")
    groups: dict[str, list[str]] = {}
    for name, metric in asked.items():
        extractor, own = NETWORKS[network or ("vgg16" if name == "prc" else "inception-v3-compat")]
        # A layer other than the network's own needs a pass of its own.
        layer = layers.get(name) or own
        groups.setdefault(extractor if layer == own else f"{extractor}:{layer}", []).append(metric)
    return groups


def _scores(
    sides: Sequence[tuple[Any, Any]],
    groups: Mapping[str, Sequence[str]],
    reading: Reading,
    weights: AnyPath | None,
    batch_size: int,
    *,
    uses_gpu: bool,
) -> dict[str, Score]:
    """Score every group; all networks are loaded before the first image is read."""
    from ganmetrics.compat._sides import own_hints
    from ganmetrics.evaluation.evaluate import evaluate
    from ganmetrics.extractors import load_extractor

    networks = [load_extractor(extractor, weights) for extractor in groups]
    scores: dict[str, Score] = {}
    for (real, fake), network, metrics in zip(sides, networks, groups.values(), strict=True):
        with own_hints(HINTS, NAMES):
            result = evaluate(
                real, fake, metrics=metrics, extractor=network, device="auto" if uses_gpu else "cpu",
                batch_size=batch_size, ci="off", reading=reading,
            )  # fmt: skip
        scores |= result.scores
    return scores


def _named(scores: Mapping[str, Score]) -> dict[str, float]:
    """Return the scores under torch-fidelity's names, in its order."""
    named: dict[str, float] = {}
    for name, key in KEYS.items():
        if name in scores and scores[name].std is not None:
            named |= {f"{key}_mean": scores[name].value, f"{key}_std": float(scores[name].std or 0)}
        elif name in scores:
            named[key] = scores[name].value
    if "precision" in named:
        precision, recall = named["precision"], named["recall"]
        # torch-fidelity's guard against a division by zero.
        named["f_score"] = 2 * precision * recall / max(1e-5, precision + recall)
    return named


if __name__ == "__main__":
    main()
