"""Everything of a process that a library could leave changed, as one dictionary that can be compared."""

from __future__ import annotations

import gc
import locale
import logging
import multiprocessing
import os
import random
import signal
import socket
import sys
import threading
import warnings
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageFile


def process_state() -> dict[str, Any]:
    """Flags, filters, random streams, threads, environment; reading one of torch's switches may fail, which counts."""
    numpy_stream = np.random.get_state()
    return {
        "truncated images": ImageFile.LOAD_TRUNCATED_IMAGES,
        "most pixels": Image.MAX_IMAGE_PIXELS,
        "warning filters": list(warnings.filters),
        "showwarning": warnings.showwarning,
        "environment": {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
        "folder": os.getcwd(),
        "random": random.getstate(),
        "numpy.random": (*numpy_stream[:1], numpy_stream[1].tobytes(), *numpy_stream[2:]),
        "torch.random": torch.get_rng_state().tolist(),
        "numpy errors": np.geterr(),
        "streams": (sys.stdout, sys.stderr),
        "hooks": (sys.excepthook, threading.excepthook),
        "signals": {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)},
        "logging": (logging.root.level, list(logging.root.handlers), logging.root.manager.disable),
        "threads": threading.active_count(),
        "start method": multiprocessing.get_start_method(allow_none=True),
        "children": len(multiprocessing.active_children()),
        "locale": locale.setlocale(locale.LC_ALL),
        "garbage": (gc.isenabled(), gc.get_threshold()),
        "sockets": socket.getdefaulttimeout(),
        "recursion": sys.getrecursionlimit(),
        **_torch_state(),
    }


def _torch_state() -> dict[str, Any]:
    backends: Any = torch.backends
    state: dict[str, Any] = {
        "cudnn": (backends.cudnn.enabled, backends.cudnn.benchmark, backends.cudnn.deterministic),
        "cudnn.allow_tf32": backends.cudnn.allow_tf32,
        "matmul.allow_tf32": backends.cuda.matmul.allow_tf32,
        "matmul precision": torch.get_float32_matmul_precision(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "threads of torch": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "modes": (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")),
        "default": (torch.get_default_dtype(), torch.get_default_device()),
    }
    if hasattr(getattr(backends.cudnn, "conv", None), "fp32_precision"):
        cudnn, onednn = backends.cudnn, backends.mkldnn
        switches = (backends.cuda.matmul, cudnn.conv, cudnn.rnn, onednn.conv, onednn.matmul, onednn.rnn)
        state["precision of operations"] = [each.fp32_precision for each in switches]
    return state
