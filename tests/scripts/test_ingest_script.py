"""`python ingest.py` as people meet it: output, exit status, and what a kill leaves behind."""

from __future__ import annotations

import json
import random
import shutil
import signal
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import ingest
from assistant.build import Assistant
from assistant.settings import read_settings
from assistant.store.library import Library
from assistant.store.owner import FolderLock

DOCUMENTS = ("notes/lighthouse.txt", "programme/mentors.md", "reports/harbour.pdf")
HEAVY = ("torch", "sentence_transformers", "chromadb", "gradio", "langchain", "tantivy", "transformers")


@pytest.fixture
def run(corpus, data, capsysbinary):
    """Run the script in this process; return status, standard output and error stream."""

    def main(*arguments: object) -> tuple[int, str, str]:
        try:
            status = ingest.main([*map(str, arguments), "--corpus", str(corpus), "--data", str(data)])
        except SystemExit as error:
            status = int(error.code)
        out, err = capsysbinary.readouterr()
        return status, out.decode(), err.decode()

    return main


def tree(folder):
    """Return everything below a folder with its size and time."""
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ingest.py", "app.py"])
def test_help_is_quick(script, name):
    """Help shows two examples and loads no model, no database and no web server."""
    code = (
        f"import sys, {name[:-3]} as script\n"
        "try:\n    script.main(['--help'])\n"
        "finally:\n    print(*sys.modules, file=sys.stderr)"
    )
    ended = script(code)
    assert ended.stdout.startswith(f"usage: {name}")
    assert ended.stdout.split("examples:")[1].count(f"python {name}") == 2
    assert not {module.split(".")[0] for module in ended.stderr.split()} & set(HEAVY)


def test_a_run_on_the_command_line(run, synced):
    """People see a line per change on the error stream, then the count; standard output stays empty."""
    synced.close()
    (synced.corpus / "notes" / "lighthouse.txt").unlink()
    (synced.corpus / "bad.jpg").write_bytes(b"x")
    status, out, err = run()
    assert (status, out) == (1, "")
    assert "! bad.jpg: files of type .jpg are not read. Convert it" in err
    assert err.splitlines()[-1].startswith("1 removed, 1 failed, 2 unchanged. 0 passages embedded in ")


def test_json_is_one_object(run, synced):
    """With --json standard output is one object and nothing else; documents stand on the error stream no more."""
    synced.close()
    status, out, err = run("--json")
    report = json.loads(out)
    assert (status, out.count("\n"), err) == (0, 1, "")
    assert report["counts"] == {"added": 0, "changed": 0, "unchanged": 3, "removed": 0, "failed": 0}
    assert [one["document"] for one in report["documents"]] == list(DOCUMENTS)
    status, out, err = run("--json", "nothing.md")
    assert (status, list(json.loads(out))) == (2, ["error"])
    assert err.startswith("Error: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["https://example.org/x", "/nowhere/x.pdf"], "/nowhere/x.pdf does not exist", id="link and none"),
        pytest.param(["/nowhere/x.pdf"], "/nowhere/x.pdf does not exist. Check the path.", id="no such path"),
        pytest.param(["~nobody-of-this-name/x.pdf"], "names a user without a home folder", id="no such user"),
        pytest.param(["--rebuild", "x.md"], "--rebuild takes no paths", id="rebuild with a path"),
        pytest.param(["--rebuild", "--dry-run"], "--rebuild takes no paths and no --dry-run", id="rebuild and dry run"),
        pytest.param(["--version", "abc"], "--version belongs to --text", id="version without text"),
        pytest.param(["--text", "a.md", "--rebuild"], "--text prints a text and does nothing else", id="text and more"),
        pytest.param(["--text", ""], "There is no library in", id="text of nothing"),
        pytest.param(["--check", "x.md"], "--check or --repair does nothing else at the same time", id="check a path"),
        pytest.param(["--repair", "--rebuild"], "--check or --repair does nothing else", id="repair and rebuild"),
        pytest.param(["--backup", "a", "--restore", "b"], "--backup does nothing else", id="backup and restore"),
        pytest.param(["--backup", "/nowhere/b.zip"], "There is no library in", id="backup of nothing"),
        pytest.param(["--restore", __file__], "is not a zip file", id="restore of something else"),
        pytest.param(["--unknown"], "unrecognized arguments: --unknown", id="unknown flag"),
    ],
)
def test_misuse_is_status_2(run, arguments, message):
    """A command that makes no sense is refused with one sentence."""
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_wrong_settings_are_status_2(run, monkeypatch):
    """A wrong setting is one sentence, before anything is opened."""
    monkeypatch.setenv("ASSISTANT_HITS", "none")
    status, _, err = run()
    assert status == 2
    assert err == (
        "Error: The setting ASSISTANT_HITS is 'none': "
        "input should be a valid integer, unable to parse string as an integer\n"
    )


