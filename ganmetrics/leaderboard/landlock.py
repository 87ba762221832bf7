"""Linux's Landlock: a process gives up the file system but for a few paths, for good."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

# System calls, with the same numbers on every architecture.
CREATE, ADD, RESTRICT = 444, 445, 446
VERSION_FLAG, PATH_BENEATH = 1, 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
# Rights to remove and make entries of folders.
CHANGES = sum(1 << bit for bit in range(4, 13))
# Rights that versions 2 and 3 of Landlock added.
REFER, TRUNCATE = 1 << 13, 1 << 14
READ = EXECUTE | READ_FILE | READ_DIR
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc", "/opt", "/nix", "/proc", "/dev/null", "/dev/urandom", "/dev/zero")


def confine(reads: Iterable[str], writes: Iterable[str]) -> bool:
    """Restrict this process to the interpreter, its libraries and some paths; return whether the system could.

    Parameters
    ----------
    reads, writes : iterable of path
        Paths that may be read, and folders in which files may be written too.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(VERSION_FLAG))
    if version < 1:
        return False
    handled = READ | WRITE_FILE | CHANGES | (REFER if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0)
    attribute = struct.pack("Q", handled)
    ruleset = libc.syscall(CREATE, attribute, ctypes.c_size_t(len(attribute)), ctypes.c_uint32(0))
    if ruleset < 0:
        return False
    try:
        for place in {*reads, *_interpreter()}:
            _allow(libc, ruleset, place, READ)
        for place in {*writes}:
            _allow(libc, ruleset, place, handled & ~(EXECUTE | REFER))
        return bool(libc.syscall(RESTRICT, ruleset, ctypes.c_uint32(0)) == 0)
    finally:
        os.close(ruleset)


def _interpreter() -> set[str]:
    """Return the folders of Python, the packages and the system's libraries, without the working folder."""
    own = str(Path(__file__).resolve().parents[1])
    places = {*SYSTEM, *sys.path, sys.prefix, sys.base_prefix, own}
    return {place for place in places if place and os.path.abspath(place) != "/"}


def _allow(libc: ctypes.CDLL, ruleset: int, place: str, access: int) -> None:
    try:
        descriptor = os.open(place, os.O_PATH | os.O_CLOEXEC)
    # A place that this machine does not have needs no rule.
    except OSError:
        return
    try:
        access = access if os.path.isdir(place) else access & OF_FILES
        libc.syscall(ADD, ruleset, PATH_BENEATH, struct.pack("=Qi", access, descriptor), ctypes.c_uint32(0))
    finally:
        os.close(descriptor)
