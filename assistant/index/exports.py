"""Our own ONNX graph of a model's weights: made once per user in a child process, and believed only where it agrees.

The child compares it with sentence-transformers on a fixed set of texts. What it finds is kept beside the graph: a
graph that agrees serves from then on, one that does not is not tried again until a library changes.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from assistant.index.onnx_graph import GRAPH_VERSION, write_graph
from assistant.index.runtimes import (
    NumberType,
    OnnxRuntime,
    Runtime,
    SentenceTransformersRuntime,
    Vectors,
    has_bfloat16,
    open_tokenizer,
)

logger = logging.getLogger(__name__)

# What counts as the same vector, and how many neighbours must be the same.
LEAST_COSINE = 0.9999
NEIGHBOURS = 10
# Two neighbours that are equally near, but for rounding, may change places.
EQUALLY_NEAR = 1e-5
# In large pieces: while another thread imports, each piece waits for it some milliseconds.
_HASHED_BYTES = 2**24
# Half the bits must pay for their rounding: products in bfloat16 are slower than in float32 on some processors that
# have them (measured by each export, on its own machine).
BFLOAT16_AT_LEAST = 1.3
NICENESS = 10
CHILD_SECONDS = 900.0
_LIBRARIES = ("onnxruntime", "tokenizers", "sentence-transformers", "torch")


@dataclass(frozen=True, slots=True)
class Export:
    """What is known of one graph.

    Attributes:
        accepted: It agrees with sentence-transformers, so that it may serve.
        reason: Why it may not; empty where it may.
        sha256: Of the graph's file; empty where there is none.
        cosine: The lowest of all texts, between the vectors of both.
        neighbours: Share of texts that have the same ten nearest.
        texts: How many were compared.
        bulk: What many texts are embedded in on this machine.
        float32_speed: Texts of the set per second of processor time, by the graph.
        bfloat16_speed: The same by sentence-transformers in bfloat16; None where the processor has none.
        libraries: Versions that it was judged with.
    """

    accepted: bool
    reason: str = ""
    sha256: str = ""
    cosine: float = 0.0
    neighbours: float = 0.0
    texts: int = 0
    bulk: NumberType = "float32"
    float32_speed: float = 0.0
    bfloat16_speed: float | None = None
    libraries: str = ""


class Exports:
    """The folder of a user's graphs. Safe to use from several processes: what is there is whole or not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._child: subprocess.Popen[str] | None = None
        self._closed = False
        self._lock = threading.Lock()

    def graph(self, weights: str) -> Path:
        """Return where the graph of weights with this sha256 stands, whether it is there or not."""
        return self.folder / f"{weights[:16]}-{GRAPH_VERSION}.onnx"

    def find(self, weights: str) -> Export | None:
        """Return what is known of the graph of these weights; None where it is to be made.

        A damaged one is not known: its file is read and compared with what was judged.
        """
        record = self.graph(weights).with_suffix(".json")
        try:
            values = json.loads(record.read_text(encoding="utf-8"))
            export = Export(**values)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            logger.warning("The kept graph of the embedding model cannot be read and is made anew (%s).", error)
            return None
        if export.libraries != libraries():
            return None
        if export.accepted and file_sha256(self.graph(weights)) != export.sha256:
            logger.warning(
                "The kept graph of the embedding model, %s, is damaged and is made anew. sentence-transformers serves "
                "meanwhile: answers are the same and take longer.",
                self.graph(weights),
            )
            return None
        return export

    def make(self, model: Path, weights: str) -> Export | None:
        """Make and judge the graph in a child process, and return what was found; None where that failed, as logged.

        Takes about half a minute of one core. For a thread of its own; `close` ends it.

        Args:
            model: The folder of the bundled model.
            weights: sha256 of its weights.
        """
        code = f"import sys; sys.path[:] = {sys.path!r}; from assistant.index.exports import main; sys.exit(main())"
        command = [sys.executable, "-c", code, str(model), weights, str(self.folder)]
        with self._lock:
            if self._closed:
                return None
            child = self._child = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
        try:
            _, said = child.communicate(timeout=CHILD_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            said = f"it took longer than {CHILD_SECONDS:.0f} seconds"
        if child.returncode != 0:
            if not self._closed:
                logger.warning(
                    "The fast graph of the embedding model was not made (%s). sentence-transformers serves: answers "
                    "are the same and take longer.",
                    (said.strip().splitlines() or ["the process was ended"])[-1],
                )
            return None
        return self.find(weights)

    def close(self) -> None:
        """End the child; what it has not finished leaves no trace that counts."""
        with self._lock:
            self._closed = True
            if self._child is not None and self._child.poll() is None:
                self._child.kill()


def libraries() -> str:
    """Return the versions of what computes: with others a graph is judged again."""
    return " ".join(f"{name} {metadata.version(name)}" for name in _LIBRARIES)


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file in hexadecimal digits; of a missing one nothing."""
    try:
        with path.open("rb", buffering=0) as file:
            digest = hashlib.sha256()
            while piece := file.read(_HASHED_BYTES):
                digest.update(piece)
            return digest.hexdigest()
    except FileNotFoundError:
        return ""


# ---- In the child ----


def main() -> int:
    """Make and judge the graph that the arguments name: model folder, sha256 of the weights, folder of the graphs."""
    model, weights, folder = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    if sys.platform != "win32":
        os.nice(NICENESS)
    try:
        make_export(model, weights, folder)
    except OSError as error:
        sys.stderr.write(f"{folder} cannot be written: {error.strerror or error}\n")
        return 1
    return 0


def make_export(model: Path, weights: str, folder: Path) -> Export:
    """Write the graph under another name, judge it, and give it its own where it agrees; keep what was found.

    Raises:
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    graph = Exports(folder).graph(weights)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=folder) as making:
        made = Path(making) / graph.name
        try:
            write_graph(model, made)
            export = judge(model, made)
        except OSError:
            raise
        except Exception as error:  # whatever the graph's or the runtime's library raises: then the other one serves
            reason = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
            export = Export(False, reason, libraries=libraries())
        if export.accepted:
            made.replace(graph)
        record = made.with_suffix(".json")
        record.write_text(json.dumps(asdict(export), indent=2), encoding="utf-8")
        # Last: what is known of a graph counts from here on.
        record.replace(graph.with_suffix(".json"))
    return export


