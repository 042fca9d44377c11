"""What `run`, `smoke` and `replay` do: play, say what was found, write reports, give the code."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from conformance.baseline import Baseline, BaselineError, load_baseline
from conformance.cli.advice import smoke_advice
from conformance.cli.options import Options
from conformance.cli.rendering import requested_reports, write_report
from conformance.cli.running import LARGEST_SEED
from conformance.cli.subject import Subject, make_subject, subject_of
from conformance.cli.supervised import run_to_end
from conformance.exit_codes import CommandError, ExitCode
from conformance.reports.console import summary
from conformance.runner.bundle import Bundle, BundleError, read_bundle
from conformance.runner.one import PROBE
from conformance.runner.results import SCENARIOS
from conformance.runner.run import RunOptions
from conformance.runner.selection import all_scenarios

SMOKE_MODULE: Final = "conformance.scenarios.smoke"


def run_command(options: Options) -> int:
    """Raises `CommandError`."""
    subject = subject_of(options)
    return _judge(options, _options(options, subject, tuple(options.patterns)))


def smoke_command(options: Options) -> int:
    """Raises `CommandError`."""
    names = [each.name for each in all_scenarios() if each.play.__module__ == SMOKE_MODULE]
    chosen = _options(options, subject_of(options), tuple(names))
    code = _judge(options, chosen)
    scenarios = chosen.results / SCENARIOS
    if advice := smoke_advice(code, scenarios / PROBE, scenarios / names[0]):
        print(f"\n{advice}")
    return code


def replay_command(options: Options) -> int:
    """Raises `CommandError`."""
    try:
        bundle = read_bundle(options.bundle)
    except BundleError as error:
        raise CommandError(str(error), ExitCode.USAGE) from error
    path = None if bundle.manifest is None else Path(bundle.manifest)
    options.seed = bundle.seed
    subject = make_subject(path, bundle.launch, bundle.dialect)
    return _judge(options, _options(options, subject, (bundle.scenario,), bundle))


def _options(
    options: Options, subject: Subject, patterns: Sequence[str], bundle: Bundle | None = None
) -> RunOptions:
    seed = options.seed
    return RunOptions(
        manifest=subject.manifest,
        launch=subject.launch,
        dialect=subject.dialect,
        results=options.results.absolute(),
        # Told to the user, who may give it again; no secret.
        seed=random.randint(0, LARGEST_SEED) if seed is None else seed,  # noqa: S311
        workers=options.workers,
        patterns=tuple(patterns),
        profiles=frozenset(options.profiles),
        baseline=_baseline(options.baseline),
        strict=options.strict,
        retry=options.retry,
        scale=None if bundle is None else bundle.scale,
    )


def _baseline(path: Path | None) -> Baseline:
    if path is None:
        return Baseline()
    try:
        return load_baseline(path)
    except BaselineError as error:
        raise CommandError(str(error), ExitCode.USAGE) from error


def _judge(options: Options, chosen: RunOptions) -> int:
    reports = requested_reports(options.reports)
    report = run_to_end(chosen)
    for form, path in reports:
        write_report(form, report, path)
    print(summary(report, colour=sys.stdout.isatty()), end="")
    # An end that could not be recorded is no verdict.
    return ExitCode.HARNESS if report.ended is None else report.ended.exit_code
