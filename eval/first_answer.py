"""A process that opens a corpus and answers one question, and imports no more than that takes."""

import json
import sys
import time
from pathlib import Path

from assistant import open_assistant
from eval.processes import peaks

if __name__ == "__main__":
    built = Path(json.loads(sys.argv[2])["built"])
    (question, *_) = (fact["question"] for fact in json.loads((built / "facts.json").read_text(encoding="utf-8")))
    with open_assistant(corpus=built / "corpus", data=built / "data") as assistant:
        assistant.ask(question)
        # perf_counter is the system's monotonic clock on Linux, the same one for parent and child.
        answered_at = time.perf_counter()
    print(json.dumps({"answered_at": answered_at, **peaks()}))
