"""The only room that reads `Settings` and names concrete classes: puts an assistant together and takes it apart."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Self

import platformdirs

from assistant.answering.extractive import ExtractiveAnswerer
from assistant.answering.features import features
from assistant.answering.grouping import Grouping
from assistant.answering.pipeline import Pipeline, Writer
from assistant.answering.suggesting import Suggestions, load_bank
from assistant.desk import CheckReport, HealthLine, Twin, Withdrawn
from assistant.documents.chunking import CHUNKING_VERSION
from assistant.documents.loading import LOADER_VERSION, Limits
from assistant.documents.page_images import PageImages, PageLook, passage_on
from assistant.documents.worker import ParsingWorker
from assistant.domain import Answer, Chunk, Citation, Document, Hit, IngestReport, Language, Query, Turn, WritingModel
from assistant.errors import AssistantError, IndexingError, LoadError, UsageError
from assistant.index.bulk import BulkEmbedder
from assistant.index.embedding import ModelEmbedder, Vectors
from assistant.index.index import (
    VECTORS_FOLDER,
    Index,
    Manifest,
    check_manifest,
    folder_state,
    vectors_work,
)
from assistant.index.sentence_vectors import SentenceVectors
from assistant.ingest.corpus import ORIGINALS_FOLDER, Ingest, Progress
from assistant.ingest.folder import CorpusFolder
from assistant.ingest.watching import Watcher
from assistant.language import detect_language, load_lexicon
from assistant.retrieval.reranking import CrossEncoderReranker
from assistant.retrieval.retriever import HybridRetriever, OneDocument, Retriever
from assistant.settings import Settings, read_settings
from assistant.staff.erasing import erase_due, erase_version
from assistant.staff.gaps import GapBoard
from assistant.staff.health import health_of
from assistant.store.journal import Journal
from assistant.store.library import Library
from assistant.store.owner import FolderLock, HandOver
from assistant.tuning import Tuning, load_tuning

# Two fifths of what importing all rooms here would take: the desk, exports, links, upkeep and language models with what
# they rest on. A first question by quotes needs none of it, so each is imported by the method that does.
if TYPE_CHECKING:
    from assistant.answering import exporting
    from assistant.answering.chat_model import ChatModel
    from assistant.answering.exporting_blocks import PaperLanguage
    from assistant.documents.fetching import Fetched
    from assistant.ingest import backup, doctor
    from assistant.staff.drafts import DraftFolder
    from assistant.staff.shelf import CorpusShelf
    from assistant.staff.twins import Other, Sketch, Where
    from assistant.staff.upkeep import DeskUpkeep

logger = logging.getLogger(__name__)

LIBRARY_NAME = "library.sqlite"
DRAFTS_FOLDER = "drafts"
UPLOADS_FOLDER = "uploads"
# How long a change at the desk waits for an ingest that runs.
DESK_PATIENCE_SECONDS = 15.0
JOURNAL_NAME = "journal.sqlite"
# How long `close` waits for a sync in another thread, which is told to stop.
STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class _Drafts:
    """What documents on their way in are read into and found by."""

    data: Path
    library: Library
    sentences: SentenceVectors
    ingest: Ingest
    retriever: Retriever


@dataclass(frozen=True, slots=True)
class StaffDesk:
    """The rooms of the staff desk, as `desk.Staff`."""

    drafts: DraftFolder
    shelf: CorpusShelf
    gaps: GapBoard
    upkeep: DeskUpkeep


class Assistant:
    """One corpus, its library and its indexes, ready for questions. Owns its data folder until `close`.

    A context manager; safe to ask from several threads, also while documents are brought in.
    """

    def __init__(
        self, settings: Settings, *, tuning: Tuning | None = None, check_index: bool = True, ahead: bool = False
    ) -> None:
        """Open the data folder; the models are loaded with the first question.

        Args:
            ahead: A question will come: the fast form of the embedding model, where there is one, is loaded in another
                thread while the rest is opened.

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
        self._ingest_lock = threading.RLock()  # a change at the desk holds it around its own sync
        self._hand_over: HandOver | None = None
        self._watcher: Watcher | None = None
        self._changed = threading.Event()
        self._staff: StaffDesk | None = None
        self._staff_opened = ExitStack()
        with ExitStack() as opened:
            opened.callback(self._lock.release)
            self._open(opened, check_index=check_index, ahead=ahead)
            self._opened = opened.pop_all()
        atexit.register(self.close)

    def _open(self, opened: ExitStack, *, check_index: bool, ahead: bool) -> None:
        settings = self.settings
        self._embedder = ModelEmbedder(
            settings.embedding_model, threads=settings.embedding_threads, exports=runtime_cache(settings)
        )
        opened.callback(self._embedder.close)
        if ahead:
            loading = threading.Thread(target=self._embedder.load_ahead, daemon=True)
            loading.start()
            opened.callback(loading.join)  # a process that ends meanwhile would be ended by its library, with a signal
        self._reranker = (
            CrossEncoderReranker(settings.reranker, settings.embedding_threads) if settings.reranker else None
        )
        self._model = _language_model(settings)
        if self._model is not None:
            opened.callback(self._model.close)
        self._library = Library(self.data / LIBRARY_NAME)
        opened.callback(self._library.close)
        self._journal = Journal(
            self.data / JOURNAL_NAME,
            saved_days=settings.saved_days,
            feedback_days=settings.feedback_days,
            gap_days=settings.gap_days,
            gap_texts=settings.gap_texts,
        )
        opened.callback(self._journal.close)
        self._sentences = SentenceVectors(self._library, self._embedder.key, gloss=self.tuning.gloss)
        begin_anew = check_index and check_manifest(self._library, self._manifest())
        vectors_lost = settings.chroma_server is None and self._vectors_are_lost()
        if vectors_lost:
            shutil.rmtree(self.data / VECTORS_FOLDER, ignore_errors=True)
            self._library.mark_nothing_embedded()
        self._library.remember("stop", "open")
        # A question's vector is computed and searched for while its words are; more threads than cores help nobody.
        self._beside = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="searching")
        opened.callback(self._beside.shutdown, cancel_futures=True)
        self._index = Index(self.data, self._library, settings.chroma_server)
        opened.callback(self._index.close)
        self._worker = ParsingWorker(_limits(settings))
        opened.callback(self._worker.close)
        self._page_images = PageImages()
        opened.callback(self._page_images.close)
        self._bulk = BulkEmbedder(
            settings.embedding_model,
            threads=settings.ingest_threads or os.cpu_count() or 1,
            exports=runtime_cache(settings),
        )
        opened.callback(self._bulk.close)
        self._ingest = self._build_ingest(
            self.corpus, self.data, self._library, self._index, self._sentences, self._worker
        )
        self._pipeline = self._build_pipeline(self.tuning)
        self._suggestions = Suggestions(
            load_bank(),
            self._ask_for_quotes,
            self._embed_questions,
            corpus=lambda: self._library.current,
            ready=lambda: self.ready,
        )
        self._gaps = GapBoard(
            self._journal.questions,
            Grouping(self._embedder.embed, gloss=self.tuning.gloss),
            ask=self._ask_for_quotes,
            title_of=self._title_of,
            explain=self.explain,
        )
        if begin_anew:  # nothing is in, and what comes in has other vectors
            self.rebuild()
        if check_index and self._index.lexical.count() < self._library.chunk_count():
            self._ingest.restore_words()
        if check_index and (vectors_lost or self._index.match_server(self._embedder.key)):
            self._ingest.restore_vectors()
        if check_index:
            self._index.settle_at_server()
        if ahead and settings.chroma_server is None:
            self._beside.submit(self._search_ahead)

    def _search_ahead(self) -> None:
        # What fails is said by the first question.
        with suppress(Exception):
            self._index.vectors.read_ahead()

    def _build_ingest(
        self,
        corpus: Path,
        data: Path,
        library: Library,
        index: Index,
        sentences: SentenceVectors,
        worker: ParsingWorker,
    ) -> Ingest:
        return Ingest(
            corpus,
            data,
            library=library,
            index=index,
            embedder=self._embedder,
            sentences=sentences,
            bulk=self._bulk,
            worker=worker,
            chunk_tokens=self.settings.chunk_tokens,
            embedder_is_at_hand=lambda: self._embedder.is_at_hand,
        )

    def _build_retriever(
        self,
        tuning: Tuning,
        library: Library,
        index: Index,
        sentences: SentenceVectors | None,
        hits: int | None = None,
    ) -> HybridRetriever:
        settings = self.settings
        return HybridRetriever(
            library,
            index,
            self._embedder,
            sentences,
            candidates=settings.candidates,
            hits=hits or settings.hits,
            tuning=tuning,
            reranker=self._reranker,
            rerank_hits=settings.rerank_hits,
            beside=self._beside,
        )

    def _build_pipeline(self, tuning: Tuning, hits: int | None = None, *, writing: bool = True) -> Pipeline:
        retriever = self._build_retriever(tuning, self._library, self._index, self._sentences, hits)
        return self._pipeline_over(retriever, self._library, tuning, self._writer() if writing else None)

    def _pipeline_over(self, retriever: Retriever, library: Library, tuning: Tuning, writer: Writer | None) -> Pipeline:
        """Return a pipeline over some documents; how rare a word is, those tell that founders are answered from."""
        settings = self.settings
        return Pipeline(
            retriever=retriever,
            answerer=ExtractiveAnswerer(answer_words=settings.answer_words, joins_from=tuning.joins_from),
            writer=writer,
            find_document=library.document,
            idf=self._index.inverse_document_frequency,
            vocabulary=self._index.vocabulary,
            tuning=tuning,
            question_characters=settings.question_characters,
            contact=settings.contact,
            documents=lambda: library.current,
        )

    def _writer(self) -> Writer | None:
        model = self._model
        if model is None:
            return None
        from assistant.answering.generative import GenerativeAnswerer, rewrite
        from assistant.answering.support import SupportJudge

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
        return manifest_of(self.settings, self._embedder, self._sentences)

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
        retriever = self._build_retriever(self.tuning, self._library, self._index, None, hits)
        return self._pipeline.search(question, _turns(history), retriever)

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

    def speed_up(self) -> bool:
        """Make the fast form of the embedding model where there is none yet, and return whether it serves now.

        Takes about half a minute in a child process; for a thread of its own after `warm_up`. Ends with `close`.
        """
        return self._embedder.make_export()

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
        from assistant.answering import exporting
        from assistant.answering.exporting_blocks import Export

        return exporting.write(Export(tuple(exchanges), language, date, titles), file_format)

    @property
    def writing_model(self) -> WritingModel | None:
        """The language model that writes the answers, and where it runs; None where answers are quotes alone."""
        model = self._model
        return WritingModel(model.name, model.host, model.stays_here) if model is not None else None

    @property
    def embedder(self) -> ModelEmbedder:
        """The embedding model that the assistant searches with."""
        return self._embedder

    # ---- Documents ----

    def sync(
        self, paths: Sequence[Path] = (), *, dry_run: bool = False, progress: Progress = lambda event: None
    ) -> IngestReport:
        """Bring the corpus (or the paths named) into the library; see `Ingest.sync`."""
        with self._ingest_lock:
            report = self._ingest.sync(paths, dry_run=dry_run, progress=progress)
        if not dry_run and any(each.change in ("added", "changed", "removed") for each in report.documents):
            self._changed.set()
        return report

    def wait_for_change(self, seconds: float) -> bool:
        """Wait until documents have changed since the last call, and return whether they have; at most so long.

        Returns at once when the assistant is closed.
        """
        changed = self._changed.wait(seconds)
        self._changed.clear()
        return changed and not self._closed

    def watch(self) -> None:
        """Bring in, until `close`, what comes into the corpus by other means, as soon as it is wholly written."""
        self._watcher = Watcher(self.corpus, data=self.data, known=lambda: self._library.known, sync=self.sync)
        self._watcher.start()

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

    def withdrawn(self, document_id: str, version: str) -> Withdrawn | None:
        """Return what is known of a version that was withdrawn, or None for one that was not."""
        return self._library.withdrawn(document_id, version)

    @property
    def document_count(self) -> int:
        """How many documents can be searched."""
        return len(self._library.current)

    @property
    def journal(self) -> Journal:
        """Feedback and saved conversations."""
        return self._journal

    # ---- The staff desk ----

    @property
    def staff(self) -> StaffDesk:
        """The staff desk; its drafts are opened with its first use."""
        with self._ingest_lock:
            if self._staff is None:
                with ExitStack() as opened:
                    self._staff = self._open_staff(opened)
                    self._staff_opened = opened.pop_all()
            return self._staff

    def _open_staff(self, opened: ExitStack) -> StaffDesk:
        from assistant.documents.fetching import fetch
        from assistant.staff.drafts import DraftFolder
        from assistant.staff.shelf import CorpusShelf
        from assistant.staff.twins import find_twins
        from assistant.staff.upkeep import DeskUpkeep

        drafts = self._open_drafts(opened)
        files = self.data / DRAFTS_FOLDER / "files"
        sketches: dict[str, Sketch] = {}

        def twins_of(document: Document, original: str) -> tuple[Twin, ...]:
            others = (*_others(self._library, None), *_others(drafts.library, "draft"))
            found = find_twins(document, Path(original).stem, others, sketches)
            # A draft is known by its folder.
            return tuple(
                replace(twin, document=twin.document.partition("/")[0]) if twin.where == "draft" else twin
                for twin in found
            )

        def take_vectors(chunks: Sequence[Chunk]) -> None:
            for key, hashes in (
                (self._embedder.key, [chunk.content_hash for chunk in chunks]),
                (self._sentences.key, list(self._sentences.texts(chunks))),
            ):
                self._library.store_vectors(key, drafts.library.vectors(key, list(dict.fromkeys(hashes))).items())

        def answer_from(question: str, document_id: str) -> Answer:
            alone = OneDocument(drafts.retriever, document_id, drafts.library)
            return self._pipeline_over(alone, drafts.library, self.tuning, None).answer(question)

        def fetch_into(url: str, folder: Path) -> Fetched:
            return fetch(url, folder, networks=_parts(self.settings.fetch_networks))

        deeds = self._journal.deeds
        main = self._build_retriever(self.tuning, self._library, self._index, self._sentences)
        shelf = CorpusShelf(
            self.corpus,
            self.data,
            library=self._library,
            deeds=deeds,
            sync=self.sync,
            take_out=self._ingest.take_out,
            alone=self._alone,
            search=lambda text, document_id: _chunks(main, text),
            twins=twins_of,
            text_of_draft=lambda draft_id: folder.text(draft_id),
            fetch=lambda url, document_id, by: folder.add_link(url, by=by, replaces=document_id),
        )
        folder = DraftFolder(
            files,
            self.data,
            shelf=shelf,
            deeds=deeds,
            drafts=drafts.library,
            library=self._library,
            sync=drafts.ingest.sync,
            stop_sync=drafts.ingest.stop,
            take_vectors=take_vectors,
            forget=lambda document_id: _forget(drafts, document_id),
            search=lambda text, document_id: _chunks(OneDocument(drafts.retriever, document_id, drafts.library), text),
            answer=answer_from,
            twins=twins_of,
            fetch=fetch_into,
            alone=self._alone,
        )
        opened.callback(folder.close)
        upkeep = DeskUpkeep(
            health=self._health,
            check=lambda: check_open(self),
            repair=lambda: repair_open(self),
            backup=lambda out: write_backup(self, out),
            deeds=deeds,
        )
        return StaffDesk(folder, shelf, self._gaps, upkeep)

    def _title_of(self, document_id: str) -> str | None:
        found = self._library.metadata(document_id)
        return found[0] if found else None

    def _health(self) -> list[HealthLine]:
        citations, since = self._journal.citations.counts(), self._journal.citations.since
        return health_of(
            self._library.holdings(),
            cited=citations.keys(),
            counted_since=since.isoformat() if since else None,
            translations=self._library.translations,
            today=datetime.now(UTC).date(),
        )

    def empty_uploads(self) -> Path:
        """Clear away what an earlier process has left of files being sent, and return the folder for new ones."""
        folder = self.data / UPLOADS_FOLDER
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        return folder

    def ask_again(self) -> int:
        """Ask what founders asked in vain once more, and return how many groups of it are wholly answered now."""
        return len(self._gaps.ask_again())

    def erase_due(self, today: date | None = None) -> list[str]:
        """Erase the withdrawn documents whose day has come (UTC today, by default), and return their ids.

        Where there are any, both indexes are built anew: words and vectors that have left them would stay on the disk.
        """
        with self._ingest_lock:
            day = today or datetime.now(UTC).date()
            originals = self.data / ORIGINALS_FOLDER
            erased = erase_due(self._library, self._sentences, originals, self._journal, day)
            if erased:
                self.rebuild()
            return erased

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep every other ingest away for one change at the desk; whoever sits there does not wait for a long one."""
        if not self._ingest_lock.acquire(timeout=DESK_PATIENCE_SECONDS):
            raise UsageError(
                "Other documents are being read just now, so nothing was changed. Try again in a minute or two."
            )
        try:
            yield
        finally:
            self._ingest_lock.release()

    def _open_drafts(self, opened: ExitStack) -> _Drafts:
        """Open the library and the indexes of the drafts; they are made anew when they do not fit, the files stay."""
        data = self.data / DRAFTS_FOLDER / "index"
        files = self.data / DRAFTS_FOLDER / "files"
        files.mkdir(parents=True, exist_ok=True)
        try:
            return self._try_drafts(opened, files, data)
        except AssistantError as error:
            logger.warning("The drafts are read once more: %s", error)
            shutil.rmtree(data, ignore_errors=True)
            return self._try_drafts(opened, files, data)

    def _try_drafts(self, opened: ExitStack, files: Path, data: Path) -> _Drafts:
        with ExitStack() as trying:
            if not any(files.iterdir()):  # the indexes keep words of what has left them
                shutil.rmtree(data, ignore_errors=True)
            data.mkdir(parents=True, exist_ok=True)
            library = Library(data / LIBRARY_NAME)
            trying.callback(library.close)
            if check_manifest(library, self._manifest()):
                raise IndexingError("the settings of the indexes have changed.")
            index = Index(data, library)
            trying.callback(index.close)
            sentences = SentenceVectors(library, self._embedder.key, gloss=self.tuning.gloss)
            worker = ParsingWorker(_limits(self.settings))
            trying.callback(worker.close)
            ingest = self._build_ingest(files, data, library, index, sentences, worker)
            opened.push(trying.pop_all())
        retriever = self._build_retriever(self.tuning, library, index, sentences)
        return _Drafts(data, library, sentences, ingest, retriever)

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
        if "upkeep" in request:
            return _upkeep(self, request, progress)
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
        if self._watcher is not None:
            self._watcher.close()
        self._changed.set()
        if self._staff is not None:
            self._staff.drafts.stop()
        self._ingest.stop()
        self._bulk.close()
        self._staff_opened.close()
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


def _parts(setting: str | None) -> list[str]:
    """Return the parts of a setting that are separated by commas."""
    return [part.strip() for part in (setting or "").split(",") if part.strip()]


def _others(library: Library, where: Literal["draft"] | None) -> Iterator[Other]:
    """Yield the documents of a library, which others are compared with."""
    from assistant.staff.twins import Other

    for id_, version, title, original, text in library.texts():
        stands: Where = where or ("published" if id_ in library.current else "unpublished")
        yield Other(id_, version, title, Path(original).stem, text, stands)


def _forget(drafts: _Drafts, document_id: str) -> None:
    """Erase what the library of the drafts has kept of one."""
    for kept in drafts.library.versions(document_id):
        originals = drafts.data / ORIGINALS_FOLDER
        erase_version(drafts.library, drafts.sentences, originals, document_id, kept.version)


def _chunks(retriever: Retriever, text: str) -> list[Chunk]:
    """Return the chunks that a text finds, best first."""
    return [hit.chunk for hit in retriever.retrieve(Query(text, text, detect_language(text)))]


def manifest_of(settings: Settings, embedder: ModelEmbedder, sentences: SentenceVectors) -> Manifest:
    """Return what indexes of these settings are built with."""
    chunking = f"{CHUNKING_VERSION}:{min(settings.chunk_tokens, embedder.max_tokens)}"
    return Manifest(embedding=embedder.key, chunking=chunking, loader=LOADER_VERSION, sentences=sentences.key)


def _turns(history: Sequence[Turn | Mapping[str, Any]]) -> list[Turn]:
    return [turn if isinstance(turn, Turn) else Turn(turn["question"], turn.get("answer")) for turn in history]


def _language_model(settings: Settings) -> ChatModel | None:
    if settings.model is None:
        return None
    from assistant.answering.chat_model import ChatModel

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
    assistant = Assistant(settings, ahead=True)
    if sync:
        try:
            report = assistant.sync()
        except BaseException:
            assistant.close()
            raise
        for failed in report.failed:
            logger.warning("%s is not in: %s. %s", failed.document, failed.reason, failed.remedy)
    return assistant


def load_embedder(model: str | None = None, *, bulk: bool = False) -> ModelEmbedder:
    """Return the embedding model of the settings, or another one by name or folder; loaded with its first use.

    Args:
        bulk: As an ingest embeds: with all threads, and in what is fastest for many texts.
    """
    settings = read_settings(embedding_model=model)
    threads = (settings.ingest_threads or os.cpu_count() or 1) if bulk else settings.embedding_threads
    return ModelEmbedder(settings.embedding_model, threads=threads, exports=runtime_cache(settings), bulk=bulk)


def runtime_cache(settings: Settings) -> Path:
    """Return the folder where the user's fast forms of models are kept."""
    return settings.runtime_cache or platformdirs.user_cache_path("usa-next-assistant")


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


