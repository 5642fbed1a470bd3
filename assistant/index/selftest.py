"""The child process that tries a vector index: exit 0 when every known vector is found, anything else when not."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from assistant.index.vectors import ChromaVectors

NEIGHBOURS = 10


def main() -> int:
    """Read a request from standard input and search each known vector."""
    request = json.load(sys.stdin)
    vectors = ChromaVectors(Path(request["folder"]), request["collection"])
    for id_, values in request["probes"]:
        found = vectors.search(np.asarray(values, dtype=np.float32), NEIGHBOURS)
        # Equal texts share a vector, so the chunk itself may stand behind its twins: the cosine must be 1 either way.
        if not found or (found[0][1] < 0.999 and id_ not in {name for name, _ in found}):
            return 1
    vectors.close()
    return 0
