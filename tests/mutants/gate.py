"""The gate: does the suite kill each mutant, by exactly the ids that the mutant is listed with?

    python -m tests.mutants.gate [NAME ...] [--all] [--workers N] [--at-once N] [--shard I/N]

Without `--all` only the scenarios are played that check one of the listed ids: quick, and still a
proof of everything but the absence of breaches elsewhere. Each mutant is a run of the suite's own
command line, with the manifest that comes with the suite and another launch command. The exit code
is 1 on any difference.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.catalogue import Profile
from conformance.manifest.loading import load_manifest
from conformance.outcomes import Outcome
from conformance.records import RecordsError, RunReport, read_records
from conformance.runner.selection import all_scenarios
from conformance.scenario import Scenario
from tests.mutants.registry import Mutant, all_mutants, find_mutant

TOP: Final = Path(__file__).resolve().parents[2]
MANIFEST: Final = TOP / "conformance" / "implementations" / "symphony-for-python.toml"
LAUNCH: Final = '["{python}", "-m", "symphony", "{workflow}"]'
LAUNCHER: Final = TOP / "tests" / "mutants" / "launch.py"
LIMIT_S: Final = 1_800.0
"""Of one run of the suite; a whole one takes three minutes on two idle cores."""
LAST_LINES: Final = 5
NOTHING: Final = Mutant(
    name="nothing", area="", kills=(), about="No defect.", dialect="linear", apply=lambda: None
)
"""The daemon as it is."""

KILLED: Final = frozenset({Outcome.FAIL, Outcome.WARN})
"""Found broken. What could not be judged because an earlier step did not come about, or only as
too late for this machine to say, is told, and is no verdict on its sentence."""
UNJUDGED: Final = frozenset({Outcome.UNTESTABLE, Outcome.INCONCLUSIVE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one mutant. `trouble` says why there is no verdict; else it is empty."""

    mutant: Mutant
    killed_by: frozenset[str] = frozenset()
    unjudged: frozenset[str] = frozenset()
    unchecked: frozenset[str] = frozenset()
    """Listed ids that no scenario judges, so that they cannot kill."""
    trouble: str = ""

    @property
    def unexpected(self) -> frozenset[str]:
        return self.killed_by - set(self.mutant.kills)

    @property
    def missing(self) -> frozenset[str]:
        return frozenset(self.mutant.kills) - self.killed_by

    @property
    def ok(self) -> bool:
        return not (self.trouble or self.unexpected or self.missing)


def manifest_text(name: str) -> str:
    """The manifest of the daemon, with this mutant in the place of the daemon."""
    text = MANIFEST.read_text(encoding="utf-8")
    if text.count(LAUNCH) != 1:
        raise ValueError(f"{MANIFEST} does not launch the daemon by {LAUNCH} any more")
    if name == NOTHING.name:
        return text
    command = f'["{{python}}", "{LAUNCHER}", "{name}", "{{workflow}}"]'
    return text.replace(LAUNCH, command)


def offered(scenario: Scenario, dialect: str) -> bool:
    """Whether the daemon's manifest lets this scenario be played with this tracker."""
    manifest = load_manifest(MANIFEST)
    capabilities = {each.value for each in manifest.offered}
    speaks = not scenario.dialects or dialect in scenario.dialects
    offers = scenario.profile in (Profile.CORE, *manifest.profiles)
    return speaks and offers and scenario.needs <= capabilities


def judge(mutant: Mutant, *, everything: bool, workers: int) -> Verdict:
    """Run the suite against one mutant."""
    playable = [each for each in all_scenarios() if offered(each, mutant.dialect)]
    checked = {check for each in playable for check in each.checks}
    unchecked = frozenset(mutant.kills) - checked
    patterns = [] if everything else sorted(set(mutant.kills) & checked)
    if not (patterns or everything):
        return Verdict(mutant=mutant, unchecked=unchecked, trouble="no scenario judges its ids")
    with tempfile.TemporaryDirectory(prefix=f"mutant-{mutant.name}-") as directory:
        verdict = _run(mutant, Path(directory), patterns, workers)
    if isinstance(verdict, str):
        return Verdict(mutant=mutant, unchecked=unchecked, trouble=verdict)
    return _verdict(mutant, verdict, unchecked)


