"""Upkeep, as staff do it at their desk: what needs a look, the doctor, and a backup."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import BinaryIO

from assistant.desk import CheckReport, HealthLine
from assistant.store.deeds import Deeds


class DeskUpkeep:
    """Looking after the whole, as `desk.Upkeep`; what does the work is passed in."""

    def __init__(
        self,
        *,
        health: Callable[[], Sequence[HealthLine]],
        check: Callable[[], CheckReport],
        repair: Callable[[], CheckReport],
        backup: Callable[[BinaryIO], object],
        deeds: Deeds,
    ) -> None:
        self._health = health
        self._check = check
        self._repair = repair
        self._backup = backup
        self._deeds = deeds

    def health(self) -> Sequence[HealthLine]:
        """Return the documents that need a look."""
        return self._health()

    def check(self) -> CheckReport:
        """Compare corpus, library, both indexes and journal."""
        return self._check()

    def repair(self, *, by: str) -> CheckReport:
        """Mend what can be mended, write down who did it, and return what is left."""
        left = self._repair()
        self._deeds.add(by, "repaired", "", "", str(len(left.differences)))
        return left

    def backup(self, out: BinaryIO) -> None:
        """Write corpus, library, originals and journal as one file that `ingest.py --restore` reads."""
        self._backup(out)
