"""After a smoke test that failed: is it the manifest or the implementation, and where to look.

Guarantees: what it says is read from what was recorded. Must not: change the verdict.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.exit_codes import ExitCode
from conformance.fakes.json_values import JsonObject, as_object, as_text
from conformance.runner.bundle import TIMELINE

_REFUSED: Final = "refused: "

_NEVER_ASKED: Final = """\
It was started, and never asked the tracker for anything. Likely the manifest or the command:
look at launch.command, and whether it reads the front matter in
  {workflow}
the way it is spelled there (tracker.spelling). What it printed is in
  {output}"""

_WAS_REFUSED: Final = """\
It asks the tracker, which refused: {refusal}
A credential that is not sent comes from keys that it reads elsewhere (tracker.spelling); a query
that is refused is the implementation's."""

_NO_AGENT: Final = """\
It reads the tracker, and started no agent for the issue. If it wants more before it dispatches, the
manifest can say so: launch.git_repository, launch.issues_after_start, front_matter. What it printed
is in
  {output}"""

_AGENT_STARTED: Final = """\
It reads the tracker and starts an agent, so the manifest is right: what is broken is its own. All
that was seen, in order, is in
  {timeline}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """The events of one scenario."""

    events: Sequence[JsonObject]

    def texts(self, tap: str) -> list[str]:
        return [as_text(each.get("text")) or "" for each in self.events if each.get("tap") == tap]


def smoke_advice(code: int, probed: Path, played: Path) -> str | None:
    """What to do about an exit code; `probed` and `played` are the directories of the readiness
    probe and of the scenario. None where there is nothing to say."""
    if code == ExitCode.NEVER_READY:
        return _NEVER_ASKED.format(
            workflow=probed / "project" / "WORKFLOW.md", output=probed / "logs" / "output.log"
        )
    if code != ExitCode.NOT_CONFORMING:
        return None
    seen = _Seen(events=list(_events(played / TIMELINE)))
    refusals = [text for text in seen.texts("tracker") if _REFUSED in text]
    if refusals:
        return _WAS_REFUSED.format(refusal=refusals[-1].partition(_REFUSED)[2])
    if not seen.texts("agent"):
        return _NO_AGENT.format(output=played / "logs" / "output.log")
    return _AGENT_STARTED.format(timeline=played / TIMELINE)


def _events(path: Path) -> Iterator[JsonObject]:
    if path.exists():
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield as_object(json.loads(line))
