"""A badge: a small picture, and the document from which a badge service draws its own.

Guarantees: the words and the colour say the same; a count of MUST, never a percentage. The picture
is readable on light and dark pages and has a text for those who do not see it.
"""

from __future__ import annotations

import json

from jinja2 import Environment

from conformance.catalogue import Level
from conformance.exit_codes import ExitCode
from conformance.outcomes import Outcome
from conformance.reports.model import RunReport

_LABEL = "symphony spec"
_GREEN = "#1a7f37"
_RED = "#b42318"
_GREY = "#57606a"
_NAMED = {_GREEN: "brightgreen", _RED: "red", _GREY: "lightgrey"}

_CHARACTER_WIDTH = 6.6
"""Mean width in pixels of a character of the font below at 11 px; a badge is a little loose where
the reader's font is narrower, and the text is fitted where it is wider."""

_PADDING = 8

_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{{ width }}" height="20" role="img" \
aria-label="{{ label }}: {{ message }}">
<title>{{ label }}: {{ message }}</title>
<clipPath id="round"><rect width="{{ width }}" height="20" rx="4"/></clipPath>
<g clip-path="url(#round)">
<rect width="{{ left }}" height="20" fill="#24292f"/>
<rect x="{{ left }}" width="{{ right }}" height="20" fill="{{ colour }}"/>
</g>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
<text x="{{ left / 2 }}" y="14" textLength="{{ left - 16 }}">{{ label }}</text>
<text x="{{ left + right / 2 }}" y="14" textLength="{{ right - 16 }}">{{ message }}</text>
</g>
</svg>
"""


def badge_svg(report: RunReport) -> str:
    """The picture."""
    message, colour = _message(report)
    left, right = _width(_LABEL), _width(message)
    template = Environment(autoescape=True, keep_trailing_newline=True).from_string(_SVG)
    return template.render(
        label=_LABEL, message=message, colour=colour, left=left, right=right, width=left + right
    )


def badge_endpoint(report: RunReport) -> str:
    """The document that a badge service with an endpoint format reads."""
    message, colour = _message(report)
    document = {
        "schemaVersion": 1,
        "label": _LABEL,
        "message": message,
        "color": _NAMED[colour],
    }
    return json.dumps(document) + "\n"


def _message(report: RunReport) -> tuple[str, str]:
    if not report.complete or report.ended is None:
        return "no verdict", _GREY
    counts = report.counts()[Level.MUST]
    passed = counts.get(Outcome.PASS.value, 0)
    problems = sum(result.problem for result in report.requirements if result.level is Level.MUST)
    scope = " (partial)" if report.run.patterns else ""
    match report.ended.exit_code:
        case ExitCode.CONFORMING | ExitCode.NOT_CONFORMING if problems:
            return f"{passed} of {passed + problems} MUST passed{scope}", _RED
        case ExitCode.CONFORMING:
            return f"{passed} MUST passed{scope}", _GREEN
        case ExitCode.NOT_CONFORMING:
            return f"not conforming{scope}", _RED
        case _:
            return "no verdict", _GREY


def _width(text: str) -> int:
    return round(len(text) * _CHARACTER_WIDTH) + 2 * _PADDING
