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
from ganmetrics.compat._fidelity_inputs import register_dataset as register_dataset
from ganmetrics.compat._fidelity_scores import Inputs, Scorer
from ganmetrics.errors import UsageError
from ganmetrics.registry import unknown

if TYPE_CHECKING:
    from ganmetrics.compat._fidelity_models import GenerativeModelBase as GenerativeModelBase
    from ganmetrics.compat._fidelity_models import GenerativeModelModuleWrapper as GenerativeModelModuleWrapper

    AnyPath = str | os.PathLike[str]

PROGRAM = "python -m ganmetrics.compat.fidelity"
# Each network of torch-fidelity with the layer that it reads.
NETWORKS = {"inception-v3-compat": ("inception", "2048"), "vgg16": ("vgg16", "fc2_relu")}
# Options that are refused unless they have their defaults, and what to do instead.
REFUSED = {
    "ppl": "Use gm.ppl in Python: rounding to whole levels, as here, would make most of a step of 1e-4",
    "feature_layer_isc": "Leave it out: the score is of logits_unbiased",
    "feature_extractor_internal_dtype": "Leave it out: networks run in float32, statistics in float64",
    "feature_extractor_compile": "Leave it out",
    "datasets_download": "Set GANMETRICS_OFFLINE=1 in its place",
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
    "samples_resize_and_crop": "cut the images of folders to a square of that side first",
    "fid_statistics_file": "an npz file of mu and sigma in place of the real images, for FID",
    "kid_kernel": "poly or rbf",
    "kid_kernel_poly_degree": "of the polynomial kernel",
    "kid_kernel_poly_gamma": "of the polynomial kernel; one over the dimensions if left out",
    "kid_kernel_poly_coef0": "of the polynomial kernel",
    "kid_kernel_rbf_sigma": "of the Gaussian kernel",
    "samples_shuffle": "take the splits of the Inception Score in the order of the images",
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
KEY_METRIC_ISC_MEAN, KEY_METRIC_ISC_STD = "inception_score_mean", "inception_score_std"
KEY_METRIC_FID = "frechet_inception_distance"
KEY_METRIC_KID_MEAN, KEY_METRIC_KID_STD = "kernel_inception_distance_mean", "kernel_inception_distance_std"
KEY_METRIC_PRECISION, KEY_METRIC_RECALL, KEY_METRIC_F_SCORE = "precision", "recall", "f_score"
# Names of defaults that torch-fidelity resolves later.
ALSO = {"feature_layer_isc": "logits_unbiased", "feature_extractor_internal_dtype": "float32"}
WITHOUT_EFFECT = (
    "prc_batch_size", "samples_ext_lossy", "cache_root", "cache", "input1_cache_name", "input2_cache_name",
    "save_cpu_ram", "ppl_epsilon", "ppl_reduction", "ppl_sample_similarity", "ppl_sample_similarity_resize",
    "ppl_sample_similarity_dtype", "ppl_discard_percentile_lower", "ppl_discard_percentile_higher",
    "ppl_z_interp_mode", "input1_model_z_type", "input1_model_z_size", "input1_model_num_classes",
    "input2_model_z_type", "input2_model_z_size", "input2_model_num_classes",
)  # fmt: skip


def calculate_metrics(
    *, input1: Any = None, input2: Any = None, cuda: bool = True, batch_size: int = 64,
    isc: bool = False, fid: bool = False, kid: bool = False, prc: bool = False, ppl: bool = False,
    feature_extractor: str | None = None, feature_layer_isc: str | None = None, feature_layer_fid: str | None = None,
    feature_layer_kid: str | None = None, feature_layer_prc: str | None = None,
    feature_extractor_weights_path: AnyPath | None = None, feature_extractor_internal_dtype: str | None = None,
    feature_extractor_compile: bool = False, isc_splits: int = 10, kid_subsets: int = 100, kid_subset_size: int = 1000,
    kid_kernel: str = "poly", kid_kernel_poly_degree: int = 3, kid_kernel_poly_gamma: float | None = None,
    kid_kernel_poly_coef0: float = 1.0, kid_kernel_rbf_sigma: float = 10.0, ppl_epsilon: float = 1e-4,
    ppl_reduction: str = "mean", ppl_sample_similarity: str = "lpips-vgg16", ppl_sample_similarity_resize: int = 64,
    ppl_sample_similarity_dtype: str = "uint8", ppl_discard_percentile_lower: int = 1,
    ppl_discard_percentile_higher: int = 99, ppl_z_interp_mode: str = "lerp", prc_neighborhood: int = 3,
    prc_batch_size: int = 10_000,
    samples_shuffle: bool = True, samples_find_deep: bool = False, samples_find_ext: str = "png,jpg,jpeg",
    samples_ext_lossy: str = "jpg,jpeg", samples_resize_and_crop: int = 0, datasets_root: AnyPath | None = None,
    datasets_download: bool = True, cache_root: AnyPath | None = None, cache: bool = True,
    input1_cache_name: str | None = None, input1_model_z_type: str = "normal", input1_model_z_size: int | None = None,
    input1_model_num_classes: int = 0, input1_model_num_samples: int | None = None,
    input2_cache_name: str | None = None, input2_model_z_type: str = "normal", input2_model_z_size: int | None = None,
    input2_model_num_classes: int = 0, input2_model_num_samples: int | None = None,
    rng_seed: int = 2020, save_cpu_ram: bool = False, verbose: bool = True, fid_statistics_file: AnyPath | None = None,
    **unknown: Any,
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
    from ganmetrics.compat._kernels import chosen_kernel
    from ganmetrics.compat._sides import announce, peers_reading

    announce([f"{name} is no argument of calculate_metrics, and moves nothing" for name in unknown], stacklevel=3)
    polynomial = (kid_kernel_poly_degree, kid_kernel_poly_gamma, kid_kernel_poly_coef0)
    kernel = chosen_kernel(kid_kernel, polynomial, kid_kernel_rbf_sigma)
    needs_real = (fid and fid_statistics_file is None) or kid or prc
    _check_given(input1, input2, needs_real=needs_real)
    asked = {
        "isc": isc and f"is(splits={isc_splits},seed={rng_seed})",
        "fid": fid and "fid",
        "kid": kid and f"kid(subset_size={kid_subset_size},num_subsets={kid_subsets},seed={rng_seed})",
        "prc": prc and f"precision_recall(neighbors={prc_neighborhood})",
    }
    layers = {"fid": feature_layer_fid, "kid": feature_layer_kid, "prc": feature_layer_prc}
    groups = _groups({name: text for name, text in asked.items() if text}, feature_extractor, layers)
    crop = f"fidelity-crop:{samples_resize_and_crop}" if samples_resize_and_crop else None
    opening = Opening(
        samples_find_deep, samples_find_ext, datasets_root, rng_seed, peers_reading(progress=verbose, prepare=crop)
    )
    given = Inputs(
        opening, (input2 if needs_real else None, input2_model_num_samples), (input1, input1_model_num_samples),
        fid_statistics_file if fid else None,
    )  # fmt: skip
    scorer = Scorer(feature_extractor_weights_path, "auto" if cuda else "cpu", batch_size)
    scores = scorer.scores(given, groups, kernel, is_shuffled=samples_shuffle)
    if verbose:
        announce(scorer.warnings, stacklevel=3)
    return _named(scores)


def __getattr__(name: str) -> Any:
    # These need torch, which the command's help does not.
    if name not in ("GenerativeModelBase", "GenerativeModelModuleWrapper"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ganmetrics.compat import _fidelity_models

    return getattr(_fidelity_models, name)


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
        # --gpu and --cpu stand in the place of one, and others are none of the command's.
        if name not in ("cuda", "unknown"):
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


def _named(scores: Mapping[str, tuple[float, float | None]]) -> dict[str, float]:
    """Return the scores, each with its deviation over parts, under torch-fidelity's names and in its order."""
    named: dict[str, float] = {}
    for name, key in KEYS.items():
        value, std = scores.get(name, (None, None))
        if value is not None:
            named |= {key: value} if std is None else {f"{key}_mean": value, f"{key}_std": std}
    if "precision" in named:
        precision, recall = named["precision"], named["recall"]
        # torch-fidelity's guard against a division by zero.
        named["f_score"] = 2 * precision * recall / max(1e-5, precision + recall)
    return named


if __name__ == "__main__":
    main()