# ---- Upkeep ----


def check_open(assistant: Assistant) -> CheckReport:
    """Compare everything that an open assistant has, and change nothing; waits for an ingest that runs."""
    from assistant.ingest import doctor

    with assistant._ingest_lock:
        return doctor.check(_house(assistant))


def repair_open(assistant: Assistant, progress: Progress = lambda event: None) -> CheckReport:
    """Mend what can be mended under an open assistant, which answers meanwhile, and return what is left."""
    from assistant.ingest import mending

    with assistant._ingest_lock:
        return mending.repair(_house(assistant), assistant._ingest, assistant._index, progress)


def _house(assistant: Assistant) -> doctor.House:
    from assistant.ingest import doctor

    return doctor.House(
        CorpusFolder(assistant.corpus, data=assistant.data),
        assistant.data,
        assistant._library,
        assistant._index.lexical,
        assistant._index.look,
        assistant._embedder.key,
        assistant._sentences,
        assistant._manifest(),
        assistant.data / JOURNAL_NAME,
        in_use=assistant._hand_over is not None,
    )


def write_backup(assistant: Assistant, out: BinaryIO) -> backup.Backup:
    """Write corpus, library, originals and journal of an open assistant to a stream, which need not be seekable.

    Raises:
        DataFolderError: There is no room for copies of the databases, or one is damaged.
        OSError: The stream takes no more.
    """
    from assistant.ingest import backup

    return backup.write_backup(out, assistant.corpus, assistant.data, program=program_version())


def _upkeep(assistant: Assistant, request: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    """Do what another process has handed over."""
    if request["upkeep"] == "check":
        return check_open(assistant).to_dict()
    if request["upkeep"] == "repair":
        return repair_open(assistant, progress).to_dict()
    from assistant.ingest import backup

    kept = (assistant.corpus, assistant.data)
    return backup.save_backup(Path(request["file"]), lambda out: write_backup(assistant, out), kept=kept).to_dict()


def program_version() -> str:
    """Return the release that runs, for what it writes."""
    try:
        return metadata.version("usa-next-assistant")
    except metadata.PackageNotFoundError:
        return "unknown"
