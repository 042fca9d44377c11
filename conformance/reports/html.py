"""A run as one HTML page that stands by itself, to be published as it is.

Guarantees: no request leaves the page, and its own policy forbids any; what came from an
implementation is escaped, and becomes a link only where it is a web address; everything can be
read without scripts and without colour. Must not: hold anything that is not in the records.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from conformance.catalogue import Verdict
from conformance.exit_codes import ExitCode
from conformance.reports.model import RequirementResult, RunReport
from conformance.reports.words import (
    LEVEL_MEANINGS,
    STANDINGS,
    Standing,
    capitalised,
    joined,
    levels_present,
    on_one_line,
    plain,
    present,
    subject,
    verdict_sentence,
)

_TEMPLATES = Path(__file__).parent / "templates"

_VERDICT_MEANINGS = {
    Verdict.EXACT: "the sentence holds as it stands",
    Verdict.LENIENT: "each of the alternatives that it names conforms",
    Verdict.INFO: "recorded, never judged",
}

_UNDECIDED = Standing(key="", word="", sign="?", kind="doubt", meaning="")
_BANNERS = {
    ExitCode.CONFORMING: STANDINGS["pass"],
    ExitCode.NOT_CONFORMING: STANDINGS["fail"],
    ExitCode.NEVER_READY: STANDINGS["fail"],
}


def html_report(report: RunReport) -> str:
    """The page, complete with style and script."""
    banner = _banner(report)
    script = _asset("page.js")
    return page(
        "page.html.jinja",
        script=script,
        report=report,
        subject=subject(report),
        verdict=verdict_sentence(report),
        verdict_kind=banner.kind,
        verdict_sign=banner.sign,
        attention=attention(report),
        facts=list(_facts(report)),
        profiles=list(dict.fromkeys(each.requirement.profile for each in report.requirements)),
        verdict_meanings=_VERDICT_MEANINGS,
    )


def page(template: str, *, script: str, **context: object) -> str:
    """Render one of the templates with the common style and vocabulary. `script` is the only one
    that the page's policy lets run; empty: none."""
    style = _asset("page.css")
    loaded = _environment().get_template(template)
    return loaded.render(style=style, script=script, policy=_policy(style, script), **context)


def attention(report: RunReport) -> Sequence[RequirementResult]:
    """The problems: unknown before known, the worst first."""
    return sorted(
        report.problems, key=lambda result: (result.id in report.known, -result.outcome.rank)
    )


def _banner(report: RunReport) -> Standing:
    if report.ended is None:
        return _UNDECIDED
    return _BANNERS.get(ExitCode(report.ended.exit_code), _UNDECIDED)


def _facts(report: RunReport) -> Iterator[tuple[str, str]]:
    run = report.run
    yield "Begun", run.started_at
    if report.ended is not None:
        yield "Duration", f"{report.ended.duration_s:.0f} s, {run.workers} at a time"
    yield "Suite", run.suite
    yield "Specification", f"revision {run.specification}"
    yield "Tracker dialect", run.dialect
    yield "Profiles", joined(run.profiles)
    yield "Capabilities", joined(run.capabilities)
    if run.policies:
        yield "Policies", joined(f"{name}: {choice}" for name, choice in run.policies.items())
    if run.language:
        yield "Language", run.language
    if run.manifest:
        yield "Manifest", run.manifest
    yield "Seed", str(run.seed)
    host = run.host
    yield "Host", f"{host.platform}, {host.cores} cores, load {host.load:.1f} at the start"
    yield "Passed only when run again", joined(report.rescued)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # Jinja types each of these maps by the members that it has itself.
    filters: dict[str, Any] = {
        "plain": plain,
        "sentence": _sentence,
        "breakable": _breakable,
        "one_line": on_one_line,
        "capitalised": capitalised,
        "present": present,
        "levels_present": levels_present,
    }
    tests: dict[str, Any] = {"web_address": _is_web_address}
    names: dict[str, Any] = {"standings": STANDINGS, "level_meanings": LEVEL_MEANINGS}
    environment.filters.update(filters)
    environment.tests.update(tests)
    environment.globals.update(names)
    return environment


def _sentence(text: str) -> Markup:
    """The text with its `quoted` names set as code."""
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part
        for number, part in enumerate(text.split("`"))
    )


def _breakable(name: str) -> Markup:
    """The id, with places after its dots where a narrow column may break it."""
    return Markup(".<wbr>").join(name.split("."))


def _is_web_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    scripts = f"'sha256-{_digest(script)}'" if script else "'none'"
    return (
        f"default-src 'none'; style-src 'sha256-{_digest(style)}'; script-src {scripts}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
