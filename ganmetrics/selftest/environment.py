"""The machine as a report of a self-test describes it: versions, devices, folders."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from importlib import metadata
from importlib.util import find_spec
from typing import Any

NEEDED = ("torch", "torchvision", "numpy", "scipy", "pillow", "click", "safetensors")
EXTRAS = {"vit": "timm", "ray": "ray", "leaderboard": "sqlalchemy"}
NETWORK = "inception-2015-12-05"


def environment() -> dict[str, Any]:
    """Return the versions that scores depend on, the devices, and where weights and features are kept."""
    return {**system(), **versions("ganmetrics", *NEEDED), **_devices(), **_places()}


def system() -> dict[str, str]:
    """Return the names and versions of the system and of Python."""
    return {"system": f"{platform.system()} {platform.machine()}", "python": platform.python_version()}


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of the packages that are installed."""
    installed = {}
    for package in packages:
        with suppress(metadata.PackageNotFoundError):
            installed[package] = metadata.version(package)
    return installed


def _devices() -> dict[str, Any]:
    import torch
    from PIL import features

    gpus = [torch.cuda.get_device_name(place) for place in range(torch.cuda.device_count())]
    return {
        "JPEG decoder": f"libjpeg-turbo {features.version('libjpeg_turbo') or 'absent'}",
        "CPU threads": torch.get_num_threads(),
        "CPU capability": torch.backends.cpu.get_cpu_capability(),
        "GPUs": ", ".join(gpus) or "none",
        "CUDA of torch": torch.version.cuda or "none",
    }


def _places() -> dict[str, Any]:
    from ganmetrics._files import shown
    from ganmetrics.extractors.weights.weight_store import known, locate
    from ganmetrics.measurement.feature_cache import cache_folder

    place = locate(known(NETWORK))
    extras = [extra for extra, module in EXTRAS.items() if find_spec(module)]
    return {
        "extras": ", ".join(extras) or "none",
        "Inception's weights": shown(place) if place else "not here; `ganmetrics weights fetch inception-2015-12-05`",
        "features are kept in": shown(cache_folder()),
        "GANMETRICS_OFFLINE": os.environ.get("GANMETRICS_OFFLINE", "not set"),
    }
