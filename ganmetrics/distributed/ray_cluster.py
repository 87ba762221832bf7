"""Ray in this process: the cluster is joined or started for a while, quietly, and the process is left as before."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from ganmetrics.errors import ResourceError, UsageError

RETRIES = 3  # of what a worker did when it died, before the run ends
PATIENCE = 86_400.0  # seconds that a worker may take for its part
SILENT = logging.CRITICAL + 1
CORE_LEVEL = "RAY_BACKEND_LOG_LEVEL"


@contextmanager
def connected() -> Iterator[None]:
    """Within it there is Ray: the one that is there already, that of RAY_ADDRESS, else one on this machine.

    What is joined or started here is left at the end. Several calls of the engine within it share one start.

    Raises
    ------
    UsageError
        Ray is not installed.
    ResourceError
        The cluster is not there, or Ray does not start.
    """
    ray = require_ray()
    is_mine = not ray.is_initialized()
    with _environment(), _silence(), _settings():
        try:
            if is_mine:
                _start(ray)
            yield
        finally:
            if is_mine:
                with _handlers():
                    ray.shutdown()


def require_ray() -> Any:
    """The package of that name with its part for data (UsageError where it is not installed)."""
    try:
        with _environment(), _handlers():
            import ray
            import ray.data
    except ImportError as error:
        what = f"the engine ray needs Ray Data, which is not installed ({first_line(error)})"
        raise UsageError(what, where="engine", hint="pip install 'ganmetrics[ray]'") from error
    return ray


def first_line(error: BaseException) -> str:
    """What an error says, in one line, or its class where it says nothing."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]


def _start(ray: Any) -> None:
    address = os.environ.get("RAY_ADDRESS", "")
    local = {} if address else {"include_dashboard": False}
    try:
        with _handlers(), _quiet_core():
            ray.init(log_to_driver=False, logging_level=SILENT, **local)
    except Exception as error:  # of many classes, all meaning that there is no Ray
        what = f"Ray does not start: {first_line(error)}"
        hint = "Look whether the cluster runs (ray status), or unset RAY_ADDRESS"
        raise ResourceError(what, where=address or "this machine", hint=hint, code="E-RAY") from error


@contextmanager
def _quiet_core() -> Iterator[None]:
    """Have Ray's core, which writes to stderr, tell nothing; that it does so is what it tells while it starts."""
    with ExitStack() as stack:
        if CORE_LEVEL not in os.environ:
            os.environ[CORE_LEVEL] = "fatal"
            kept = os.dup(2)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, 2)
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, 2)
            os.close(nothing)
        yield


@contextmanager
def _handlers() -> Iterator[None]:
    """Around an import, start or end of Ray: its warnings are silent, handlers and hooks are put back."""
    hook, handler = sys.excepthook, signal.getsignal(signal.SIGTERM)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.excepthook = hook
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)


@contextmanager
def _environment() -> Iterator[None]:
    """The environment, put back at the end."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _silence() -> Iterator[None]:
    """Nothing of Ray's loggers, and no warnings of its code about itself."""
    loggers = [(logging.getLogger(name), logging.getLogger(name).level) for name in ("ray", "ray.data")]
    for logger, _ in loggers:
        logger.setLevel(SILENT)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"ray(\.|$)")
            # Ray Data would rather not be told how often a worker is replaced, and offers no other way to say it.
            warnings.filterwarnings("ignore", message=r"`ray_remote_args` is deprecated")
            yield
    finally:
        for logger, level in loggers:
            logger.setLevel(level)


@contextmanager
def _settings() -> Iterator[None]:
    """Ray Data without bars and lines of its own, and as the engine needs it."""
    from ray.data import DataContext

    context = DataContext.get_current().copy()
    context.enable_progress_bars = context.print_on_execution_start = False
    context.execution_options.preserve_order = True  # the same sums, to the last bit, in every run on such a cluster
    context.raise_original_map_exception = True
    context.max_consecutive_actor_init_deaths = RETRIES
    context.execution_no_progress_timeout_s = PATIENCE
    with DataContext.current(context):
        yield
