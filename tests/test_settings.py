"""Settings: where values come from, and one clear sentence for each that cannot be used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assistant.errors import SettingsError
from assistant.settings import Settings, read_settings


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test have an assistant.toml of its own, or none."""
    monkeypatch.chdir(tmp_path)


def test_defaults_work_without_any_choice():
    """Nothing has to be chosen: the corpus lies beside the program and the bundled model embeds."""
    settings = read_settings()
    assert (settings.corpus, settings.data) == (Path("corpus"), Path(".assistant"))
    assert (settings.embedding_model, settings.host, settings.port) == ("all-MiniLM-L6-v2", "127.0.0.1", 7860)
    assert settings.reranker is None


def test_a_reranker_is_chosen_by_one_variable(monkeypatch):
    """Its name or folder is taken as it is written; how many hits it reads has a default; an empty name is none."""
    monkeypatch.setenv("ASSISTANT_RERANKER", "models/reranker")
    assert (read_settings().reranker, read_settings().rerank_hits) == ("models/reranker", 20)
    monkeypatch.setenv("ASSISTANT_RERANK_HITS", "8")
    monkeypatch.setenv("ASSISTANT_RERANKER", "")
    assert (read_settings().reranker, read_settings().rerank_hits) == (None, 8)


def test_every_setting_says_what_it_is_for():
    """Each field carries a description for the table in the manual."""
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_argument_beats_variable_beats_file_beats_default(monkeypatch):
    """A flag of this run wins over the environment, and the environment over assistant.toml."""
    Path("assistant.toml").write_text("port = 7001\nhits = 5\nanswer_words = 60\n", encoding="utf-8")
    monkeypatch.setenv("ASSISTANT_PORT", "7002")
    monkeypatch.setenv("ASSISTANT_HITS", "6")
    settings = read_settings(port=7003, host=None)
    assert (settings.port, settings.hits, settings.answer_words, settings.host) == (7003, 6, 60, "127.0.0.1")


def test_an_empty_variable_counts_as_unset(monkeypatch):
    """`ASSISTANT_PORT=` chooses nothing, as people expect of a shell."""
    monkeypatch.setenv("ASSISTANT_PORT", "")
    assert read_settings().port == 7860