def judge(model: Path, graph: Path) -> Export:
    """Compare a graph with sentence-transformers on the fixed set, and find out in what to embed many texts.

    Args:
        model: The folder of the model that the graph was made from.
    """
    tokenizer = open_tokenizer(model)
    texts = agreement_texts()
    whole = SentenceTransformersRuntime(str(model), threads=1)
    fast = OnnxRuntime(graph, tokenizer, longest=int(whole.model.max_seq_length), threads=1)
    expected, (found, float32_speed) = whole.encode(texts), _timed(fast, texts)
    cosine, neighbours = agreement(expected, found)
    bulk, bfloat16_speed = _bulk(model, texts, expected, float32_speed)
    accepted = cosine >= LEAST_COSINE and neighbours == 1.0
    return Export(
        accepted,
        "" if accepted else f"cosine {cosine:.6f}, same neighbours {neighbours:.3f}",
        file_sha256(graph) if accepted else "",
        cosine,
        neighbours,
        len(texts),
        bulk,
        float32_speed,
        bfloat16_speed,
        libraries(),
    )


def agreement(expected: Vectors, found: Vectors) -> tuple[float, float]:
    """Return the lowest cosine of two vectors of one text, and the share of texts with the same ten neighbours."""
    cosine = float((expected * found).sum(axis=1).min())
    same = [
        _same_neighbours(one, other) for one, other in zip(_similarities(expected), _similarities(found), strict=True)
    ]
    return cosine, sum(same) / len(same)


def _similarities(vectors: Vectors) -> Vectors:
    """Return how near each text is to each other one; itself last of all."""
    found = vectors @ vectors.T
    np.fill_diagonal(found, -2.0)
    return np.asarray(found, dtype=np.float32)


def _same_neighbours(one: Vectors, other: Vectors) -> bool:
    """Return whether two rows of similarities have the same ten highest; who is equally near may stand for another."""
    nearest, other_nearest = (set(np.argsort(-row)[:NEIGHBOURS].tolist()) for row in (one, other))
    edge = float(np.sort(one)[-NEIGHBOURS])
    return all(abs(float(one[place]) - edge) < EQUALLY_NEAR for place in nearest ^ other_nearest)