def _run(mutant: Mutant, directory: Path, patterns: Iterable[str], workers: int) -> RunReport | str:
    """The report, or why there is none."""
    manifest = directory / "mutant.toml"
    manifest.write_text(manifest_text(mutant.name), encoding="utf-8")
    results = directory / "results"
    words = [sys.executable, "-m", "conformance", "run", "--implementation", str(manifest)]
    words += ["--dialect", mutant.dialect, "--results", str(results)]
    words += ["--workers", str(workers), *patterns]
    try:
        ended = subprocess.run(
            words, cwd=TOP, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"the suite took longer than {LIMIT_S:.0f} s"
    try:
        report = read_records(results / "records.ndjson")
    except RecordsError as error:
        said = " ".join(ended.stderr.splitlines()[-LAST_LINES:])
        return f"{error}; the suite said: {said}"
    if report.ended is None or report.ended.interrupted or report.ended.never_ready:
        return report.ended.explanation if report.ended else "the run never ended"
    return report


def _verdict(mutant: Mutant, report: RunReport, unchecked: frozenset[str]) -> Verdict:
    def with_outcome(wanted: frozenset[Outcome]) -> frozenset[str]:
        return frozenset(str(each.id) for each in report.requirements if each.outcome in wanted)

    broken = with_outcome(frozenset({Outcome.HARNESS_ERROR}))
    return Verdict(
        mutant=mutant,
        killed_by=with_outcome(KILLED),
        unjudged=with_outcome(UNJUDGED),
        unchecked=unchecked,
        trouble=f"the suite itself failed at {_listed(broken)}" if broken else "",
    )


def lines(verdict: Verdict) -> Iterator[str]:
    """The verdict for people: one line where it is as it should be, more where not."""
    mutant = verdict.mutant
    mark = "killed " if verdict.ok else "DIFFERS"
    yield f"{mark} {mutant.name:36} {_listed(verdict.killed_by)}"
    if verdict.ok:
        return
    yield f"        expected:   {_listed(mutant.kills)}"
    told = {
        "missing": verdict.missing - verdict.unchecked,
        "unexpected": verdict.unexpected,
        "unchecked": verdict.unchecked,
        "unjudged": verdict.unjudged,
    }
    for what, ids in told.items():
        if ids:
            yield f"        {f'{what}:':11} {_listed(ids)}"
    if verdict.trouble:
        yield f"        no verdict: {verdict.trouble}"


def _listed(ids: Iterable[str]) -> str:
    return " ".join(sorted(ids)) or "nothing"


def _chosen(names: Sequence[str], shard: str) -> Sequence[Mutant]:
    mutants = [find_mutant(name) for name in names] if names else all_mutants()
    place, _, count = shard.partition("/")
    return mutants[int(place) - 1 :: int(count)]


def main(words: Sequence[str] | None = None) -> int:
    """1 where any mutant differs from its list, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.gate", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which mutants (default: all)")
    parser.add_argument("--all", action="store_true", help="play every scenario, not only theirs")
    parser.add_argument("--workers", type=int, default=2, help="scenarios of a mutant at once")
    parser.add_argument("--at-once", type=int, default=1, help="mutants at once")
    parser.add_argument(
        "--no-control", action="store_true", help="with --all: do not judge the daemon itself first"
    )
    parser.add_argument("--shard", default="1/1", metavar="I/N", help="only each N-th, from I")
    options = parser.parse_args(words)
    mutants = _chosen(options.names, options.shard)
    if options.all and not options.no_control:
        control = judge(NOTHING, everything=True, workers=options.workers)
        if control.killed_by or control.trouble:
            print(f"without any mutant: {_listed(control.killed_by)} {control.trouble}".rstrip())
            print("first the daemon itself has to pass; --no-control judges mutants all the same")
            return 1
    printing = threading.Lock()

    def judged(mutant: Mutant) -> Verdict:
        verdict = judge(mutant, everything=options.all, workers=options.workers)
        with printing:
            print("\n".join(lines(verdict)), flush=True)
        return verdict

    with ThreadPoolExecutor(options.at_once) as pool:
        verdicts = list(pool.map(judged, mutants))
    differing = [each for each in verdicts if not each.ok]
    print(f"{len(verdicts)} mutants, {len(differing)} not killed as listed")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
