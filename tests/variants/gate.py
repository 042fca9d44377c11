"""The gate: does the suite pass each legal variant?

    python -m tests.variants.gate [NAME ...] [--all] [--together] [--dialect D] [--workers N]
                                  [--at-once N] [--shard I/N] [--results DIR]

Without `--all` only the scenarios are played that judge what a variant may bring up. `--together`
makes all the changes in one daemon, which takes one run instead of thirty, and finds most of what
thirty find. Each run is one of the suite's own command line, with `--strict`: a SHOULD that is
said to be broken would be as wrong. The exit code is 1 where any variant does not pass.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.manifest.loading import load_manifest
from conformance.records import RecordsError, read_records
from conformance.reports.model import RequirementResult, RunReport
from conformance.runner.selection import all_scenarios
from conformance.scenario import Scenario
from tests.mutants.gate import LIMIT_S, TOP
from tests.variants.manifests import manifest_text
from tests.variants.registry import Variant, all_variants, find_variants

LAST_LINES: Final = 5
DIALECTS: Final = ("linear", "github")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to play, and how. `results` is a directory that is kept; None: a temporary one."""

    everything: bool
    dialect: str
    workers: int
    results: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`problems` are those of the suite's report; `trouble` says why there is none, or is empty."""

    name: str
    code: int
    problems: Sequence[RequirementResult] = ()
    trouble: str = ""

    @property
    def ok(self) -> bool:
        return self.code == 0 and not self.trouble


def judge(variants: Sequence[Variant], options: Options) -> Verdict:
    """Run the suite against all of these at once."""
    name = variants[0].name if len(variants) == 1 else "together"
    with tempfile.TemporaryDirectory(prefix=f"variant-{name}-") as temporary:
        directory = Path(temporary) if options.results is None else options.results / name
        directory.mkdir(parents=True, exist_ok=True)
        manifest = directory / "variant.toml"
        manifest.write_text(manifest_text(variants), encoding="utf-8")
        return _run(name, manifest, _patterns(variants, manifest, options), options)


def _run(name: str, manifest: Path, patterns: Sequence[str], options: Options) -> Verdict:
    results = manifest.parent / "results"
    words = [sys.executable, "-m", "conformance", "run", "--implementation", str(manifest)]
    words += ["--strict", "--dialect", options.dialect, "--results", str(results)]
    words += ["--workers", str(options.workers), *patterns]
    try:
        ended = subprocess.run(
            words, cwd=TOP, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return Verdict(name=name, code=-1, trouble=f"the suite took longer than {LIMIT_S:.0f} s")
    try:
        report: RunReport = read_records(results / "records.ndjson")
    except RecordsError as error:
        said = " ".join(ended.stderr.splitlines()[-LAST_LINES:])
        return Verdict(name=name, code=ended.returncode, trouble=f"{error}; it said: {said}")
    explanation = report.ended.explanation if report.ended else "the run never ended"
    return Verdict(name=name, code=ended.returncode, problems=report.problems, trouble=explanation)


def _patterns(variants: Sequence[Variant], manifest: Path, options: Options) -> Sequence[str]:
    """Those that choose something; a whole run needs none."""
    if options.everything:
        return ()
    wanted = {each for variant in variants for each in (*variant.permitted_by, *variant.plays)}
    playable = {check for each in _playable(manifest, options.dialect) for check in each.checks}
    return sorted(
        each for each in wanted if any(f"{check}.".startswith(f"{each}.") for check in playable)
    )


def _playable(manifest_path: Path, dialect: str) -> Iterator[Scenario]:
    manifest = load_manifest(manifest_path)
    capabilities = {each.value for each in manifest.offered}
    for each in all_scenarios():
        if each.needs <= capabilities and (not each.dialects or dialect in each.dialects):
            yield each


def lines(verdict: Verdict) -> Iterator[str]:
    """The verdict for people: one line where it is as it should be, more where not."""
    yield f"{'passed' if verdict.ok else 'FAILED'} {verdict.name}"
    if verdict.trouble:
        yield f"       exit code {verdict.code}: {verdict.trouble}"
    for result in verdict.problems:
        yield f"       {result.outcome} {result.id}"
        for finding in result.findings:
            if finding.outcome is result.outcome:
                yield f"         {finding.scenario}: expected {finding.expected}"
                yield f"         seen {finding.seen}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.variants.gate", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which variants (default: all)")
    parser.add_argument("--all", action="store_true", help="play every scenario, not only theirs")
    parser.add_argument("--together", action="store_true", help="all of them in one daemon")
    parser.add_argument("--dialect", choices=DIALECTS, default=DIALECTS[0])
    parser.add_argument("--workers", type=int, default=2, help="scenarios of a run at once")
    parser.add_argument("--at-once", type=int, default=1, help="runs at once")
    parser.add_argument("--shard", default="1/1", metavar="I/N", help="only each N-th, from I")
    parser.add_argument("--results", type=Path, metavar="DIR", help="keep what the suite leaves")
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """1 where any variant does not pass, else 0."""
    given = _parser().parse_args(words)
    options = Options(
        everything=given.all,
        dialect=given.dialect,
        workers=given.workers,
        results=None if given.results is None else given.results.absolute(),
    )
    variants = find_variants(given.names) if given.names else all_variants()
    place, _, count = given.shard.partition("/")
    chosen = variants[int(place) - 1 :: int(count)]
    runs = [chosen] if given.together else [[each] for each in chosen]

    def judged(run: Sequence[Variant]) -> bool:
        verdict = judge(run, options)
        print("\n".join(lines(verdict)), flush=True)
        return verdict.ok

    with ThreadPoolExecutor(given.at_once) as pool:
        passed = list(pool.map(judged, runs))
    print(f"{len(passed)} runs, {passed.count(False)} not passed")
    return 1 if False in passed else 0


if __name__ == "__main__":
    sys.exit(main())
