"""Serve the chat page; run with --help."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from assistant.build import Assistant
from assistant.errors import AssistantError, SettingsError, UsageError
from assistant.settings import read_settings

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
    for step in (assistant.warm_up, assistant.sync):
        try:
            report = step()
        except AssistantError as error:
            if not assistant.closed:
                logger.warning("%s", error)
        else:
            for failed in report.failed if report else ():
                logger.warning("%s is not in: %s. %s", failed.document, failed.reason, failed.remedy)


def _end(signal_number: int, frame: FrameType | None) -> None:
    """Leave as with Ctrl-C, so that the data folder is closed cleanly."""
    sys.exit(0)


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C and return the exit status."""
    options = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _end)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        settings = read_settings(corpus=options.corpus, data=options.data, host=options.host, port=options.port)
        with Assistant(settings) as assistant:
            if not assistant.corpus.is_dir():
                raise UsageError(f"The corpus {settings.corpus} is not a folder. Create it or name one with --corpus.")
            assistant.take_work()
            threading.Thread(target=bring_up_to_date, args=(assistant,), daemon=True).start()
            from assistant.web.server import create_app, run  # Gradio takes seconds to import: --help need not wait

            run(create_app(assistant, contact=settings.contact), settings.host, settings.port)
    except AssistantError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2 if isinstance(error, SettingsError | UsageError) else 1
    except KeyboardInterrupt:
        pass  # before the server listens; stopping was the wish
    return 0


if __name__ == "__main__":
    sys.exit(main())
