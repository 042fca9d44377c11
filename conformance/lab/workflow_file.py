"""The workflow file of a scenario: written as a whole, changed while the implementation runs.

Guarantees: nobody ever sees half a file. Must not: know any key beyond those that the lab itself
reads, which are the states.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import anyio

from conformance.fakes.json_values import JsonObject, JsonValue, as_object, texts
from conformance.lab.boards import ACTIVE_STATES
from conformance.lab.crew import Crew
from conformance.lab.judging import UnmetError
from conformance.lab.settings import DEFAULT_PROMPT, default_settings
from conformance.manifest.front_matter import Wiring, workflow_text

IDLE_INTERVALS: Final = 3
"""After so many poll intervals without a poll there is none to wait for."""


class WorkflowFile(Crew):
    """What a lab knows of the file. `is_file_decided`: the scenario has said what there is."""

    is_file_decided: bool = False
    _reloads: int = 0

    @property
    def workflow_path(self) -> Path:
        return self.target.places.workflow

    def workflow(self, prompt: str = DEFAULT_PROMPT, **sections: Mapping[str, JsonValue]) -> str:
        """Write the workflow file, or replace it as a whole; its text.

        `sections` are merged into what the lab sets by itself (`default_settings`): a map adds, any
        other value replaces, None removes the key. What an earlier call said is forgotten.
        """
        settings = _laid_over(default_settings(self.manifest), sections)
        tracker = as_object(settings.get("tracker"))
        self.tracker.configure(
            texts(tracker.get("active_states")), texts(tracker.get("terminal_states"))
        )
        text = workflow_text(self.manifest, self.tracker.dialect, self.wiring, settings, prompt)
        self.write_workflow(text)
        return text

    async def reload(
        self, prompt: str = DEFAULT_PROMPT, **sections: Mapping[str, JsonValue]
    ) -> None:
        """`workflow` while it runs; returns once the new file is in force.

        It is, when candidates are read in a state that was not in any file before; where states do
        not show in reads, after the latency that the manifest declares, and a further poll.
        """
        self._reloads += 1
        marker = f"Reload {self._reloads}"
        tracker = dict(sections.get("tracker", {}))
        states = texts(tracker.get("active_states", list(ACTIVE_STATES)))
        mark = self.timeline.last
        sections["tracker"] = {**tracker, "active_states": [*states, marker]}
        self.workflow(prompt, **sections)
        latest = time.monotonic() + self._reload_latency_s

        def is_in_force() -> bool:
            reads = self.tracker.reads("candidates", after=mark)
            shown = any(marker.lower() in texts(each.data["states"]) for each in reads)
            return shown or time.monotonic() > latest

        await self.until(is_in_force, "the new file is read", within=2 * self._reload_latency_s)
        await self.polls(1)

    async def settle(self) -> None:
        """An edit by `write_workflow` or `remove_workflow` has been noticed by now, also one that
        cannot take effect: the declared latency has passed, and a poll if one comes. While the
        file is invalid there is nothing to poll for."""
        await anyio.sleep(self._reload_latency_s)
        mark = self.timeline.last
        with contextlib.suppress(UnmetError):
            await self.until(
                lambda: len(self.tracker.polls(after=mark)) > 1,
                "a poll",
                within=IDLE_INTERVALS * self._interval_s,
            )

    def remove_workflow(self) -> None:
        """There is no workflow file, also when it starts."""
        self.workflow_path.unlink(missing_ok=True)
        self.is_file_decided = True
        self.timeline.add("scenario", "workflow", "the workflow file is gone")

    def write_workflow(self, text: str | bytes) -> None:
        """Any content; nobody ever sees half of it, nor none."""
        data = text.encode() if isinstance(text, str) else text
        new = self.workflow_path.with_name(".WORKFLOW.md.new")
        new.write_bytes(data)
        os.replace(new, self.workflow_path)
        self.is_file_decided = True
        self.timeline.add("scenario", "workflow", f"the workflow file has {len(data)} bytes now")

    @property
    def wiring(self) -> Wiring:
        """What points a workflow file at this lab."""
        return self.tracker.wiring(
            workspace_root=str(self.files.root), agent_command=self.agents.command()
        )

    @property
    def _reload_latency_s(self) -> float:
        return self.manifest.limits.reload_latency_ms / 1000


def _laid_over(below: JsonObject, above: JsonObject) -> dict[str, JsonValue]:
    """Like `merge`, but None stays: it has to remove keys of the wiring too."""
    laid = dict(below)
    for name, value in above.items():
        is_map = isinstance(value, Mapping)
        laid[name] = _laid_over(as_object(laid.get(name)), value) if is_map else value
    return laid
