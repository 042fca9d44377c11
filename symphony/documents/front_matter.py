"""A Markdown document with optional YAML front matter, read exactly (`workflow.format`).

Front matter is there only if the first line is `---` and nothing else; it ends at the next line
that is just that. Everything in it is read as `strict_yaml` says. `parse_document` is a pure
function of its input: it returns a whole `Document` or raises `ProblemError` with every mistake and
its line in the file. It never guesses and never takes half a block.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from frontmatter.default_handlers import YAMLHandler

from symphony.documents.strict_yaml import KeyPath, YamlFault, kind_of, parse_yaml
from symphony.domain.json import JsonObject, JsonValue, as_object
from symphony.domain.problems import Problem, ProblemError

MAXIMUM_DOCUMENT_BYTES = 4_194_304
"""The largest document that is read: far above any prompt or issue, far below what hurts."""

MAXIMUM_FRONT_MATTER_CHARACTERS = 65_536
"""The largest block of settings. Parsing takes seconds at worst, and time in proportion to it."""

PARSE_ERROR = "workflow_parse_error"
NOT_A_MAP = "workflow_front_matter_not_a_map"

_BYTE_ORDER_MARK = "\ufeff"
_MARKER_LINE = re.compile(r"^---\r?$", re.MULTILINE)
_ALMOST_MARKER_LINE = re.compile(r"^[ \t]*-{3,}[ \t]*\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """`metadata` is empty where there is no front matter. `body` is everything after it, exactly as
    it stands in the file, and begins on line `body_line`. `lines` holds the line of every key and
    list item of the front matter. All lines count from 1 in the file."""

    metadata: JsonObject
    body: str
    has_front_matter: bool
    body_line: int
    lines: Mapping[KeyPath, int] = field(default_factory=dict[KeyPath, int])

    def line_of(self, *keys: str | int) -> int | None:
        """The line of the key, or None where the file does not have it."""
        return self.lines.get(keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentCodes:
    """Under which codes the mistakes are reported; the defaults are those of WORKFLOW.md."""

    parse_error: str = PARSE_ERROR
    not_a_map: str = NOT_A_MAP


class StrictFrontMatter(YAMLHandler):
    """The delimiters of python-frontmatter, taken literally.

    `frontmatter.parse` is not used with it: that strips the text first, which moves every line, and
    takes a block it cannot split or that is not a map for no block at all.
    """

    FM_BOUNDARY = _MARKER_LINE

    def split(self, text: str) -> tuple[str, str]:
        """The block and the body, both without the marker lines; ValueError if it never ends."""
        _, block, body = _MARKER_LINE.split(text, 2)
        return block, body.removeprefix("\n")


_HANDLER = StrictFrontMatter()
_WORKFLOW_CODES = DocumentCodes()


def parse_document(
    data: bytes | str, *, path: str | None, codes: DocumentCodes = _WORKFLOW_CODES
) -> Document:
    """Read one document. `path` is only for the problems' sake. Raises `ProblemError`."""
    text = _decode(data, path, codes).removeprefix(_BYTE_ORDER_MARK)
    if not _HANDLER.detect(text):
        return Document(metadata={}, body=text, has_front_matter=False, body_line=1)
    try:
        block, body = _HANDLER.split(text)
    except ValueError:
        raise ProblemError(_unterminated(text, path, codes)) from None
    if len(block) > MAXIMUM_FRONT_MATTER_CHARACTERS:
        raise ProblemError(
            Problem(
                code=codes.parse_error,
                message=f"the front matter has {len(block)} characters; at most "
                f"{MAXIMUM_FRONT_MATTER_CHARACTERS} are read",
                remedy="Move long text into the body or into files of its own.",
                path=path,
                line=1,
            )
        )
    metadata, lines = _metadata(block, path, codes)
    body_line = text.count("\n", 0, len(text) - len(body)) + 1
    return Document(
        metadata=metadata, body=body, has_front_matter=True, body_line=body_line, lines=lines
    )


def _decode(data: bytes | str, path: str | None, codes: DocumentCodes) -> str:
    if len(data) > MAXIMUM_DOCUMENT_BYTES:
        raise ProblemError(
            Problem(
                code=codes.parse_error,
                message=f"the file is larger than {MAXIMUM_DOCUMENT_BYTES} bytes",
                remedy="Shorten it.",
                path=path,
            )
        )
    if isinstance(data, str):
        return data
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProblemError(
            Problem(
                code=codes.parse_error,
                message=f"byte {error.start} (0x{data[error.start]:02x}) is not valid UTF-8",
                remedy="Save the file as UTF-8.",
                path=path,
                line=data.count(b"\n", 0, error.start) + 1,
            )
        ) from None


def _unterminated(text: str, path: str | None, codes: DocumentCodes) -> Problem:
    first_end = text.find("\n")
    almost = _ALMOST_MARKER_LINE.search(text, first_end + 1) if first_end >= 0 else None
    hint = ""
    if almost is not None:
        line = text.count("\n", 0, almost.start()) + 1
        hint = f" Line {line} is almost one: it has extra spaces or dashes."
    return Problem(
        code=codes.parse_error,
        message="the front matter that starts here is never closed",
        remedy=f"End it with a line that is exactly `---`.{hint}",
        path=path,
        line=1,
    )


def _metadata(
    block: str, path: str | None, codes: DocumentCodes
) -> tuple[JsonObject, Mapping[KeyPath, int]]:
    # The block begins with the line break of the marker, so its line 1 is line 1 of the file.
    result = parse_yaml(block)
    if result.faults:
        raise ProblemError(*(_problem(fault, path, codes) for fault in result.faults))
    return _as_map(result.value, path, codes), result.lines


def _as_map(value: JsonValue, path: str | None, codes: DocumentCodes) -> JsonObject:
    if value is None:
        return {}
    if (metadata := as_object(value)) is not None:
        return metadata
    raise ProblemError(
        Problem(
            code=codes.not_a_map,
            message=f"the front matter must be a map of keys to values; it is {kind_of(value)}",
            remedy="Write it as lines of `key: value`.",
            path=path,
            line=2,
        )
    )


def _problem(fault: YamlFault, path: str | None, codes: DocumentCodes) -> Problem:
    return Problem(
        code=codes.parse_error,
        message=fault.message,
        remedy=fault.remedy,
        path=path,
        line=fault.line,
        key=fault.key,
    )
