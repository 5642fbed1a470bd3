"""Words: BM25 over stems of both languages, for whatever people type."""

from __future__ import annotations

import shutil
import string

import pytest

from assistant.errors import IndexingError
from assistant.index.lexical import LexicalIndex, question_terms

TEXTS = {
    "fees.md": ("en", "The hospitals in Ohio charge a fee for each hearing device."),
    "codes.md": ("en", "A 510(k) submission goes to the FDA."),
    "boats.md": ("en", "Rowing boats are painted in the spring."),
    "vafler.md": ("nb", "Fyrvokteren steker vafler, og kostnadene dekkes av kommunen."),
    "sykehus.md": ("nb", "Sykehusene i Bergen kjøper kikkerter av små bedrifter."),
    "høyr.md": ("nn", "Eit høyreapparat er dyrt for dei fleste."),
}


@pytest.fixture
def opened():
    """Indexes to be closed."""
    made = []
    yield made
    for index in made:
        index.close()


@pytest.fixture
def index(tmp_path, opened, make_chunk):
    """The word index over TEXTS."""
    made = LexicalIndex(tmp_path / "words")
    opened.append(made)
    made.add(make_chunk(text, id_=id_, language=language) for id_, (language, text) in TEXTS.items())
    made.commit()
    return made


def search(index, question, language="en", limit=10):
    """Return the documents that a question finds, best first."""
    return [id_.split(":")[0] for id_, _ in index.search(question_terms(question, language), limit)]


@pytest.mark.parametrize(
    ("question", "language", "expected"),
    [
        pytest.param("What does a hospital charge?", "en", "fees.md", id="English stems"),
        pytest.param("Who paints the boat?", "en", "boats.md", id="English singular"),
        pytest.param("hva er kostnaden ved vaffel?", "nb", "vafler.md", id="Norwegian stems"),
        pytest.param("høyreapparatet", "nn", "høyr.md", id="Nynorsk stems"),
        pytest.param("510k", "en", "codes.md", id="code without brackets"),
        pytest.param("hva er 510 (k)?", "nb", "codes.md", id="code across languages"),
        pytest.param("Bergen", "en", "sykehus.md", id="name across languages"),
        pytest.param("gebyr på sykehus i Ohio", "nb", "fees.md", id="Norwegian question, English text"),
        pytest.param("hospitals in Bergen", "en", "sykehus.md", id="English question, Norwegian text"),
    ],
)
def test_words_find_their_text(index, question, language, expected):
    """Forms of a word and its translations find the text that holds it."""
    assert search(index, question, language)[0] == expected


@pytest.mark.parametrize(
    "question",
    [
        pytest.param("", id="nothing"),
        pytest.param("?", id="one mark"),
        pytest.param(string.punctuation, id="all punctuation"),
        pytest.param('problem: "unclosed (bracket AND -not OR * ~2 ^3 [a TO b] {x}', id="query language"),
        pytest.param("\\ / \0 \n\t\u202e\ufeff", id="control characters"),
        pytest.param("the of and", id="function words only"),
        pytest.param("🚀 日本語 العربية", id="other scripts"),
        pytest.param("hospital " * 1111, id="10,000 characters, one word"),
        pytest.param(" ".join(f"word{number}" for number in range(1300)), id="10,000 characters, all different"),
        pytest.param("x" * 10_000, id="one word of 10,000 characters"),
    ],
)
@pytest.mark.parametrize("language", ["en", "nb", "nn"])
def test_no_question_breaks_the_search(index, question, language):
    """Whatever is typed gives a list, not an error."""
    assert isinstance(search(index, question, language), list)


@pytest.mark.parametrize("mark", list('":()[]{}*?~^-+!\\/&|'))
def test_punctuation_changes_nothing(index, mark):
    """A mark before, after or around a word finds what the word finds."""
    assert search(index, f"{mark}hospital{mark} {mark}") == search(index, "hospital")
    assert set(search(index, "hospital")) == {"fees.md", "sykehus.md"}


def test_added_is_found_after_the_commit_only(index, make_chunk):
    """Nothing is seen half-written."""
    chunk = make_chunk("A walrus sleeps.", id_="walrus.md")
    index.add([chunk])
    assert search(index, "walrus") == []
    assert not index.holds(chunk.id)
    index.commit()
    assert search(index, "walrus") == ["walrus.md"]
    assert index.holds(chunk.id)


