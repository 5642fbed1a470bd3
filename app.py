"""Serve the chat page; run with --help."""

from __future__ import annotations

import argparse
import gc
import ipaddress
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from assistant.errors import AssistantError, SettingsError, UsageError
from assistant.settings import Settings, read_settings
from assistant.web.logs import start_logging
from assistant.web.serving import Serving
from assistant.web.visits import Door
from assistant.web.warming import warming_site

if TYPE_CHECKING:
    from assistant.build import Assistant

# How often what is due is looked for while nothing changes.
CARE_SECONDS = 3600.0
EXAMPLES = """\
examples:
  python app.py
  python app.py --corpus corpus --data .assistant --port 7861"""


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    described = argparse.ArgumentParser(
        prog="app.py",
        description="Serve the chat page of the USA next! assistant. New documents are brought in while it runs.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    described.add_argument("--corpus", metavar="DIR", type=Path, help="folder of documents (default: corpus)")
    described.add_argument("--data", metavar="DIR", type=Path, help="library and indexes (default: .assistant)")
    described.add_argument("--host", metavar="H", help="address to listen on (default: 127.0.0.1, this machine only)")
    described.add_argument("--port", metavar="N", type=int, help="port to listen on (default: 7860)")
    return described


def bring_up_to_date(assistant: Assistant) -> None:
    """Load the model, then bring in what changed in the corpus while no app ran.

    Without a model the documents still come in by their words; whatever fails is a line in the log.
    """
    logger = logging.getLogger("assistant")
    assistant.watch()  # before the first sync, so that nothing slips in between
    for step in (assistant.warm_up, assistant.sync):
        try:
            report = step()
        except AssistantError as error:
            if not assistant.closed:
                logger.warning("%s", error)
        else:
            for failed in report.failed if report else ():
                logger.warning("%s is not in: %s. %s", failed.document, failed.reason, failed.remedy)
    # Beside: once per user it takes half a minute, and nobody waits for it.
    threading.Thread(target=assistant.speed_up, daemon=True).start()
    look_after(assistant)


def look_after(assistant: Assistant) -> None:
    """Until the assistant is closed: ask again what was asked in vain when documents change, erase what is due.

    Suggestions are prepared beside: they take minutes, and staff wait to see what their document has answered.
    """
    logger = logging.getLogger("assistant")
    wanted = threading.Event()
    threading.Thread(target=prepare, args=(assistant, wanted), daemon=True).start()
    while not assistant.closed:
        try:
            assistant.erase_due()
            if assistant.ready:
                assistant.ask_again()
                wanted.set()
        except AssistantError as error:
            if not assistant.closed:
                logger.warning("%s", error)
        assistant.wait_for_change(CARE_SECONDS)
    wanted.set()


def prepare(assistant: Assistant, wanted: threading.Event) -> None:
    """Find out which suggestions the documents answer, whenever that is wanted; until the assistant is closed."""
    while wanted.wait() and not assistant.closed:
        wanted.clear()
        try:
            assistant.prepare_suggestions()
        except AssistantError as error:
            if not assistant.closed:
                logging.getLogger("assistant").warning("%s", error)


def door_of(settings: Settings) -> Door:
    """Return who may come in, by which way, and how often."""
    code, staff = settings.access_code, settings.staff_password_hash
    return Door(
        trusted_proxies=settings.trusted_proxies or "",
        path_prefix=settings.path_prefix or "",
        access_code=code.get_secret_value() if code else None,
        questions_per_minute=settings.questions_per_minute,
        staff_password_hash=staff.get_secret_value() if staff else None,
        upload_bytes=settings.upload_megabytes * 1_000_000,
    )


def exposure(settings: Settings) -> str:
    """Return one line of warning where other machines come in without TLS or a code, else nothing."""
    try:
        local = ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        local = settings.host == "localhost"
    lacks = [
        f"without {what} ({variable} is not set)"
        for what, variable, there in (
            ("a TLS proxy", "ASSISTANT_TRUSTED_PROXIES", settings.trusted_proxies),
            ("an access code", "ASSISTANT_ACCESS_CODE", settings.access_code),
        )
        if not there
    ]
    if local or not lacks:
        return ""
    return (
        f"Warning: {settings.host} lets other machines in {' and '.join(lacks)}. Set what is missing, as "
        "docs/deploy.md says, or leave --host out.\n"
    )


def _end(signal_number: int, frame: FrameType | None) -> None:
    """Leave as with Ctrl-C, so that the data folder is closed cleanly."""
    sys.exit(0)


def serve(settings: Settings, serving: Serving) -> None:
    """Open the data folder, make the page, hand it to the server that listens already, and serve until Ctrl-C."""
    from assistant.build import Assistant  # the database's client, numbers and rules: the server does not wait for them

    with Assistant(settings, ahead=True) as assistant:
        assistant.take_work()
        threading.Thread(target=bring_up_to_date, args=(assistant,), daemon=True).start()
        from assistant.web.server import create_app  # Gradio takes seconds to import

        desk = assistant.staff if settings.staff_password_hash else None
        uploads = assistant.empty_uploads()
        site = create_app(
            assistant,
            contact=settings.contact,
            concurrent_questions=settings.concurrent_questions,
            door=door_of(settings),
            staff=desk,
            uploads=uploads,
        )
        # What is there now stays as long as the process: the collector need not look through it again, for a tenth of
        # a second, in the middle of somebody's question.
        gc.collect()
        gc.freeze()
        serving.hand_over(site, site.state.readers)
        say(f"The USA next! assistant is ready: {serving.address}  (Ctrl-C stops it)")
        serving.wait()


def say(line: str) -> None:
    """Tell the person who started the app."""
    print(line, flush=True)  # noqa: T201


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C and return the exit status."""
    options = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _end)
    try:
        settings = read_settings(corpus=options.corpus, data=options.data, host=options.host, port=options.port)
        start_logging(settings.log)
        if not settings.corpus.is_dir():
            raise UsageError(f"The corpus {settings.corpus} is not a folder. Create it or name one with --corpus.")
        sys.stderr.write(exposure(settings))
        with Serving(warming_site(door_of(settings)), settings.host, settings.port) as serving:
            say(f"Listening on {serving.address} and warming up.")
            serve(settings, serving)
    except AssistantError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2 if isinstance(error, SettingsError | UsageError) else 1
    except KeyboardInterrupt:
        pass  # stopping was the wish
    return 0


if __name__ == "__main__":
    try:
        status: Any = main()
    except SystemExit as leaving:  # a signal, or `--help`
        status = leaving.code
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # All is closed. Python would now end the threads that still compute, in the middle of libraries that cannot be left
    # so, which end the process with a signal.
    os._exit(int(status or 0))