def test_a_folder_in_use_is_status_1(run, data, monkeypatch):
    """A data folder whose owner takes no work is said to be in use, after a little patience."""
    monkeypatch.setattr("assistant.commands.PATIENCE_SECONDS", 0.5)
    with FolderLock(data):
        status, _, err = run()
    assert status == 1
    assert "in use by another process that takes no work" in err


def test_an_owner_that_ends_is_waited_for(run, synced):
    """Two ingests one shortly after the other both do their work."""
    threading.Timer(1, synced.close).start()
    assert run()[0] == 0


@pytest.mark.parametrize("place", ["file", "library"])
def test_a_data_folder_that_cannot_be_is_status_1(run, data, place):
    """A file where the folder should be, or a library that is none, is one sentence."""
    if place == "file":
        data.write_text("x", encoding="utf-8")
    else:
        data.mkdir()
        (data / "library.sqlite").write_text("no database " * 100, encoding="utf-8")
    status, out, err = run()
    assert (status, out) == (1, "")
    assert err.startswith("Error: The ")
    assert err.count("\n") == 1


def test_text_is_the_stored_text(run, synced):
    """--text prints exactly the text that citations point into, of any version, also while the owner runs."""
    old = synced.document("notes/lighthouse.txt")
    (synced.corpus / "notes" / "lighthouse.txt").write_text("Ny tekst – med strek.\n\n\nOg en til.", encoding="utf-8")
    synced.sync()
    new = synced.document("notes/lighthouse.txt")
    for state in ("owned", "closed"):
        if state == "closed":
            synced.close()
        before = tree(synced.data)
        assert run("--text", "notes/lighthouse.txt") == (0, new.text, "")
        assert run("--text", "notes/lighthouse.txt", "--version", old.version) == (0, old.text, "")
        assert run("--text", "x.md")[0] == 2
        assert run("--text", "notes/lighthouse.txt", "--version", "0")[0] == 2
        assert tree(synced.data).keys() == before.keys()
    assert tree(synced.data) == before


def test_text_without_a_library_creates_nothing(run, data):
    """Reading where nothing is says so, and makes no folder."""
    status, _, err = run("--text", "a.md")
    assert (status, data.exists()) == (2, False)
    assert "There is no library in" in err


def test_a_dry_run_creates_nothing(run, data, corpus, tmp_path):
    """--dry-run makes no data folder, copies nothing and says what would happen."""
    (tmp_path / "new.md").write_text("New.", encoding="utf-8")
    before = tree(corpus)
    status, out, _ = run("--dry-run", "--json", tmp_path / "new.md", corpus)
    assert status == 0
    assert {one["document"]: one["change"] for one in json.loads(out)["documents"]} == {
        "added/new.md": "added", "notes/lighthouse.txt": "added", "programme/mentors.md": "added",
        "reports/harbour.pdf": "added",
    }  # fmt: skip
    assert not data.exists()
    assert tree(corpus) == before


def test_a_dry_run_leaves_a_library_as_it_is(run, synced):
    """Over a library, too, --dry-run changes no byte."""
    synced.close()
    (synced.corpus / "notes" / "lighthouse.txt").unlink()
    before = tree(synced.data)
    _, out, _ = run("--dry-run", "--json")
    assert json.loads(out)["counts"]["removed"] == 1
    assert tree(synced.data) == before


