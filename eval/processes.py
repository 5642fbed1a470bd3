"""Measuring in a process of its own, so that peak memory is that part's and nothing is warm from the part before."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from eval.errors import EvaluationError

ROOT = Path(__file__).parents[1]


def measured_apart(module: str, part: str, seconds: float, **arguments: Any) -> dict[str, Any]:
    """Run `python -m MODULE PART ARGUMENTS`, which prints one line of JSON at its end, and return what that says.

    Args:
        module: Gets the part's name and its arguments as JSON.
        seconds: After so long it hangs.

    Raises:
        EvaluationError: It failed; its own words stand on standard error.
    """
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", module, part, json.dumps(arguments)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=seconds,
        env={**os.environ, "PYTHONPATH": path},
    )
    if done.returncode:
        raise EvaluationError(
            f"The bench process {part!r} ended with status {done.returncode}; its reason stands above."
        )
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def end(process: subprocess.Popen[str], patience_seconds: float) -> None:
    """Ask a process to end, and make it where it does not in time."""
    process.terminate()
    try:
        process.wait(patience_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def peaks() -> dict[str, float]:
    """Return the peak memory of this process and of its largest child that has ended, in megabytes (2**20 bytes)."""
    # Linux counts kilobytes, macOS bytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return {
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit,
        "children_peak": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit,
    }
