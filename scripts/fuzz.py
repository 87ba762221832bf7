"""Give readers changed files for as long as is wanted: ``python scripts/fuzz.py --reader npz --minutes 10``.

Whatever a reader does but take a file or refuse it by an error of ours is kept in a folder with its file, which
``--replay FILE`` reads again. The short run of the tests is the same with a seed of its own.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

MEMORY = 6 << 30  # bytes of address space beyond those in use; a reader that wants more shows by the memory it took
SECONDS = 120.0  # for one file, where a loop in C does not heed the limit of ``judging``
PAUSE = 10.0  # seconds between two lines of progress


def main() -> int:
    """Run and say what was found; 1 where something was."""
    asked = _arguments()
    os.environ["GANMETRICS_OFFLINE"] = "1"
    os.environ["GANMETRICS_CACHE_DIR"] = tempfile.mkdtemp(prefix="fuzz-cache-")
    from fuzzing.campaign import Campaign
    from fuzzing.readers import READERS

    if asked.list:
        print("\n".join(READERS))
        return 0
    names = asked.reader or list(READERS)
    campaigns = [Campaign(name, asked.output.resolve()) for name in names]
    if asked.replay:
        return _replay(campaigns, asked.replay)
    for campaign in campaigns:
        _limit_memory()
        _run(campaign, asked.minutes * 60 / len(campaigns), asked.seed)
    return int(any(campaign.findings for campaign in campaigns))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reader", action="append", help="may be repeated; default: all, each for its share")
    parser.add_argument("--minutes", type=float, default=10.0, help="in all (default: 10)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the changes (default: the time)")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="have one file read and say what happened")
    parser.add_argument("--output", type=Path, default=Path("fuzz-findings"), help="where findings go")
    parser.add_argument("--list", action="store_true", help="the names of the readers")
    return parser.parse_args()


def _replay(campaigns, path: Path) -> int:
    findings = [campaign.give(path.read_bytes()) for campaign in campaigns]
    for campaign, finding in zip(campaigns, findings, strict=True):
        print(f"{campaign.name}: {finding or ('taken' if campaign.taken else 'refused')}")
    return int(any(findings))


def _run(campaign, seconds: float, seed: int) -> None:
    start = told = time.monotonic()
    for data in _endless(campaign, seed):
        faulthandler.dump_traceback_later(SECONDS, exit=True)  # the file that it hung on is at campaign.path
        finding = campaign.give(data)
        faulthandler.cancel_dump_traceback_later()
        now = time.monotonic()
        if finding or now - told > PAUSE:
            print(f"{campaign.name}: {_progress(campaign, now - start)} {finding}", file=sys.stderr, flush=True)
            told = now
        if now - start > seconds:
            break
    print(f"{campaign.name}: {_progress(campaign, time.monotonic() - start)}, seed {seed}", flush=True)
    if campaign.findings:
        print(campaign.report(), flush=True)


def _endless(campaign, seed: int):
    yield from campaign.starts
    while True:
        yield from campaign.changed(1000, seed)
        seed += 1


def _progress(campaign, seconds: float) -> str:
    count = campaign.taken + campaign.refused
    return f"{count} files in {seconds:.0f} s, {campaign.taken} taken, {len(campaign.findings)} findings"


def _limit_memory() -> None:
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY, resource.RLIM_INFINITY))


if __name__ == "__main__":
    sys.exit(main())
