"""The only room that reads `Settings` and names concrete classes: puts an assistant together and takes it apart."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import threading
import time
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from assistant.answering import exporting
from assistant.answering.chat_model import ChatModel
from assistant.answering.exporting_blocks import Export, PaperLanguage
from assistant.answering.extractive import ExtractiveAnswerer
from assistant.answering.features import features
from assistant.answering.generative import GenerativeAnswerer, rewrite
from assistant.answering.pipeline import Pipeline, Writer
from assistant.answering.suggesting import Suggestions, load_bank
from assistant.answering.support import SupportJudge
from assistant.documents.chunking import CHUNKING_VERSION
from assistant.documents.loading import LOADER_VERSION, Limits
from assistant.documents.page_images import PageImages, PageLook, passage_on
from assistant.documents.worker import ParsingWorker
from assistant.domain import Answer, Chunk, Citation, Document, Hit, IngestReport, Language, Turn, WritingModel
from assistant.errors import AssistantError, FolderOwned, LoadError, UsageError
from assistant.index.bulk import BulkEmbedder
from assistant.index.embedding import Embedder, SentenceTransformerEmbedder, Vectors
from assistant.index.index import VECTORS_FOLDER, Index, Manifest, check_manifest, folder_state, vectors_work
from assistant.index.sentence_vectors import SentenceVectors
from assistant.ingest.corpus import ORIGINALS_FOLDER, Ingest, Progress, plan
from assistant.ingest.folder import CorpusFolder
from assistant.language import detect_language, load_lexicon
from assistant.retrieval.reranking import CrossEncoderReranker
from assistant.retrieval.retriever import HybridRetriever
from assistant.settings import Settings, read_settings
from assistant.store.journal import Journal
from assistant.store.library import CurrentVersion, Library
from assistant.store.owner import FolderLock, HandOver, Owner, is_owned
from assistant.tuning import Tuning, load_tuning

logger = logging.getLogger(__name__)

LIBRARY_NAME = "library.sqlite"
JOURNAL_NAME = "journal.sqlite"
# How long `close` waits for a sync in another thread, which is told to stop.
STOP_SECONDS = 20.0
# How long `ingest` waits for a data folder whose owner is just starting or just ending.
PATIENCE_SECONDS = 10.0


class Assistant:
    """One corpus, its library and its indexes, ready for questions. Owns its data folder until `close`.

    A context manager; safe to ask from several threads, also while documents are brought in.
    """

    def __init__(self, settings: Settings, *, tuning: Tuning | None = None, check_index: bool = True) -> None:
        """Open the data folder; the models are loaded with the first question.

        Raises:
            FolderOwned: Another process owns the data folder.
            DataFolderError: It cannot be used.
            ManifestMismatch: The index was built with other settings (unless `check_index` is False, for a rebuild).
            ModelUnavailable: The embedding model is missing or damaged, or the language model cannot be opened.
            SettingsError: The language model's name or address is none.
        """
        self.settings = settings
        self.tuning = tuning or load_tuning()
        # abspath, not resolve: a link inside the corpus keeps its place there.
        self.corpus = Path(os.path.abspath(settings.corpus))  # noqa: PTH100
        self.data = Path(os.path.abspath(settings.data))  # noqa: PTH100
        self._lock = FolderLock(self.data)
        self._closed = False
        self._ingest_lock = threading.Lock()
        self._hand_over: HandOver | None = None
        with ExitStack() as opened:
            opened.callback(self._lock.release)
            self._open(opened, check_index=check_index)
            self._opened = opened.pop_all()
        atexit.register(self.close)

    def _open(self, opened: ExitStack, *, check_index: bool) -> None:
        settings = self.settings
        self._embedder = SentenceTransformerEmbedder(settings.embedding_model, threads=settings.embedding_threads)
        self._reranker = (
            CrossEncoderReranker(settings.reranker, settings.embedding_threads) if settings.reranker else None
        )
        self._model = _language_model(settings)
        if self._model is not None:
            opened.callback(self._model.close)
        self._library = Library(self.data / LIBRARY_NAME)
        opened.callback(self._library.close)
        self._journal = Journal(
            self.data / JOURNAL_NAME, saved_days=settings.saved_days, feedback_days=settings.feedback_days
        )
        opened.callback(self._journal.close)
        self._sentences = SentenceVectors(self._library, self._embedder.key, gloss=self.tuning.gloss)
        begin_anew = check_index and check_manifest(self._library, self._manifest())
        vectors_lost = self._vectors_are_lost()
        if vectors_lost:
            shutil.rmtree(self.data / VECTORS_FOLDER, ignore_errors=True)
            self._library.mark_nothing_embedded()
        self._library.remember("stop", "open")
        self._index = Index(self.data, self._library)
        opened.callback(self._index.close)
        self._worker = ParsingWorker(_limits(settings))
        opened.callback(self._worker.close)
        self._page_images = PageImages()
        opened.callback(self._page_images.close)
        self._bulk = BulkEmbedder(settings.embedding_model, threads=settings.ingest_threads or os.cpu_count() or 1)
        opened.callback(self._bulk.close)
        self._ingest = Ingest(
            self.corpus,
            self.data,
            library=self._library,
            index=self._index,
            embedder=self._embedder,
            sentences=self._sentences,
            bulk=self._bulk,
            worker=self._worker,
            chunk_tokens=settings.chunk_tokens,
            embedder_is_at_hand=lambda: self._embedder.is_at_hand,
        )
        self._pipeline = self._build_pipeline(self.tuning)
        self._suggestions = Suggestions(
            load_bank(),
            self._ask_for_quotes,
            self._embed_questions,
            corpus=lambda: self._library.current,
            ready=lambda: self.ready,
        )
        if begin_anew:  # nothing is in, and what comes in has other vectors
            self.rebuild()
        if check_index and self._index.lexical.count() < self._library.chunk_count():
            self._ingest.restore_words()
        if check_index and vectors_lost:
            self._ingest.restore_vectors()

    def _build_pipeline(self, tuning: Tuning, hits: int | None = None, *, writing: bool = True) -> Pipeline:
        settings = self.settings
        retriever = HybridRetriever(
            self._library,
            self._index,
            self._embedder,
            self._sentences,
            candidates=settings.candidates,
            hits=hits or settings.hits,
            tuning=tuning,
            reranker=self._reranker,
            rerank_hits=settings.rerank_hits,
        )
        return Pipeline(
            retriever=retriever,
            answerer=ExtractiveAnswerer(answer_words=settings.answer_words, joins_from=tuning.joins_from),
            writer=self._writer() if writing else None,
            find_document=self._library.document,
            idf=self._index.inverse_document_frequency,
            vocabulary=self._index.vocabulary,
            tuning=tuning,
            question_characters=settings.question_characters,
            contact=settings.contact,
        )

    def _writer(self) -> Writer | None:
        model = self._model
        if model is None:
            return None

        def standing_alone(question: str, history: Sequence[Turn], language: Language) -> tuple[str, str]:
            rewritten = rewrite(model, question, history, language)
            return rewritten.same, rewritten.other

        judge = SupportJudge(self._embedder.embed, self._sentences.of_units)
        answerer = GenerativeAnswerer(model, judge, passages=self.settings.model_passages)
        return Writer(model.name, answerer, standing_alone)

    def use_tuning(self, tuning: Tuning) -> None:
        """Answer with other learned numbers from now on; for the runs that choose them."""
        self.tuning = tuning
        self._pipeline = self._build_pipeline(tuning)

    def _vectors_are_lost(self) -> bool:
        """Return whether the vector index must be built anew: gone, or failing its test after an unclean stop."""
        if not any(now.embedded for now in self._library.current.values()):
            return False
        if not (self.data / VECTORS_FOLDER).is_dir():
            return True
        untouched = self._library.fact("stop") == f"clean {folder_state(self.data)}"
        return not untouched and not vectors_work(self.data, self._library, self._embedder.key)

    def _manifest(self) -> Manifest:
        chunking = f"{CHUNKING_VERSION}:{min(self.settings.chunk_tokens, self._embedder.max_tokens)}"
        return Manifest(
            embedding=self._embedder.key, chunking=chunking, loader=LOADER_VERSION, sentences=self._sentences.key
        )

    # ---- Questions ----

    def ask(self, question: str, history: Sequence[Turn | Mapping[str, Any]] = ()) -> Answer:
        """Return the answer to a question, or an answer that says why there is none.

        Args:
            question: In English or Norwegian.
            history: The conversation so far, oldest first: turns, or mappings with `question` and perhaps `answer`.
        """
        return self._pipeline.answer(question, _turns(history), corpus_is_empty=not self._library.current)

    def ask_without(
        self, question: str, hidden: Sequence[Citation], history: Sequence[Turn | Mapping[str, Any]] = ()
    ) -> Answer:
        """Return the answer as it would be if the words of some citations stood nowhere.

        An answer that stays the same does not rest on what it cites.
        """
        empty = not self._library.current
        *_, answer = self._pipeline.stream(question, _turns(history), corpus_is_empty=empty, hidden=hidden)
        return answer

    def stream(self, question: str, history: Sequence[Turn | Mapping[str, Any]] = ()) -> Generator[Answer, None, None]:
        """Yield the answer as it is written and checked, each text beginning with the one before; the last is whole.

        Without a language model it comes at once. Closing the generator stops the model.

        Args:
            question: As `ask`.
            history: As `ask`.
        """
        return self._pipeline.stream(question, _turns(history), corpus_is_empty=not self._library.current)

    def features(
        self, question: str, history: Sequence[Turn | Mapping[str, Any]] = (), *, without: frozenset[str] = frozenset()
    ) -> tuple[Mapping[str, float], Sequence[Hit]]:
        """Return the features from which answerability is judged, and the hits, for the run that learns from them.

        Args:
            without: Documents that must not answer, so that a question has none: how a corpus without them looks.
        """
        query, hits, evidence = self._pipeline.gather(question, _turns(history), without=without)
        return features(query, hits, evidence), hits

    def explain(self, question: str, history: Sequence[Turn | Mapping[str, Any]] = ()) -> dict[str, Any]:
        """Return *why this answer*: query, hits, what was judged and by what, and the best sentences with their scores.

        For staff and evaluators; plain values. `candidates` are the best sentences, best first, each with what every
        ingredient added to its score and whether the answer shows it.
        """
        return self._pipeline.explain(question, _turns(history), corpus_is_empty=not self._library.current)

    def search(
        self, question: str, history: Sequence[Turn | Mapping[str, Any]] = (), limit: int | None = None
    ) -> list[Hit]:
        """Return the ranked hits of a question, best first, without an answer; empty where nothing matches.

        Args:
            limit: How many at most; never more than the setting `candidates`. The setting `hits` when not given.

        Raises:
            UsageError: The limit is below 1.
        """
        if limit is not None and limit < 1:
            raise UsageError(f"A search for {limit} hits makes no sense. Ask for 1 or more.")
        hits = min(limit or self.settings.hits, self.settings.candidates)
        _, found, _ = self._build_pipeline(self.tuning, hits).gather(question, _turns(history))
        return found

    def starters(
        self, segment: str | None = None, stage: str | None = None, language: Language = "en", count: int = 6
    ) -> tuple[str, ...]:
        """Return questions to start with that the corpus answers, best fit first; see `Suggestions.starters`.

        Until the models are loaded nothing is asked, and those are given whose documents are there.

        Raises:
            UsageError: The segment or the stage is none of `suggesting.SEGMENTS` and `suggesting.STAGES`.
        """
        return self._suggestions.starters(segment, stage, language, count)

    def follow_ups(
        self, asked: Sequence[str], answer: Answer, language: Language = "en", count: int = 3
    ) -> tuple[str, ...]:
        """Return questions to go on with that the corpus answers, nearest first; see `Suggestions.follow_ups`.

        Args:
            asked: The visitor's questions, oldest first; the last one is what `answer` answers.
        """
        return self._suggestions.follow_ups(asked, answer, language, count)

    def prepare_suggestions(self) -> None:
        """Find out, unhurried, which suggestions the corpus answers; for a thread of its own after `warm_up`.

        Without it the same is found out when suggestions are wanted, which then come later. Ends with `close`.
        """
        try:
            self._suggestions.prepare(lambda: not self._closed)
        except Exception:
            if not self._closed:  # closing takes the library away from under a question
                raise

    def _ask_for_quotes(self, question: str) -> Answer:
        """Answer in the documents' own words, also where a language model would write."""
        pipeline = self._pipeline if self._model is None else self._build_pipeline(self.tuning, writing=False)
        return pipeline.answer(question, corpus_is_empty=not self._library.current)

    def _embed_questions(self, texts: Sequence[str]) -> Vectors:
        """Return a vector per text; for an English-only model a Norwegian one is glossed, as the search does."""
        lexicon, gloss = load_lexicon(), self.tuning.gloss
        return self._embedder.embed(
            [lexicon.gloss(text) if gloss and detect_language(text) != "en" else text for text in texts]
        )

    def with_translations(self, document_ids: Iterable[str]) -> frozenset[str]:
        """Return the documents with those that say the same in the other language."""
        named, pairs = frozenset(document_ids), self._library.translations
        return named.union(*(pairs.get(id_, frozenset()) for id_ in named))

    def warm_up(self) -> None:
        """Load what the first question would have to wait for."""
        self._embedder.embed(["ready"])
        if self._reranker is not None:
            self._reranker.scores("ready", ["ready"])

    @property
    def ready(self) -> bool:
        """Whether the models are loaded, so that a question is answered at once."""
        return self._embedder.is_loaded and (self._reranker is None or self._reranker.is_loaded)

    def export(
        self,
        exchanges: Sequence[tuple[str, Answer]],
        file_format: exporting.FileFormat,
        *,
        language: PaperLanguage,
        date: str,
        titles: Mapping[str, str],
    ) -> bytes:
        """Return questions and their whole answers as a file that carries its proof, see `check_export`.

        Args:
            language: Of the words around the answers.
            date: The day of the export, ISO 8601.
            titles: Titles of the documents that answers name only by id.

        Raises:
            UsageError: There is nothing to export.
        """
        return exporting.write(Export(tuple(exchanges), language, date, titles), file_format)

    @property
    def writing_model(self) -> WritingModel | None:
        """The language model that writes the answers, and where it runs; None where answers are quotes alone."""
        model = self._model
        return WritingModel(model.name, model.host, model.stays_here) if model is not None else None

    @property
    def embedder(self) -> Embedder:
        """The embedding model that the assistant searches with."""
        return self._embedder

    # ---- Documents ----

    def sync(
        self, paths: Sequence[Path] = (), *, dry_run: bool = False, progress: Progress = lambda event: None
    ) -> IngestReport:
        """Bring the corpus (or the paths named) into the library; see `Ingest.sync`."""
        with self._ingest_lock:
            return self._ingest.sync(paths, dry_run=dry_run, progress=progress)

    def rebuild(self, progress: Progress = lambda event: None) -> IngestReport:
        """Build both indexes anew from the library, beside the old, and switch."""
        with self._ingest_lock:
            return self._ingest.rebuild(self._manifest().to_json(), progress)

    def documents(self) -> list[Document]:
        """Return the current documents, by id."""
        found = (self._library.document(id_, now.version) for id_, now in self._library.current.items())
        return [document for document in found if document is not None]

    def chunks(self) -> Iterator[Chunk]:
        """Yield the chunks that may answer now, document by document."""
        for id_, now in self._library.current.items():
            yield from self._library.chunks_of(id_, now.version)

    def embedded_texts(self, chunks: Sequence[Chunk]) -> list[str]:
        """Return what the model reads of these chunks: passages under title and heading, sentences under heading."""
        return [*(chunk.index_text for chunk in chunks), *self._sentences.texts(chunks).values()]

    def document(self, document_id: str, version: str | None = None) -> Document | None:
        """Return a stored version of a document, the current one by default, or None when it is unknown."""
        return self._library.document(document_id, version)

    def text(self, document_id: str, version: str | None = None) -> str:
        """Return the stored text of a document.

        Raises:
            UsageError: There is no such document or version.
        """
        return stored_text(self._library, document_id, version)

    def original(self, document_id: str, version: str | None = None) -> Path | None:
        """Return where the original file of a version is kept, or None."""
        name = self._library.original(document_id, version)
        path = self.data / ORIGINALS_FOLDER / name if name else None
        return path if path is not None and path.is_file() else None

    def page_look(self, document: Document, page: int, start: int, end: int) -> PageLook | None:
        """Return how a page (from 1) of a PDF looks, and where on it `text[start:end]` stands, as far as it does.

        None where the page cannot be shown; why is logged.
        """
        path = self.original(document.id, document.version)
        if path is None:
            return None
        try:
            return self._page_images.look(path, document.id, page, passage_on(document, page, start, end))
        except LoadError as error:
            logger.warning("A page is not shown: %s", error)
            return None

    def page_picture(self, document: Document, page: int) -> bytes | None:
        """Return a page (from 1) of a PDF as PNG, or None where it cannot be shown; why is logged."""
        path = self.original(document.id, document.version)
        if path is None:
            return None
        try:
            return self._page_images.picture(path, document.id, page)
        except LoadError as error:
            logger.warning("A page is not shown: %s", error)
            return None

    @property
    def document_count(self) -> int:
        """How many documents can be searched."""
        return len(self._library.current)

    @property
    def journal(self) -> Journal:
        """Feedback and saved conversations."""
        return self._journal

    # ---- Sharing and closing ----

    def take_work(self) -> None:
        """Let `ingest.py` in another process hand its work to this one."""
        self._hand_over = HandOver(self.data, self._do_work)

    def _do_work(self, request: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
        if Path(request["corpus"]).resolve() != self.corpus.resolve():
            raise UsageError(
                f"The app that owns {self.data} serves the corpus {self.corpus}, not {request['corpus']}. "
                "Name that corpus, or another data folder with --data."
            )
        if request["rebuild"]:
            self._check_same_index(request)
            return self.rebuild(progress).to_dict()
        paths = [Path(path) for path in request["paths"]]
        return self.sync(paths, dry_run=bool(request["dry_run"]), progress=progress).to_dict()

    def _check_same_index(self, request: Mapping[str, Any]) -> None:
        """Refuse a rebuild that means to change the model or the chunks: this process would rebuild with its own."""
        for name in ("embedding_model", "chunk_tokens"):
            own = getattr(self.settings, name)
            if request[name] != own:
                raise UsageError(
                    f"The app that owns {self.data} runs with {name} {own!r}, not {request[name]!r}. "
                    "Stop the app, rebuild, and start it again with the new setting."
                )

    def close(self) -> None:
        """Give the data folder free, stopping a sync that runs in another thread; closing twice is no error."""
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        if self._hand_over is not None:
            self._hand_over.close()
        self._ingest.stop()
        self._bulk.close()
        if not self._ingest_lock.acquire(timeout=STOP_SECONDS):
            logger.warning("An ingest does not end; the data folder is free when the process has ended.")
            return
        try:
            self._worker.close()
            self._index.close()
            self._library.remember("stop", f"clean {folder_state(self.data)}")
        except AssistantError as error:  # a full disk: the next start tries the indexes instead
            logger.warning("%s", error)
        finally:
            self._opened.close()
            self._ingest_lock.release()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _turns(history: Sequence[Turn | Mapping[str, Any]]) -> list[Turn]:
    return [turn if isinstance(turn, Turn) else Turn(turn["question"], turn.get("answer")) for turn in history]


def _language_model(settings: Settings) -> ChatModel | None:
    if settings.model is None:
        return None
    return ChatModel(
        settings.model,
        address=settings.model_address,
        seconds=settings.model_seconds,
        silence_seconds=settings.model_silence_seconds,
        retries=settings.model_retries,
        tokens=settings.model_tokens,
        temperature=settings.model_temperature,
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        seconds=settings.parse_seconds,
        memory_bytes=settings.parse_memory_megabytes * 1_000_000,
        pages=settings.parse_pages,
        unpacked_bytes=settings.parse_unpacked_megabytes * 1_000_000,
    )


def open_assistant(
    corpus: str | Path | None = None, data: str | Path | None = None, *, sync: bool = True, writing: bool = True
) -> Assistant:
    """Open the assistant over a corpus, bringing in what is not in yet.

    Args:
        corpus: Folder of documents; the setting `ASSISTANT_CORPUS` when not given.
        data: Folder for the library and indexes; the setting `ASSISTANT_DATA` when not given.
        sync: Whether to compare the corpus with the library first; documents that cannot be read are logged.
        writing: Whether the language model of the settings, if any, writes the answers; otherwise they are quotes.

    Raises:
        AssistantError: With one sentence that says what to do.
    """
    settings = read_settings(corpus=corpus, data=data)
    if not writing:
        settings = settings.model_copy(update={"model": None, "model_address": None})
    assistant = Assistant(settings)
    if sync:
        try:
            report = assistant.sync()
        except BaseException:
            assistant.close()
            raise
        for failed in report.failed:
            logger.warning("%s is not in: %s. %s", failed.document, failed.reason, failed.remedy)
    return assistant


def load_embedder(model: str | None = None) -> Embedder:
    """Return the embedding model of the settings, or another one by name or folder; loaded with its first use."""
    settings = read_settings(embedding_model=model)
    return SentenceTransformerEmbedder(settings.embedding_model, threads=settings.embedding_threads)


def ingest(
    settings: Settings,
    paths: Sequence[Path],
    *,
    rebuild: bool = False,
    dry_run: bool = False,
    progress: Progress = lambda event: None,
    handed_over: Progress = lambda event: None,
) -> IngestReport:
    """Do one ingest, in this process or, when an app owns the data folder, in the app.

    Args:
        handed_over: Called once, before the wait, when the app does the work.

    Raises:
        AssistantError: As `Assistant` and `Assistant.sync`, or that the owner was lost midway.
    """
    absolute = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - as Assistant.corpus
    if dry_run and not is_owned(settings.data):
        return _plan(settings, absolute)
    owner = _own_or_find_owner(settings, check_index=not rebuild)
    if isinstance(owner, Owner):
        handed_over({"data": str(settings.data)})
        request = {
            "corpus": os.path.abspath(settings.corpus),  # noqa: PTH100
            "paths": [str(path) for path in absolute],
            "rebuild": rebuild,
            "embedding_model": settings.embedding_model,
            "chunk_tokens": settings.chunk_tokens,
            "dry_run": dry_run,
        }
        return IngestReport.from_dict(owner.do(request, progress))
    with owner as assistant:
        return assistant.rebuild(progress) if rebuild else assistant.sync(absolute, dry_run=dry_run, progress=progress)


def _own_or_find_owner(settings: Settings, *, check_index: bool) -> Assistant | Owner:
    """Return the assistant over a free data folder, or the app that owns it; one that is just starting is waited for.

    Raises:
        FolderOwned: The owner takes no work, also after a while.
    """
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return Assistant(settings, check_index=check_index)
        except FolderOwned:
            pass
        try:
            return Owner(settings.data)
        except FolderOwned:
            if time.monotonic() > give_up:
                raise
        time.sleep(0.25)


def _plan(settings: Settings, paths: Sequence[Path]) -> IngestReport:
    """Return what a sync would do, from the library as it is, and create and change nothing."""
    corpus, data = (Path(os.path.abspath(folder)) for folder in (settings.corpus, settings.data))  # noqa: PTH100
    current: Mapping[str, CurrentVersion] = {}
    if (data / LIBRARY_NAME).is_file():
        library = Library(data / LIBRARY_NAME, read_only=True)
        current = library.current
        library.close()
    return plan(CorpusFolder(corpus, data=data).select(paths, current, copy=False), current)


def read_stored_text(settings: Settings, document_id: str, version: str | None) -> str:
    """Return the stored text of a document without owning the data folder: reading disturbs no owner.

    Raises:
        UsageError: There is no library, document or version of that name.
    """
    file = settings.data / LIBRARY_NAME
    if not file.is_file():
        raise UsageError(f"There is no library in {settings.data}. Run: python ingest.py")
    library = Library(file, read_only=True)
    try:
        return stored_text(library, document_id, version)
    finally:
        library.close()


def check_export(settings: Settings, file: Path) -> exporting.Check:
    """Return what became of the quotes of an exported file, without owning the data folder or loading a model.

    Where the corpus is at hand, a cited document that it holds otherwise than the library is a remark.

    Raises:
        UsageError: The file cannot be read or is no export of ours, or there is no library.
    """
    try:
        if file.stat().st_size > exporting.BYTES_AT_MOST:
            raise UsageError(f"{file} cannot be checked: it is larger than any export.")
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}. Name a file that was exported.") from error
    if not (settings.data / LIBRARY_NAME).is_file():
        raise UsageError(f"There is no library in {settings.data}. Run: python ingest.py")
    library = Library(settings.data / LIBRARY_NAME, read_only=True)
    try:
        found = exporting.check(content, str(file), library.document)
        cited = {quote.document for quote in found.quotes}
        if not settings.corpus.is_dir() or not cited & set(library.current):
            return found
        return replace(found, remarks=(*found.remarks, *_unread(settings, library, cited)))
    finally:
        library.close()


def _unread(settings: Settings, library: Library, cited: Collection[str | None]) -> Iterator[str]:
    """Yield a sentence for each cited document whose file in the corpus is not what the library has read."""
    corpus, data = (Path(os.path.abspath(folder)) for folder in (settings.corpus, settings.data))  # noqa: PTH100
    current = {id_: now for id_, now in library.current.items() if id_ in cited}
    for report in plan(CorpusFolder(corpus, data=data).select([], library.current, copy=False), current).documents:
        if report.document in cited and report.change in ("changed", "removed"):
            what = "is gone" if report.change == "removed" else "has changed"
            yield (
                f"The file of {report.document} in the corpus {what} since the library read it. Run python ingest.py, "
                "then check again."
            )


def stored_text(library: Library, document_id: str, version: str | None) -> str:
    """Return the stored text of a document version.

    Raises:
        UsageError: There is no such document or version.
    """
    document = library.document(document_id, version)
    if document is None:
        which = f"version {version} of {document_id}" if version else document_id
        raise UsageError(
            f"There is no {which} in the library. Give the path inside the corpus, with / between folders."
        )
    return document.text