def test_adding_again_replaces(index, make_chunk):
    """A chunk stands in the index once, with its last words."""
    chunk = make_chunk("A walrus sleeps.", id_="walrus.md")
    for _ in range(3):
        index.add([chunk])
        index.commit()
    assert index.count() == len(TEXTS) + 1
    assert search(index, "walrus") == ["walrus.md"]


def test_removed_is_forgotten(index, make_chunk):
    """A removed chunk is not found; unknown ids are no error."""
    language, text = TEXTS["boats.md"]
    index.remove([make_chunk(text, id_="boats.md", language=language).id, "unknown"])
    index.commit()
    assert search(index, "boat") == []
    assert len(index.ids()) == index.count() == len(TEXTS) - 1


def test_it_is_there_after_a_restart(index, tmp_path, opened):
    """What was committed is found again, and can be added to, after reopening."""
    before = index.ids()
    index.close()
    again = LexicalIndex(tmp_path / "words")
    opened.append(again)
    assert again.ids() == before
    assert search(again, "boat") == ["boats.md"]


def test_rare_words_weigh_more(index):
    """The weight of a word falls with the number of texts that hold it, and is highest for an unknown one."""
    unknown, rare = (index.inverse_document_frequency(word, "en") for word in ("xyzzy", "ohio"))
    assert unknown > rare > 0


def test_a_word_s_weight_is_that_of_the_texts_of_today(index, tmp_path, opened, make_chunk):
    """Texts that come and go change how rare a word is, also of one that was asked for before."""
    before = [index.inverse_document_frequency(word, "en") for word in ("ohio", "puffin")]
    chunks = [make_chunk(f"Ohio has a puffin, number {number}.", id_=f"{number}.md") for number in range(4)]
    index.add(chunks)
    assert [index.inverse_document_frequency(word, "en") for word in ("ohio", "puffin")] == before
    index.commit()
    now = [index.inverse_document_frequency(word, "en") for word in ("ohio", "puffin")]
    assert all(one < other for one, other in zip(now, before, strict=True))
    again = LexicalIndex(tmp_path / "words")
    opened.append(again)
    assert [again.inverse_document_frequency(word, "en") for word in ("ohio", "puffin")] == now
    index.remove([chunk.id for chunk in chunks])
    index.commit()
    assert [index.inverse_document_frequency(word, "en") for word in ("ohio", "puffin")] == before


def test_an_empty_index_finds_nothing(tmp_path, opened):
    """No chunks, no hits, no error."""
    empty = LexicalIndex(tmp_path / "empty")
    opened.append(empty)
    assert search(empty, "anything") == []
    assert (empty.ids(), empty.count()) == (set(), 0)
    assert empty.inverse_document_frequency("any", "en") > 0


def replace_in(file, old, new):
    """Change a text file."""
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda folder: (folder / "meta.json").write_text("{"), id="damaged list of segments"),
        pytest.param(lambda folder: [file.unlink() for file in folder.glob("*.term")], id="segment gone"),
        pytest.param(lambda folder: replace_in(folder / "meta.json", '"nb"', '"xx"'), id="made by another release"),
    ],
)
def test_a_damaged_index_begins_anew(harm, index, tmp_path, opened):
    """An index that cannot be opened is emptied instead of standing in the way: the library holds all of it."""
    index.close()
    harm(tmp_path / "words")
    again = LexicalIndex(tmp_path / "words")
    opened.append(again)
    assert again.count() == 0


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path):
    """A file where the folder should be is named."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(IndexingError, match=r"word index in .*file/words cannot be opened"):
        LexicalIndex(tmp_path / "file" / "words")


def test_what_a_killed_commit_wrote_is_in_nobodys_way(tmp_path, make_chunk):
    """Files that a commit wrote and never listed go at the next start; the next commit takes their names."""
    chunks = [make_chunk(f"The oar number {number} is blue.", id_=f"a{number}.md") for number in range(4)]
    index = LexicalIndex(tmp_path / "words")
    index.add(chunks)
    index.commit()
    index.close()
    before = {path.name: path.read_bytes() for path in (tmp_path / "words").iterdir()}
    for _ in range(2):
        index = LexicalIndex(tmp_path / "words")
        index.remove([chunks[0].id])
        index.commit()
        index.close()
        written = {path.name: path.read_bytes() for path in (tmp_path / "words").glob("*.del")}
        assert index.count() == 3
        # As if the process had been killed before it listed them.
        shutil.rmtree(tmp_path / "words")
        (tmp_path / "words").mkdir()
        for name, content in {**before, **written}.items():
            (tmp_path / "words" / name).write_bytes(content)
    index = LexicalIndex(tmp_path / "words")
    assert index.count() == 4
    index.close()
