"""Our own assistant in the shape of a peer, over its public names."""

from __future__ import annotations

import shutil
from pathlib import Path

from assistant import open_assistant

PACKAGES = ("usa-next-assistant", "chromadb", "tantivy", "onnxruntime", "sentence-transformers", "torch")
SETTINGS = "as it comes: open_assistant compares the folder with its library, search takes both indexes"
READY = "# Ready\n\nThis document starts the process that embeds.\n"


class System:
    """The assistant over one folder, which holds its corpus and its data folder."""

    def __init__(self, work: Path) -> None:
        """Nothing is loaded before it is needed."""
        self._corpus, self._data = work / "corpus", work / "data"

    def prepare(self) -> None:
        """Make the fast form of the embedding model, as the app does once for its user."""
        self._corpus.mkdir(parents=True)
        self.open()
        self._assistant.warm_up()
        self._assistant.speed_up()

    def get_ready(self) -> None:
        """Bring in a sentence, so that the embedding process has started and has loaded its model."""
        self._corpus.mkdir(parents=True)
        (self._corpus / "ready.md").write_text(READY, encoding="utf-8")
        self.open()

    def ingest(self, documents: Path) -> None:
        """Bring in a folder of Markdown files."""
        shutil.copytree(documents, self._corpus, dirs_exist_ok=True)
        self._assistant.sync()

    def passages(self) -> list[str]:
        """Return the texts that can be found."""
        return [chunk.text for chunk in self._assistant.chunks()]

    def embedded(self) -> list[str]:
        """Return the texts that the model was given: the passages with their headings, and each sentence."""
        return self._assistant.embedded_texts(list(self._assistant.chunks()))

    def open(self) -> None:
        """Open what was brought in."""
        self._assistant = open_assistant(corpus=self._corpus, data=self._data)

    def search(self, question: str, limit: int) -> list[str]:
        """Return the texts of the first passages."""
        return [hit.chunk.text for hit in self._assistant.search(question, limit=limit)]

    def close(self) -> None:
        """Give the data folder back."""
        self._assistant.close()