def _timed(runtime: Runtime, texts: Sequence[str]) -> tuple[Vectors, float]:
    """Return the vectors and the texts per second of processor time, of the faster of two runs."""
    seconds = []
    for _ in range(2):
        begun = time.process_time()
        vectors = runtime.encode(texts)
        seconds.append(time.process_time() - begun)
    return vectors, len(texts) / min(seconds)


def _bulk(
    model: Path, texts: Sequence[str], expected: Vectors, float32_speed: float
) -> tuple[NumberType, float | None]:
    """Return what many texts are embedded in: bfloat16 where it is that much faster here and as good as the same."""
    if not has_bfloat16():
        return "float32", None
    vectors, speed = _timed(SentenceTransformersRuntime(str(model), threads=1, number_type="bfloat16"), texts)
    cosine, _ = agreement(expected, vectors)
    return ("bfloat16" if cosine >= LEAST_COSINE and speed >= BFLOAT16_AT_LEAST * float32_speed else "float32"), speed


def agreement_texts() -> list[str]:
    """Return the fixed set: single sentences in both languages, pairs, and texts as long as passages and longer."""
    sentences = _SENTENCES.strip().splitlines()
    pairs = [f"{one} {other}" for one, other in zip(sentences, sentences[7:], strict=False)]
    passages = [" ".join(sentences[start : start + 9]) for start in range(0, len(sentences) - 9, 2)]
    return ["", "FDA", *sentences, *pairs, *passages, " ".join(sentences)]


_SENTENCES = """
A company that sells a medical device in the United States registers its site with the FDA every year.
The fee for a small business is lower, and the application for it comes first.
Most devices of class II need a 510(k) before they are sold.
A De Novo request is for a new kind of device of low or moderate risk.
Who pays for remote monitoring, and how many days of data are needed?
Hospitals buy through group purchasing organisations, which negotiate prices for thousands of members.
Medicare covers what is reasonable and necessary for people aged 65 and older.
The sales cycle of a hospital takes nine to eighteen months.
A business associate agreement is signed before any patient data is shared.
The pilot ended in March 2025 with 412 patients at three sites.
What does a clinical trial cost per patient?
Delaware is where most investors expect a company to be incorporated.
An L-1 visa lets a manager move to a new office in the United States.
The state of Massachusetts has more than 400 companies in the life sciences.
Product liability insurance of USD 5,000,000 is what large hospitals ask for.
Labels state the intended use, the manufacturer's address and the unique device identifier.
The reviewer asked for more data on biocompatibility and on cleaning.
Elder care is paid for privately, by Medicaid, or by long-term care insurance.
Our reference laboratory is certified under CLIA and accredited by CAP.
Tariffs on goods from Norway changed twice during the year.
Et selskap som selger medisinsk utstyr i USA, registrerer seg hos FDA hvert år.
Gebyret er lavere for små bedrifter, og søknaden om det kommer først.
Hvor lang tid tar det å få markedsadgang for en app i klasse II?
Sykehusene kjøper inn gjennom innkjøpsfellesskap som forhandler fram prisene.
Hva koster en klinisk studie per pasient, og hvem betaler for den?
Programmet varer i ti måneder og avsluttes med en reise til Boston.
De fire klyngene driver programmet sammen og deler på kostnadene.
Personvernet i USA følger av HIPAA og av lovene i hver delstat.
Bedriften må ha en amerikansk agent som svarer på henvendelser fra FDA.
Omsorgsboliger betales som regel av beboerne selv eller av familien.
Søknadsfristen er 15. oktober, og det er plass til tolv bedrifter.
Skattefunn gir fradrag for utgifter til forskning og utvikling.
Ein søknad på nynorsk vert handsama på same måten som andre.
Kva krev sjukehusa av dokumentasjon før dei kjøper utstyr?
Toll på varer fra Norge ble endret to ganger i løpet av året.
Uten refusjon fra Medicare blir det få kunder utenfor de største sykehusene.
"""
