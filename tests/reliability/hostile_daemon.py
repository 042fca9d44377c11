"""A scheduler that hears what hostile agents report, and shows it to everybody who may look.

Whatever gets past a session has to be fit for all of it: the state of the scheduler, the JSON
document, the metrics, the page of the board, and the lines of the log.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from symphony.domain.ids import RunId
from symphony.domain.run import AgentActivity, Failed, RunOutcome, RunUpdate
from symphony.http.answers import encoded
from symphony.http.metrics import Metrics
from symphony.http.page.assets import load_assets
from symphony.http.page.rendering import Pages
from symphony.http.state import state_document
from symphony.observability.log_lines import as_json, as_text, line_of
from symphony.observability.redaction import Redactor
from symphony.scheduler.commands import Announce, Command
from symphony.scheduler.events import RunEnded, RunReported
from symphony.scheduler.snapshot import take_snapshot
from tests.support.http_view import MemoryView
from tests.support.scheduling import Driver, issue, settings

MAX_MESSAGE_CHARACTERS: Final = 1_000
"""Of anything that an agent did, as far as it becomes a row of a table."""
MAX_OUTCOME_CHARACTERS: Final = 20_000
"""Of why a run failed, the last words of its agent included."""
MAX_SHOWN_BYTES: Final = 2_000_000
"""Of a document in which one session is shown: what it reports must not fill it."""
MAX_LOG_LINE_CHARACTERS: Final = 100_000
_LONGER_THAN_ANY_WAIT_S: Final = 400
_NAME: Final = "A-1"


class Listener:
    """A daemon with one issue, which is run again and again."""

    def __init__(self) -> None:
        self._settings = settings(stall_ms=0)
        self._driver = Driver(issue(_NAME), settings=self._settings).begin()
        self._redactor = Redactor()
        self._view = MemoryView(None, self._settings)
        self._metrics = Metrics(self._view)
        self._pages = Pages(load_assets())
        self.updates = 0

    def hear(self, update: RunUpdate) -> None:
        """A report of the session that runs."""
        self.updates += 1
        if isinstance(update, AgentActivity):
            assert update.message.isprintable(), update
            assert len(update.message) <= MAX_MESSAGE_CHARACTERS, update.event
            assert len(update.event) <= MAX_MESSAGE_CHARACTERS
        self._log(self._driver.decide(RunReported(run_id=self._run_id(), update=update)))

    def end(self, outcome: RunOutcome) -> None:
        """The session is over: look at everything, then let the issue be run again."""
        self.show()
        if isinstance(outcome, Failed):
            assert len(outcome.message) <= MAX_OUTCOME_CHARACTERS, outcome.category
        self._log(self._driver.send(RunEnded(run_id=self._run_id(), outcome=outcome)))
        self.show()
        self._start_again()

    def show(self) -> None:
        """The state, the page and the metrics, as whoever asks for them gets them."""
        snapshot = take_snapshot(self._driver.state, self._driver.now)
        document = encoded(state_document(snapshot, self._settings, self._redactor.redact))
        page = self._pages.board(snapshot, self._settings, self._view)
        assert max(len(document), len(page)) <= MAX_SHOWN_BYTES
        self._metrics.render(snapshot, 0)

    def _run_id(self) -> RunId:
        (running,) = self._driver.state.running.values()
        return running.run_id

    def _start_again(self) -> None:
        """A person finishes the issue, and opens it again."""
        for state in ("Done", "Todo"):
            self._driver.move(_NAME, state)
            self._driver.advance(_LONGER_THAN_ANY_WAIT_S)
        self._driver.commands.clear()

    def _log(self, commands: Sequence[Command]) -> None:
        for command in commands:
            if isinstance(command, Announce):
                record = logging.LogRecord("symphony", 20, "", 0, command.name, None, None)
                record.fields = dict(command.fields)
                line = line_of(record, self._redactor)
                for text in (as_text(line), as_json(line)):
                    assert text.isprintable(), text
                    assert len(text) <= MAX_LOG_LINE_CHARACTERS