# ---- Links ----


@pytest.fixture
def web_site():
    """A web server on this machine with one page, and the paths that were asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if self.path == "/puffins" else 404)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            if self.path == "/puffins":
                self.wfile.write(b"<!doctype html><h1>Puffins</h1><p>The harbour pays nine dollars for a puffin.</p>")

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}", asked
        httpd.shutdown()
        thread.join()


def test_a_link_is_fetched_and_comes_in(run, synced, web_site, monkeypatch):
    """The page stands in web/ with its address, and comes in alone; again, it is the same document."""
    synced.close()
    url, asked = web_site
    monkeypatch.setenv("ASSISTANT_FETCH_NETWORKS", "127.0.0.1, 10.0.0.0/8")
    for change in ("added", "unchanged"):
        status, out, err = run("--json", f"{url}/puffins")
        assert (status, err) == (0, "")
        (document,) = json.loads(out)["documents"]
        assert (document["document"].split("-")[:2], document["change"]) == (["web/127.0.0.1", "puffins"], change)
    kept = synced.corpus / document["document"]
    assert b"nine dollars" in kept.read_bytes()
    assert f"url: {url}/puffins\n" in kept.with_name(f"{kept.name}.yaml").read_text()
    assert asked == ["/robots.txt", "/puffins"] * 2


def test_a_refused_link_is_a_line_and_status_1(run, synced, web_site):
    """A link into this machine is refused, never asked for, and stops nothing else; alone, it changes nothing."""
    synced.close()
    url, asked = web_site
    before = tree(synced.data)
    status, out, err = run(f"{url}/puffins")
    assert (status, out, tree(synced.data)) == (1, "", before)
    line, count = err.splitlines()
    assert line.startswith(f"! {url}/puffins: leads to 127.0.0.1, which is no public address. Save the page")
    assert count.startswith("1 failed. 0 passages")
    lighthouse = synced.corpus / "notes" / "lighthouse.txt"
    status, out, _ = run("--json", f"{url}/puffins", lighthouse, "ftp://127.0.0.1/x")
    assert status == 1
    assert [(one["document"], one["change"]) for one in json.loads(out)["documents"]] == [
        (f"{url}/puffins", "failed"), ("ftp://127.0.0.1/x", "failed"), ("notes/lighthouse.txt", "unchanged"),
    ]  # fmt: skip
    assert asked == []
    assert not (synced.corpus / "web").exists()


def test_a_dry_run_fetches_nothing(run, corpus, data, web_site, monkeypatch):
    """It says what would be fetched, and refuses what is no address."""
    url, asked = web_site
    monkeypatch.setenv("ASSISTANT_FETCH_NETWORKS", "127.0.0.1")
    before = tree(corpus)
    status, _, err = run("--dry-run", f"{url}/puffins#top")
    assert (status, err.splitlines()[:2]) == (0, [f"+ {url}/puffins", "    would be fetched"])
    assert run("--dry-run", "https://me:secret@example.org/")[0] == 1
    assert (asked, data.exists(), tree(corpus)) == ([], False, before)


def test_a_link_without_a_corpus_is_misuse(run, corpus, web_site):
    """There is nowhere to put it, so nothing is asked for."""
    shutil.rmtree(corpus)
    url, asked = web_site
    status, _, err = run(f"{url}/puffins")
    assert (status, asked) == (2, [])
    assert "is not a folder" in err


@pytest.mark.slow
def test_rebuild_embeds_nothing_again(run, synced, data):
    """--rebuild makes both indexes anew from the library, with the vectors it holds."""
    synced.close()
    shutil.rmtree(data / "chroma")
    (data / "words-0" / "meta.json").write_text("{")
    status, out, _ = run("--rebuild", "--json")
    assert (status, json.loads(out)["embedded_chunks"]) == (0, 0)
    assert run("--json")[0] == 0


# ---- Upkeep ----


def test_check_and_repair(run, synced):
    """A difference is one line with status 1, as JSON the same; a repair mends it, and then all agrees."""
    synced.close()
    (synced.corpus / "notes" / "lighthouse.txt").unlink()
    status, out, err = run("--check")
    assert (status, out) == (1, "")
    gone = "notes/lighthouse.txt is in the library, and its file in the corpus is gone."
    assert err.splitlines()[0] == f"! {gone} --repair mends it."
    assert err.splitlines()[1].startswith("3 documents, 3 passages: 1 difference. ")
    status, out, _ = run("--check", "--json")
    report = json.loads(out)
    assert (status, report["healthy"], report["searched"]) == (1, False, 3)
    assert report["embedded_by"].endswith(", float32")
    assert report["differences"] == [
        {"kind": "corpus", "document": "notes/lighthouse.txt", "sentence": gone, "repairable": True}
    ]
    status, _, err = run("--repair")
    assert (status, err.splitlines()[-1][:37]) == (0, "2 documents, 2 passages: all agrees. ")
    assert err.splitlines()[-1].endswith(f" s. Embedded by {report['embedded_by']}.")
    assert run("--check")[0] == 0


def test_backup_and_restore(run, synced, tmp_path, capsysbinary):
    """One command writes the file, the other puts it into empty folders; both say what they did."""
    synced.close()
    status, _, err = run("--backup", tmp_path / "b.zip")
    assert (status, err.startswith("8 files, ")) == (0, True)
    assert ingest.main(["--restore", str(tmp_path / "b.zip"), "--corpus", str(tmp_path / "c"), "--data",
                        str(tmp_path / "d")]) == 0  # fmt: skip
    err = capsysbinary.readouterr().err.decode()
    assert err.splitlines()[0].startswith(f"Restored {tmp_path / 'b.zip'} of 20")
    assert err.splitlines()[1].startswith("3 documents, 3 passages: all agrees. ")
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["notes", "programme", "reports"]
    assert run("--restore", tmp_path / "b.zip")[0] == 2


@pytest.mark.slow
def test_the_app_looks_after_its_own_folder(start, script, synced, tmp_path):
    """While an app owns the data folder it checks, repairs and backs up, and the output is the same."""
    synced.close()
    app = (
        "import sys\n"
        "from assistant.build import Assistant\n"
        "from assistant.settings import read_settings\n"
        "with Assistant(read_settings(corpus=sys.argv[1], data=sys.argv[2])) as assistant:\n"
        "    assistant.take_work()\n"
        "    print('ready', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    here = ("--corpus", synced.corpus, "--data", synced.data)
    process = start(app, synced.corpus, synced.data)
    assert process.stdout.readline() == "ready\n"
    checked = script("ingest.py", "--check", *here)
    assert (checked.returncode, checked.stderr.splitlines()[0]) == (
        0, f"The running app owns {synced.data} and does the work. Ctrl-C stops watching, not the work.",
    )  # fmt: skip
    (synced.corpus / "notes" / "lighthouse.txt").unlink()
    assert script("ingest.py", "--check", *here).returncode == 1
    assert script("ingest.py", "--repair", *here).returncode == 0
    written = script("ingest.py", "--backup", "b.zip", *here, "--json")  # relative to the client's folder
    assert (written.returncode, json.loads(written.stdout)["left_out"]) == (0, [])
    again = script("ingest.py", "--backup", "b.zip", *here)
    assert (again.returncode, "no backup is written over another file" in again.stderr) == (2, True)
    restored = script("ingest.py", "--restore", "b.zip", "--corpus", tmp_path / "c", "--data", tmp_path / "d")
    assert restored.returncode == 0, restored.stderr
    taken = script("ingest.py", "--restore", "b.zip", *here)
    assert (taken.returncode, "is not empty" in taken.stderr) == (2, True)


# ---- Killed, interrupted, and out of room: in processes of their own ----


@pytest.fixture
def many(tmp_path):
    """A corpus of forty documents in version one, and a function that writes version two."""
    folder = tmp_path / "many"
    folder.mkdir()

    def write(version: str) -> None:
        for number in range(40):
            text = f"# Oar {number}\n\n" + f"Oar {number} of version {version} is painted in the boat house. " * 12
            (folder / f"oar{number:02}.md").write_text(text, encoding="utf-8")

    write("one")
    return folder, write


def versions(assistant):
    """Return, for each document, the version marks in its stored text and in its chunks."""
    marks = {}
    for document in assistant.documents():
        now = assistant._library.current[document.id].version
        text = " ".join(chunk.text for chunk in assistant._library.chunks_of(document.id, now))
        marks[document.id] = {mark for mark in ("one", "two") if f"version {mark} " in document.text + text}
    return marks


@pytest.mark.slow
def test_killed_anywhere_the_next_sync_mends(many, data, start, consistent, found_in, tmp_path):
    """After kill -9 at any moment whole versions answer, and the next sync leaves no orphan in either index."""
    folder, write = many
    settings = read_settings(corpus=folder, data=data)
    with Assistant(settings) as assistant:
        assistant.warm_up()
        assistant.sync()
    shutil.copytree(data, tmp_path / "before")
    write("two")
    dice = random.Random(11)
    for moment in ("+0", "first line", "some lines", "embedding"):
        shutil.rmtree(data)
        shutil.copytree(tmp_path / "before", data)
        process = start("ingest.py", "--corpus", folder, "--data", data)
        if moment == "+0":
            time.sleep(dice.uniform(0.8, 2.5))
        else:
            for _ in range({"first line": 1, "some lines": dice.randint(2, 39), "embedding": 40}[moment]):
                process.stderr.readline()
            time.sleep(dice.uniform(0, 0.5) if moment != "embedding" else dice.uniform(0.5, 6))
        process.send_signal(signal.SIGKILL)
        process.wait()
        with Assistant(settings) as assistant:
            assistant.warm_up()
            marks = versions(assistant)
            assert len(marks) == 40, moment
            assert all(len(mark) == 1 for mark in marks.values()), moment
            assert "oar07.md" in found_in(assistant, "Where is oar 7 painted?")
            assistant.sync()
            assert set(map(frozenset, versions(assistant).values())) == {frozenset({"two"})}
            assert consistent(assistant), moment
            assert assistant.sync().count("unchanged") == 40


@pytest.mark.slow
def test_ctrl_c_says_what_is_in(many, data, start, script):
    """Ctrl-C ends a direct ingest with status 130 and one sentence, and the next run does the rest."""
    folder, _ = many
    process = start("ingest.py", "--corpus", folder, "--data", data)
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "Stopped. What was reported is in; run the same command again for the rest."
    assert "Traceback" not in err
    assert script("ingest.py", "--corpus", folder, "--data", data).returncode == 0


@pytest.mark.slow
def test_a_full_disk_is_one_sentence(corpus, data, script):
    """When no file may grow any more the ingest ends with one sentence, and works once there is room."""
    for number in range(20):
        (corpus / f"more{number}.md").write_text(f"Oar number {number} is blue. " * 400, encoding="utf-8")
    limited = (
        "import resource, sys, ingest\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))\n"
        "sys.exit(ingest.main())"
    )
    ended = script(limited, "--corpus", corpus, "--data", data)
    assert ended.returncode == 1, ended.stderr[-2000:]
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("Error: ")
    assert script("ingest.py", "--corpus", corpus, "--data", data).returncode == 0


@pytest.mark.slow
def test_a_reader_that_leaves_is_no_error(script, corpus, data, make_document):
    """`--text ... | head` ends quietly."""
    data.mkdir()
    document = make_document(["A text that is longer than any pipe. " * 20_000], id_="long.txt")
    with closing(Library(data / "library.sqlite")) as library:
        library.store(document, [], fingerprint="f", original="o")
        library.make_current("long.txt", document.version, "f")
    code = (
        "import os, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'ingest', '--text', 'long.txt', '--corpus', sys.argv[1],"
        " '--data', sys.argv[2]], stdout=subprocess.PIPE, stderr=subprocess.PIPE)\n"
        "child.stdout.read(10); child.stdout.close()\n"
        "print(child.stderr.read().decode(), child.wait())"
    )
    ended = script(code, corpus, data)
    assert ended.stdout.strip() == "0"
