"""A worker: it takes submissions from the queue, one at a time, and appends the outcome of each to the chain."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ganmetrics._files import remove_abandoned
from ganmetrics.errors import ResourceError
from ganmetrics.leaderboard.recomputation import CPU, Machine
from ganmetrics.leaderboard.store import LEASE, MOST_ATTEMPTS

if TYPE_CHECKING:
    from ganmetrics.leaderboard.board import Board
    from ganmetrics.leaderboard.store import Submission

# Seconds between looks at an empty queue, and after a failure of the store or the disk.
IDLE = 1.0
PATIENCE = 10.0


def worker_name() -> str:
    """Return a name that no other worker has."""
    return f"{socket.gethostname()[:30]}-{os.getpid()}-{secrets.token_hex(4)}"


def end_with(parent: int) -> None:
    """Terminate this process once its parent is gone: a parent that was killed cannot say so."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(IDLE)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


class Worker:
    """One worker of a board.

    Parameters
    ----------
    board : Board
    machine : Machine
        The device and the threads that a scoring may use.
    lease : float
        Seconds after which a worker that was not heard of counts as gone.
    tell : callable
        Called with a line about each submission.
    """

    def __init__(
        self,
        board: Board,
        machine: Machine = CPU,
        *,
        lease: float = LEASE,
        tell: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.board, self.machine, self.lease, self.tell = board, machine, lease, tell
        self.name = worker_name()

    def step(self, public_id: str = "") -> bool:
        """Score the oldest submission that waits, or a named one; return false where there is none."""
        submission = self.board.store.claim(self.name, lease=self.lease, public_id=public_id)
        if submission is None:
            return False
        if submission.attempts > MOST_ATTEMPTS:
            reason = f"scoring was begun {MOST_ATTEMPTS} times and never ended"
            facts = {**self.board.identity(submission), "reason": reason, "code": "E-WORKER"}
            self.board.store.finish(submission, "reject", facts)
            return True
        try:
            machine = replace(self.machine, is_wanted=_Heartbeat(self, submission))
            kind, facts = self.board.score(submission, machine)
        except BaseException:
            self.board.store.release(submission)
            raise
        if self.board.store.finish(submission, kind, facts):
            self.tell(f"{submission.public_id}: {'scored' if kind == 'score' else 'rejected: ' + facts['reason']}")
        return True

    def run(self, *, until_empty: bool = False) -> None:
        """Score submissions for ever, or until nothing waits; failures of store and disk are waited out."""
        remove_abandoned(self.board.places["submissions"])
        while True:
            try:
                worked = self.step()
            except ResourceError as error:
                self.tell(f"waiting {PATIENCE:.0f} s: {error}")
                time.sleep(PATIENCE)
                continue
            if not worked:
                if until_empty:
                    return
                time.sleep(IDLE)


class _Heartbeat:
    """Renews the lease now and then; false once another worker has the submission."""

    def __init__(self, worker: Worker, submission: Submission) -> None:
        self.worker, self.submission, self.last = worker, submission, time.monotonic()

    def __call__(self) -> bool:
        if time.monotonic() - self.last < self.worker.lease / 4:
            return True
        self.last = time.monotonic()
        try:
            return self.worker.board.store.renew(self.submission, self.worker.lease)
        except ResourceError:
            # A store that cannot be reached gives the submission to nobody else.
            return True
