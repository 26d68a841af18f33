"""Name installed packages with known holes. Exit code 1 where one has a mend; no failure where nobody can be asked."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import urllib.request
from contextlib import suppress

from pip._internal.models.index import PyPI

LIST = f"{PyPI.pypi_url}/pip/json"  # where pip-audit asks, a package at a time
SOON = 10  # seconds, to learn whether it answers at all
SECONDS = 300  # for everything: about a second for each package where the list is slow
COMMAND = (
    sys.executable,
    "-m",
    "pip_audit",
    "--format",
    "json",
    "--progress-spinner",
    "off",
    "--timeout",
    "5",
)


def main() -> None:
    """Ask, and print a line for each hole."""
    if not reachable():
        sys.exit(judged([]))
    try:
        ran = subprocess.run(COMMAND, capture_output=True, text=True, timeout=SECONDS)
        packages = json.loads(ran.stdout)["dependencies"]
    except (OSError, ValueError, KeyError, subprocess.TimeoutExpired):
        packages = []
    sys.exit(judged(packages))


def reachable() -> bool:
    """Whether the list of known holes answers soon; else pip-audit would wait for every package in turn."""
    answered = threading.Event()

    def ask() -> None:
        with suppress(OSError, ValueError), urllib.request.urlopen(LIST, timeout=SOON) as answer:
            if "vulnerabilities" in json.load(answer):
                answered.set()

    asking = threading.Thread(target=ask, daemon=True)  # its timeout is for each of the server's addresses
    asking.start()
    asking.join(SOON)
    return answered.is_set()


def judged(packages: list[dict]) -> int:
    """Print what was found of pip-audit's packages; the exit code."""
    asked = [package for package in packages if "vulns" in package]
    if not asked:
        print(
            "Known holes of the installed packages: not checked, their list does not answer in time from here."
        )
        return 0
    mends = 0
    for package in asked:
        for hole in package["vulns"]:
            fixed = ", ".join(hole["fix_versions"])
            mends += bool(fixed)
            print(
                f"{package['name']} {package['version']} has {hole['id']}; mended in: {fixed or 'no version yet'}"
            )
    print(f"Known holes of {len(asked)} of {len(packages)} installed packages: {mends} with a mend.")
    return int(mends > 0)


if __name__ == "__main__":
    main()
