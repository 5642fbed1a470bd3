"""Install torch without GPU packages where a CPU build can be had; called by the Makefile before anything else.

An open range, or the default registry's Linux build, brings several gigabytes of GPU libraries onto a machine that has
no GPU. So: a CPU build that pip resolves already, else one short try at the public CPU index, else whatever there is.
"""

from __future__ import annotations

import json
import subprocess
import sys

GPU_PACKAGES = ("nvidia-", "triton", "cuda-")


def needs_gpu_packages(requirement: str) -> bool:
    """Return whether pip would install GPU packages for this requirement from where it looks by default."""
    dry_run = [*PIP, "--dry-run", "--quiet", "--report", "-", requirement]
    outcome = subprocess.run(dry_run, capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        return True
    names = [str(item["metadata"]["name"]) for item in json.loads(outcome.stdout)["install"]]
    return any(name.startswith(GPU_PACKAGES) for name in names)


PIP = [sys.executable, "-m", "pip", "install"]


def main() -> int:
    """Install the requirement and return pip's exit status."""
    requirement, cpu_index = sys.argv[1], sys.argv[2]
    if not needs_gpu_packages(requirement):
        return subprocess.run([*PIP, "--quiet", requirement], check=False).returncode
    from_index = [*PIP, "--quiet", "--index-url", cpu_index, "--timeout", "5", "--retries", "0", requirement]
    if subprocess.run(from_index, check=False, stderr=subprocess.DEVNULL).returncode == 0:
        return 0
    sys.stdout.write(
        "No CPU build of torch can be reached, so the default one is installed: "
        "several GB of GPU packages that this program does not need.\n"
    )
    return subprocess.run([*PIP, "--quiet", requirement], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
