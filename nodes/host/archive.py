"""Feeds the job history from the hooks of the metrics, and answers who asks for it.

The database is written in a thread of its own, so a slow or broken one neither slows nor breaks a
prompt; `myspinbot_instrumentation_up{hook="history"}` tells.
"""

from __future__ import annotations

import json
import os
import platform
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from comfy.cli_args import args

from ...myspinbot.errors import BadInputError, StorageError
from ...myspinbot.history.entry import KEEP_DAYS, KEEP_ENTRIES, Entry
from ...myspinbot.metrics import Metrics, Run
from ...myspinbot.metrics.outcome import Outcome
from .folders import number_setting, private
from .workflow_names import workflow_name

if TYPE_CHECKING:
    from ...myspinbot.history.ledger import Ledger

_WAITING = 500
"""Notes that are kept while the database is away; then the newest are lost, and counted."""
_LONGEST_PAUSE_S = 60.0
_READERS = 3
"""So many of the server's threads at once may wait for the database."""


class Archive:
    """The history of this server; what a setting switches off is not even opened."""

    def __init__(self, metrics: Metrics):
        self._metrics = metrics
        self._notes: queue.Queue[Run | Entry] = queue.Queue(_WAITING)
        self._opening = threading.Lock()
        self._readers = threading.Semaphore(_READERS)
        self._ledger: Ledger | None = None
        self._keep_entries = metrics.guard("history", _kept_entries)
        """None: the setting is nonsense."""

    # for the hooks

    def began(self, run: Run) -> None:
        """A prompt has started. Never raises."""
        if self._keep_entries:
            self._metrics.guard("history", self._notes.put_nowait, run)

    def ended(
        self, run: Run, end: Outcome, extra_data: Mapping[str, Any], artifacts: Sequence[str]
    ) -> None:
        """A prompt is over; `extra_data` came with it over HTTP. Never raises."""
        if self._keep_entries:
            self._metrics.guard("history", self._note_end, run, end, extra_data, artifacts)

    def _note_end(
        self, run: Run, end: Outcome, extra_data: Mapping[str, Any], artifacts: Sequence[str]
    ) -> None:
        self._notes.put_nowait(_over(run, end, extra_data, artifacts))

    # in threads

    def work(self) -> None:
        """Write for ever. While the database is away, try again ever more seldom."""
        if not self._keep_entries:
            return
        self._metrics.guard("history", self.ledger)
        while True:
            note, pause_s = self._notes.get(), 1.0
            while not self._metrics.guard("history", self._write, note):
                if self._reach():
                    break  # the database is there: this note it does not want
                time.sleep(pause_s)
                pause_s = min(_LONGEST_PAUSE_S, 2 * pause_s)

    def _write(self, note: Run | Entry) -> bool:
        self.ledger().save(_begun(note) if isinstance(note, Run) else note)
        return True

    def _reach(self) -> bool:
        try:
            return self.ledger().reach()
        except Exception:  # noqa: BLE001 - the failed writing has been told
            return False

    def ledger(self) -> Ledger:
        """The open ledger; the first call opens it."""
        from ...myspinbot.history.ledger import Ledger, sqlite_url

        with self._opening:
            if self._ledger is None:
                address = os.environ.get("MYSPINBOT_DATABASE_URL", "").strip()
                if not address:
                    file = private("history.db")
                    file.parent.mkdir(parents=True, exist_ok=True)
                    address = sqlite_url(file)
                self._ledger = Ledger(
                    address,
                    server_name(),
                    _kept_entries(),
                    number_setting("MYSPINBOT_HISTORY_DAYS", KEEP_DAYS),
                )
            return self._ledger

    def answer(self, headers: Any, query: Mapping[str, str]) -> tuple[bytes, str]:
        """The answer to GET /myspinbot/history?limit=50&before=id."""
        if not _kept_entries():
            raise StorageError("There is no job history: MYSPINBOT_HISTORY_ENTRIES is 0.")
        try:
            limit = int(query.get("limit", 50))
            before = int(query["before"]) if query.get("before") else None
        except ValueError as error:
            raise BadInputError("limit and before are whole numbers.") from error
        if not self._readers.acquire(timeout=1):
            raise StorageError("The job history is busy: ask again later.")
        try:
            entries, after = self.ledger().page(limit, before)
        finally:
            self._readers.release()
        page = {"entries": [asdict(entry) for entry in entries], "next": after}
        return json.dumps(page).encode(), "application/json"


def server_name() -> str:
    """Which ComfyUI this is."""
    return f"{platform.node()}:{args.port}"


def _kept_entries() -> int:
    return int(number_setting("MYSPINBOT_HISTORY_ENTRIES", KEEP_ENTRIES))


def _begun(run: Run) -> Entry:
    return Entry(
        run.prompt_id,
        run.started_at_s,
        seeds=run.seeds(),
        models=run.models(),
        prompt=run.prompt if _text_is_kept() else None,
    )


def _over(run: Run, end: Outcome, extra_data: Mapping[str, Any], artifacts: Sequence[str]) -> Entry:
    created_ms = extra_data.get("create_time")
    return replace(
        _begun(run),
        workflow=workflow_name(extra_data),
        outcome=end.outcome,
        error_class=end.error_class,
        error_kind=end.error_kind,
        queued_at_s=created_ms / 1000 if created_ms else None,
        ended_at_s=run.started_at_s + end.duration_s if end.duration_s else time.time(),
        stages={name: asdict(stage) for name, stage in run.stages.items()},
        figures=dict(run.figures),
        quality=dict(run.quality),
        artifacts=tuple(artifacts),
    )


def _text_is_kept() -> bool:
    return os.environ.get("MYSPINBOT_HISTORY_PROMPTS", "").strip() == "1"