def test_settings_cannot_be_changed_later():
    """What was read at the start holds until the end."""
    with pytest.raises(ValueError, match="frozen"):
        read_settings().port = 1


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        pytest.param("PORT", "many", "ASSISTANT_PORT is 'many': input should be a valid integer", id="no number"),
        pytest.param("PORT", "0", "ASSISTANT_PORT is '0': input should be greater than or equal to 1", id="too small"),
        pytest.param("PORT", "70000", "less than or equal to 65535", id="too large"),
        pytest.param("CHUNK_TOKENS", "10", "greater than or equal to 32", id="chunks too short"),
        pytest.param("RERANK_HITS", "1", "greater than or equal to 2", id="nothing to put in order"),
        pytest.param("PARSE_SECONDS", "nan", "ASSISTANT_PARSE_SECONDS", id="not a number at all"),
        pytest.param("PARSE_SECONDS", "inf", "less than or equal to 86400", id="for ever"),
        pytest.param("HITS", "60", "hits is 60 and must not be above candidates, 50", id="contradiction"),
        pytest.param("DATA", "corpus", "corpus and data are both corpus and must be two folders", id="one folder"),
        pytest.param(
            "TRUSTED_PROXIES", "10.0.0.1, proxy", "proxy is not an address or network such as", id="no address"
        ),
        pytest.param("FETCH_NETWORKS", "intranet", "intranet is not an address or network such as", id="no network"),
        pytest.param("TRUSTED_PROXIES", "*", r"\* is not an address or network", id="everybody"),
        pytest.param(
            "CHROMA_SERVER",
            "localhost:8000",
            "ASSISTANT_CHROMA_SERVER is 'localhost:8000': it is not the",
            id="no http",
        ),
        pytest.param("CHROMA_SERVER", "http://", "is not the address of a server such as", id="no host"),
        pytest.param("CHROMA_SERVER", "http://host:port", "is not the address of a server such as", id="no port"),
        pytest.param("CHROMA_SERVER", "http://me:word@host:8000", "is not the address of a server", id="a password"),
        pytest.param("CHROMA_SERVER", "http://[host:8000", "is not the address of a server such as", id="a bracket"),
        pytest.param("PATH_PREFIX", "usanext", "it is not a path such as /usanext", id="no path"),
        pytest.param("PATH_PREFIX", "//evil.example", "it is not a path such as /usanext", id="another host"),
        pytest.param("LOG", "xml", "input should be 'text' or 'json'", id="no such log"),
        pytest.param("PROT", "1", "ASSISTANT_PROT is not a setting.*Did you mean ASSISTANT_PORT?", id="typing mistake"),
        pytest.param("XYZZY", "1", "ASSISTANT_XYZZY is not a setting of the assistant.$", id="nothing like it"),
    ],
)
def test_a_wrong_variable_is_one_clear_sentence(monkeypatch, variable, value, message):
    """The message names the variable, its value and what is allowed, on one line without a library's name."""
    monkeypatch.setenv(f"ASSISTANT_{variable}", value)
    with pytest.raises(SettingsError, match=message) as caught:
        read_settings()
    assert "\n" not in str(caught.value)
    assert not re.search("pydantic|validation error", str(caught.value))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"prot = 1", "prot is not a setting of the assistant. Did you mean ASSISTANT_PORT?", id="unknown"),
        pytest.param(b"port = \n", "assistant.toml cannot be read: .*line 1", id="no TOML"),
        pytest.param(b"contact = '\xff'", "assistant.toml cannot be read", id="no UTF-8"),
        pytest.param(b"port = 'x'", "ASSISTANT_PORT is 'x': input should be a valid integer", id="wrong type"),
        pytest.param(b"port = 0\nhits = 0", "ASSISTANT_HITS is 0.*; .*ASSISTANT_PORT is 0", id="two mistakes"),
    ],
)
def test_a_wrong_file_is_one_clear_sentence(content, message):
    """A mistake in assistant.toml is named as clearly as one in a variable."""
    Path("assistant.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=message):
        read_settings()


def test_the_variable_of_the_tests_is_no_setting(monkeypatch):
    """ASSISTANT_TEST_DATA is for the tests alone and disturbs nobody."""
    monkeypatch.setenv("ASSISTANT_TEST_DATA", "/somewhere")
    assert read_settings().port == 7860


@pytest.mark.parametrize("code", ["seven77", " spaces-around ", "line\nbreak"])
def test_a_bad_access_code_is_refused_without_showing_it(monkeypatch, code):
    """Neither in the sentence nor in what it was raised from."""
    monkeypatch.setenv("ASSISTANT_ACCESS_CODE", code)
    with pytest.raises(SettingsError, match="ASSISTANT_ACCESS_CODE cannot be used: it must have at least 8") as caught:
        read_settings()
    assert code not in f"{caught.value}{caught.value.__cause__}"


def test_the_access_code_is_never_shown(monkeypatch):
    """Whoever prints the settings prints stars."""
    monkeypatch.setenv("ASSISTANT_ACCESS_CODE", "fjord-and-fell")
    settings = read_settings()
    assert "fjord" not in f"{settings}{settings!r}{settings.model_dump()}{settings.model_dump_json()}"
    assert settings.access_code.get_secret_value() == "fjord-and-fell"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("a-password-in-plain", id="a plain password"),
        pytest.param("b2b12" + "a" * 53, id="a hash whose dollar signs a shell took"),
        pytest.param("$2b$31$" + "a" * 53, id="a cost of months"),
        pytest.param("$2b$04$" + "a" * 53, id="a cost of nothing"),
    ],
)
def test_a_password_that_is_no_hash_is_refused_without_showing_it(monkeypatch, value):
    """With how to make one; neither in the sentence nor in what it was raised from."""
    monkeypatch.setenv("ASSISTANT_STAFF_PASSWORD_HASH", value)
    with pytest.raises(SettingsError, match=r"STAFF_PASSWORD_HASH cannot be used: .*hash-password") as caught:
        read_settings()
    assert value not in f"{caught.value}{caught.value.__cause__}"


def test_the_hash_of_the_password_is_never_shown(monkeypatch):
    """It can be tried at home, a password at a time."""
    made = "$2b$12$" + "a" * 53
    monkeypatch.setenv("ASSISTANT_STAFF_PASSWORD_HASH", made)
    settings = read_settings()
    assert made not in f"{settings}{settings!r}{settings.model_dump()}{settings.model_dump_json()}"
    assert settings.staff_password_hash.get_secret_value() == made


@pytest.mark.parametrize(("given", "kept"), [("/usanext/", "/usanext"), ("/", None), ("/a/b", "/a/b"), ("", None)])
def test_a_path_prefix_is_kept_without_its_last_slash(given, kept):
    """People write it both ways."""
    assert read_settings(path_prefix=given).path_prefix == kept
