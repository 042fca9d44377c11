"""Half an hour of work for the real daemon, with agents that behave as badly as agents do.

    python -m tests.reliability.soak [--issues 2000] [--minutes 30]

Issues become active at an even pace; some of their agents crash, fail, ask a person, flood or
leave processes behind; an operator answers, reads the state and edits WORKFLOW.md. Memory,
descriptors and threads of the daemon are looked at all the while. The exit code is 1 where an issue
was not finished, something was left running, a defect was logged, or one of them has grown.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import httpx

from symphony.domain.json import JsonObject, as_array, as_object, as_text
from tests.support.daemon_site import FINISH, FINISHES, SAY, Script, Site

MOST_ISSUES: Final = 5_000
MOST_MINUTES: Final = 120.0
SLOTS: Final = (6, 8)
"""In turn, at each edit of WORKFLOW.md."""
LOOK_EVERY_S: Final = 2.0
EDIT_EVERY_S: Final = 60.0
PATIENCE_S: Final = 300.0
"""For the last issues, once all are active."""

Sessions = Sequence[Script]
KINDS: Final[dict[str, Sessions]] = {
    "crashes": ({"turns": [[SAY, {"do": "crash_mid_line"}]]}, FINISHES),
    "fails": ({"turns": [[{"do": "fail"}]]}, FINISHES),
    "exits": ({"turns": [[SAY, {"do": "exit", "code": 9}]]}, FINISHES),
    "asks": ({"turns": [[{"do": "user_input"}]]}, {"turns": [[SAY, FINISH]]}),
    "floods": ({"turns": [[{"do": "stderr_flood", "bytes": 500_000}, FINISH]]},),
    "talks": ({"turns": [[SAY] * 200 + [FINISH]]},),
    "leaves a child": ({"turns": [[{"do": "grandchild", "seconds": 600}, FINISH]]},),
    "says it long": ({"turns": [[{"do": "long_line", "bytes": 1_000_000}, FINISH]]},),
    "counts": ({"turns": [[{"do": "usage"}, {"do": "rate_limits"}, {"do": "subagent"}, FINISH]]},),
}
ORDINARY: Final = 11
"""For each of these, so many whose agent just does its work."""


@dataclass(slots=True, kw_only=True)
class Sample:
    """The daemon at one moment."""

    at_s: float
    memory_mb: float
    descriptors: int
    threads: int
    children: int


@dataclass(slots=True, kw_only=True)
class Figures:
    """What came of it; `faults` is empty where all promises were kept."""

    issues: int
    finished: int = 0
    minutes: float = 0.0
    sessions: int = 0
    answers: int = 0
    reloads: int = 0
    processor_s: float = 0.0
    early: JsonObject = field(default_factory=dict[str, float])
    late: JsonObject = field(default_factory=dict[str, float])
    most: JsonObject = field(default_factory=dict[str, float])
    faults: list[str] = field(default_factory=list[str])


class Soak:
    """One daemon, one board, one operator."""

    def __init__(self, site: Site, *, issues: int, minutes: float) -> None:
        self._site = site
        self._names = [f"S-{number}" for number in range(1, issues + 1)]
        self._seconds = minutes * 60
        self._began = 0.0
        self._active = 0
        self._samples: list[Sample] = []
        self.figures = Figures(issues=issues)

    def run(self) -> Figures:
        """Play it all; the site is left without a daemon."""
        self._prepare()
        daemon = self._site.start(str(self._site.workflow), "--port", "0")
        daemon.wait_for_log(event="http_listening")
        self._began = time.monotonic()
        url = _url(daemon.log(event="http_listening")[0]["url"])
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            self._play(client)
        self._judge()
        return self.figures

    def _prepare(self) -> None:
        kinds = list(KINDS.values())
        for number, name in enumerate(self._names):
            kind = number % (len(kinds) + ORDINARY)
            if kind < len(kinds):
                self._site.write_script(name, *kinds[kind])
            # All of them from the start: what grows is not the board.
            self._site.write_issue(name, "Backlog")
        self._edit()

    def _play(self, client: httpx.Client) -> None:
        pace = len(self._names) / (self._seconds * 0.95)
        edits = 1
        deadline = self._began + self._seconds + PATIENCE_S
        while True:
            elapsed = time.monotonic() - self._began
            self._activate(min(int(elapsed * pace) + 1, len(self._names)))
            if elapsed > edits * EDIT_EVERY_S:
                edits += 1
                self._edit()
            state = _object(client.get("api/v1/state"))
            client.get("").raise_for_status()
            self._answer(client, state)
            self._look(elapsed)
            if self._is_over(elapsed, state) or time.monotonic() > deadline:
                return
            time.sleep(LOOK_EVERY_S)

    def _activate(self, wanted: int) -> None:
        for name in self._names[self._active : wanted]:
            self._site.write_issue(name, "Todo")
        self._active = max(self._active, wanted)

    def _edit(self) -> None:
        slots = SLOTS[self.figures.reloads % len(SLOTS)]
        self.figures.reloads += 1
        agent = {"max_concurrent_agents": slots, "max_retry_backoff_ms": 1_000}
        self._site.write_workflow(polling={"interval_ms": 1_000}, agent=agent)

    def _answer(self, client: httpx.Client, state: JsonObject) -> None:
        for row in map(as_object, as_array(state.get("blocked")) or ()):
            name = as_text((row or {}).get("issue_identifier"))
            answer = {"issue_identifier": name, "answer": "Blue."}
            if client.post("api/v1/answer", json=answer).status_code == 202:
                self.figures.answers += 1

    def _look(self, elapsed: float) -> None:
        pid = self._site.daemon.pid
        status = Path(f"/proc/{pid}/status").read_text()
        self._samples.append(
            Sample(
                at_s=elapsed,
                memory_mb=_number(status, "VmRSS") / 1024,
                descriptors=len(os.listdir(f"/proc/{pid}/fd")),
                threads=_number(status, "Threads"),
                children=len(self._site.processes()),
            )
        )

    def _is_over(self, elapsed: float, state: JsonObject) -> bool:
        if elapsed < self._seconds or self._active < len(self._names):
            return False
        counts = as_object(state.get("counts")) or {}
        return not any(counts.values())

    def _judge(self) -> None:
        site, figures = self._site, self.figures
        figures.minutes = round((time.monotonic() - self._began) / 60, 1)
        figures.processor_s = round(_processor_s(site.daemon.pid), 1)
        figures.finished = sum(site.state(name) == "Done" for name in self._names)
        figures.sessions = len(site.all_sessions())
        third = len(self._samples) // 3
        middle, last = self._samples[third : 2 * third], self._samples[2 * third :]
        figures.early, figures.late = _typical(middle), _typical(last)
        figures.most = _figures(self._samples, max)
        self._blame(figures.finished == figures.issues, "not every issue was finished")
        for name, allowed in (("memory_mb", 3.0), ("descriptors", 3.0), ("threads", 1.0)):
            grown = float(str(figures.late[name])) - float(str(figures.early[name]))
            self._blame(grown <= allowed, f"{name} grew by {grown:.1f} in the last third")
        self._blame(site.daemon.stop() == 0, "the stop was not orderly")
        self._blame(not site.processes(), f"left running: {site.processes()}")
        text = site.log.read_text(encoding="utf-8", errors="replace")
        self._blame(not re.search(r"Traceback|_defect", text), "a defect was logged")

    def _blame(self, fine: bool, fault: str) -> None:
        if not fine:
            self.figures.faults.append(fault)


def _typical(samples: Sequence[Sample]) -> JsonObject:
    return _figures(samples, statistics.median)


def _figures(samples: Sequence[Sample], pick: Callable[[list[float]], float]) -> JsonObject:
    return {
        "memory_mb": round(pick([each.memory_mb for each in samples]), 1),
        "descriptors": pick([float(each.descriptors) for each in samples]),
        "threads": pick([float(each.threads) for each in samples]),
        "children": pick([float(each.children) for each in samples]),
    }


def _object(answer: httpx.Response) -> JsonObject:
    return as_object(answer.raise_for_status().json()) or {}


def _number(status: str, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)
    return 0 if found is None else int(found.group(1))


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _url(address: str) -> str:
    return address if address.endswith("/") else f"{address}/"


def main(words: Sequence[str]) -> int:
    """Soak once; the figures are one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.soak", description=__doc__)
    parser.add_argument("--issues", type=int, default=2_000)
    parser.add_argument("--minutes", type=float, default=30.0)
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="soak-") as ground:
        site = Site(Path(ground))
        try:
            issues, minutes = min(options.issues, MOST_ISSUES), min(options.minutes, MOST_MINUTES)
            figures = Soak(site, issues=issues, minutes=minutes).run()
        finally:
            site.close()
    print(json.dumps(asdict(figures)))
    return 1 if figures.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
