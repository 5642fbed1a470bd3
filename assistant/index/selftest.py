"""The child process that tries a vector index, since a damaged one can end the process that opens it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from assistant.index.vectors import ChromaVectors

NEIGHBOURS = 10


def main() -> int:
    """Read a request from standard input and search each known vector: exit 0 when every one is found, else 1."""
    request = json.load(sys.stdin)
    vectors = ChromaVectors(Path(request["folder"]), request["collection"])
    for id_, values in request["probes"]:
        found = vectors.search(np.asarray(values, dtype=np.float32), NEIGHBOURS)
        # Equal texts share a vector, so the chunk itself may stand behind its twins: the cosine must be 1 either way.
        if not found or (found[0][1] < 0.999 and id_ not in {name for name, _ in found}):
            return 1
    vectors.close()
    return 0


def look() -> int:
    """Read a request from standard input, one line and then the vectors' bytes, and write what the index holds.

    What is written is one JSON object on the last line of standard output, see `VectorsLook`.
    """
    request = json.loads(sys.stdin.buffer.readline())
    matrix = np.frombuffer(sys.stdin.buffer.read(), dtype=np.float32).reshape(len(request["ids"]), request["width"])
    vectors = ChromaVectors(Path(request["folder"]), request["collection"])
    seen = asdict(vectors.look(request["ids"], matrix))
    vectors.close()
    sys.stdout.write("\n" + json.dumps({name: sorted(values) for name, values in seen.items()}) + "\n")
    return 0
