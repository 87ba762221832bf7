"""The child process: what breaks there breaks there alone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import boards
import pytest

from ganmetrics.errors import RejectedError, ResourceError
from ganmetrics.leaderboard import sandbox
from ganmetrics.leaderboard.sandbox import Limits

LIMITS = Limits(memory=4 << 30, seconds=20, file_bytes=1 << 20)
MODULE = """
import os, signal, socket, time
from ganmetrics.errors import RejectedError
def answer(job):
    {body}
"""


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a body as the child's work, found beside the package's own modules."""
    import ganmetrics.leaderboard

    folder = tmp_path / "extra" / "modules"
    folder.mkdir(parents=True)
    start = tmp_path / "extra" / "sitecustomize.py"
    start.write_text(f"import ganmetrics.leaderboard\nganmetrics.leaderboard.__path__.append({str(folder)!r})\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "extra"))
    assert ganmetrics.leaderboard.__path__

    def run(body: str, limits: Limits = LIMITS, **options: Any) -> dict[str, Any]:
        (folder / "trial.py").write_text(MODULE.format(body=body))
        return sandbox.run("trial", {"folder": str(tmp_path)}, limits, **options)

    return run


def test_an_answer_comes_back(child: Any) -> None:
    assert child("return {'x': job['folder'], 'home': os.environ.get('SECRET')}")["x"]


def test_the_environment_is_not_passed_on(child: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    found = child("return {'names': sorted(os.environ), 'cwd': os.getcwd()}")
    assert "SECRET_TOKEN" not in found["names"] and found["cwd"] == "/"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "crash"),
        ("os.abort()", "crash"),
        ("os._exit(3)", "code 3"),
        ("x = bytearray(8 << 30)", "memory"),
        ("open(job['folder'] + '/big', 'wb').write(bytes(2 << 20))", "crash|bytes|code"),
        ("raise RejectedError('too blue', code='E-BLUE')", "too blue"),
        ("1 / 0", "crash"),
    ],
)
def test_what_breaks_rejects_the_submission(child: Any, body: str, what: str) -> None:
    with pytest.raises(RejectedError, match=what):
        child(body)


@pytest.mark.slow
def test_a_busy_loop_ends(child: Any) -> None:
    with pytest.raises(RejectedError, match=r"time|longer than"):
        child("while True: pass", Limits(memory=4 << 30, seconds=1, file_bytes=1 << 20))


def test_a_sleeper_ends(child: Any) -> None:
    with pytest.raises(RejectedError, match="longer than 2 seconds"):
        child("time.sleep(60)", Limits(memory=4 << 30, seconds=1, file_bytes=1 << 20))


def test_what_another_worker_has_taken_is_left(child: Any) -> None:
    with pytest.raises(ResourceError, match="another worker"):
        child("time.sleep(60)", alive=lambda: False)


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    """A worker that is killed leaves no orphan at work."""
    script = (
        "import os, signal, subprocess, sys, json\n"
        "child = subprocess.Popen([sys.executable, '-c', 'from ganmetrics.leaderboard import sandbox; import os, time;"
        "sandbox._confine(sandbox.Limits(8 << 30, 60, 1 << 20), os.getppid()); print(1, flush=True); time.sleep(60)'],"
        " stdout=subprocess.PIPE, start_new_session=True)\n"
        "child.stdout.readline(); print(child.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)
    boards.until(lambda: not _is_running(pid), 10)


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_the_child_sees_no_other_file(child: Any, tmp_path: Path) -> None:
    """What breaks a decoder open finds neither the store nor the hidden reference, and can change neither."""
    if not landlock_is_there():
        pytest.skip("the kernel has no Landlock")
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    for name in ("secret", "in/given"):
        (tmp_path / name).write_text("x")
    extra = str(tmp_path / "extra")
    limits = Limits(4 << 30, 20, 1 << 20, (str(tmp_path / "in" / "given"), extra), str(tmp_path / "out"))
    tries = {
        "open(root + '/secret').read()": False,
        "open(root + '/secret', 'w')": False,
        "os.unlink(root + '/secret')": False,
        "os.listdir(root)": False,
        "open(root + '/new', 'w')": False,
        "open(root + '/in/given', 'w')": False,
        "open(root + '/in/given').read()": True,
        "open(root + '/out/new', 'w').write('y')": True,
        "__import__('PIL.Image')": True,
    }
    for what, is_allowed in tries.items():
        body = f"root = job['folder']\n    try:\n        {what}\n        return {{'done': True}}"
        found = child(f"{body}\n    except PermissionError:\n        return {{'done': False}}", limits)
        assert found == {"done": is_allowed}, what
    assert (tmp_path / "secret").read_text() == "x"


def landlock_is_there() -> bool:
    import ctypes

    return sys.platform == "linux" and ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint32(1)) >= 1


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="where the network can be taken away")
def test_the_child_has_no_network(child: Any) -> None:
    probe = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x50000000) != 0)"
    if subprocess.run([sys.executable, "-c", probe], check=False).returncode:
        pytest.skip("this system lets nobody take the network away")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass  # it can be reached from here
        found = child(f"s = socket.socket(); s.settimeout(2); return {{'code': s.connect_ex(('127.0.0.1', {port}))}}")
    assert found["code"] != 0
