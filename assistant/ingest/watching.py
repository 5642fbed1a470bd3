"""The watch on the corpus: what comes into the folder by other means appears by itself, once it is wholly written."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from assistant.domain import IngestReport
from assistant.errors import AssistantError

logger = logging.getLogger(__name__)

# A file counts as wholly written when neither its size nor its time has changed for so long.
SETTLED_SECONDS = 1.5
# How often it is looked at until then.
LOOK_MILLISECONDS = 400

# What can be told of a path without reading it: of each file there its size and time; nothing for one that is gone.
_State = tuple[tuple[str, int, int], ...]


class Watcher:
    """Watches one folder in a thread of its own, from `start` to `close`."""

    def __init__(
        self,
        corpus: Path,
        *,
        data: Path,
        known: Callable[[], Collection[str]],
        sync: Callable[[Sequence[Path]], IngestReport],
        changed: Callable[[IngestReport], None] = lambda report: None,
    ) -> None:
        """Watch nothing yet.

        Args:
            data: Passed over where it lies in the corpus.
            known: Returns the ids of the documents that are in.
            sync: Brings paths inside the corpus in, up to date or out.
            changed: Told of every sync in which something has changed.
        """
        self._corpus = corpus
        self._data = data
        self._known = known
        self._sync = sync
        self._changed = changed
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """Watch no more; a sync that is running goes on."""
        self._stopped.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=5)

    def _watch(self) -> None:
        polling: bool | None = None
        while not self._stopped.is_set():
            try:
                self._follow(polling)
            except OSError as error:
                # The system watches no more folders for us, or the corpus is not there for the moment.
                logger.warning("The corpus is watched by looking at it again and again: %s", error)
                polling = True
                self._stopped.wait(5)

    def _follow(self, polling: bool | None) -> None:
        """Sync each path that changes, as soon as it has settled."""
        from watchfiles import watch  # nobody who only asks waits for it

        settling: dict[Path, tuple[_State, float]] = {}
        for changes in watch(
            self._corpus,
            watch_filter=None,
            debounce=LOOK_MILLISECONDS,
            rust_timeout=LOOK_MILLISECONDS,
            yield_on_timeout=True,
            stop_event=self._stopped,
            raise_interrupt=False,
            force_polling=polling,
        ):
            for path in self._documents({Path(name) for _, name in changes}):
                settling.setdefault(path, ((), 0.0))
            ready = []
            for path, (before, since) in list(settling.items()):
                state = _state(path)
                if state != before or not since:
                    settling[path] = (state, time.monotonic())
                elif time.monotonic() - since >= SETTLED_SECONDS:
                    ready.append(path)
                    del settling[path]
            if ready:
                self._bring(ready)

    def _documents(self, paths: Collection[Path]) -> Iterator[Path]:
        """Yield the paths that changed, a sidecar's as its document's; hidden ones and our own data are none."""
        for path in paths:
            if path == self._corpus or path == self._data or self._data in path.parents:
                continue
            if any(part.startswith((".", "~$")) for part in path.relative_to(self._corpus).parts):
                continue
            yield path.with_suffix("") if path.suffix == ".yaml" else path

    def _bring(self, paths: Sequence[Path]) -> None:
        """Sync what is there, and what is gone and was known."""
        known = self._known()
        wanted = [path for path in paths if path.exists() or self._is_known(path, known)]
        if not wanted:
            return
        try:
            report = self._sync(wanted)
        except AssistantError as error:
            if not self._stopped.is_set():
                logger.warning("A change in the corpus was not brought in: %s", error)
            return
        for failed in report.failed:
            logger.warning("%s is not in: %s. %s", failed.document, failed.reason, failed.remedy)
        if any(each.change in ("added", "changed", "removed") for each in report.documents):
            self._changed(report)

    def _is_known(self, path: Path, known: Collection[str]) -> bool:
        prefix = path.relative_to(self._corpus).as_posix()
        return any(id_ == prefix or id_.startswith(f"{prefix}/") for id_ in known)


def _state(path: Path) -> _State:
    """Return what tells whether something is still being written there; of a document, its sidecar too."""
    files = [path, path.with_name(f"{path.name}.yaml")]
    if path.is_dir():
        files = sorted(path.rglob("*"))
    found = []
    for file in files:
        try:
            facts = file.stat()
        except OSError:
            continue
        found.append((str(file), facts.st_size, facts.st_mtime_ns))
    return tuple(found)
