"""Install the blocks of `peers.txt` one by one into the Python that runs this, and note what could not be installed.

Knows the standard library alone: it runs in the peers' environment, where nothing of ours is installed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("peers.txt")
# Beside the environment's own files; `python -m eval peers` reads it.
NOT_INSTALLED = "peers-not-installed.json"
EVERYONE = "everyone"
BLOCK = re.compile(r"# --- (\w+) ---")


def blocks(text: str) -> dict[str, list[str]]:
    """Return the requirements by block, in the order of the file; what stands before the first block is left out."""
    found: dict[str, list[str]] = {}
    requirements: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if heading := BLOCK.fullmatch(line):
            requirements = found.setdefault(heading[1], [])
        elif line and not line.startswith("#"):
            requirements.append(line)
    return found


def install(requirements: Sequence[str]) -> str | None:
    """Install requirements into the Python that runs this; return pip's reason where it cannot."""
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *requirements]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if outcome.returncode == 0 else reason_in(outcome.stdout + outcome.stderr)


def reason_in(said: str) -> str:
    """Return the first of pip's errors, and what it says of a conflict's cause."""
    error = re.search(r"^ERROR: (.*)", said, re.MULTILINE)
    causes = re.search(r"^The conflict is caused by:\n((?: +.*\n)+)", said, re.MULTILINE)
    # pip lists every version that there is, in brackets.
    first = re.sub(r" \(from versions: .*\)", "", error[1]) if error else "pip did not say why"
    return " ".join([first, *("; ".join(map(str.strip, one[1].splitlines())) for one in [causes] if one)])


def main() -> int:
    """Install everything that can be; 1 only where what all peers need cannot."""
    installed: list[str] = []
    reasons: dict[str, str] = {}
    for name, requirements in blocks(REQUIREMENTS.read_text(encoding="utf-8")).items():
        # With what is there already, so that no block moves another's versions.
        if reason := install([*installed, *requirements]):
            reasons[name] = reason
            sys.stderr.write(f"{name} was not installed: {reason}\n")
        else:
            installed += requirements
    Path(sys.prefix, NOT_INSTALLED).write_text(json.dumps(reasons, indent=2), encoding="utf-8")
    return int(EVERYONE in reasons)


if __name__ == "__main__":
    sys.exit(main())
