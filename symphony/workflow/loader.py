"""Read a WORKFLOW.md into `Settings` and a prompt template, or say everything that is wrong.

All or nothing (`reload.invalid.last_good`): either the whole file is accepted, or `ProblemError` is
raised with every problem found, each with file, line, key and what to do. Reading the file is the
only I/O. Mistakes of the template do not refuse the file, because they concern single runs; they
are among the warnings.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from symphony.documents.front_matter import MAXIMUM_DOCUMENT_BYTES, Document, parse_document
from symphony.documents.references import PathReferenceError
from symphony.domain.json import as_object, as_text
from symphony.domain.problems import Problem, ProblemError
from symphony.domain.settings import Settings
from symphony.workflow.adapters import AdapterDefaults
from symphony.workflow.doubts import doubts
from symphony.workflow.kind import check_kind
from symphony.workflow.resolve import resolve_root, resolve_settings, root_problem
from symphony.workflow.template import PromptTemplate, parse_template
from symphony.workflow.validation import check_front_matter

MISSING_FILE: Final = "missing_workflow_file"

_REVISION_CHARACTERS: Final = 16
"""64 bits of the hash: enough to tell edits apart, short enough for a log line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedWorkflow:
    """An accepted file. `signature` is the hash of its content, and `settings.revision` its
    beginning. `warnings` include the mistakes of the template."""

    settings: Settings
    warnings: tuple[Problem, ...]
    document: Document
    template: PromptTemplate
    signature: str


def load_workflow(
    path: str | os.PathLike[str],
    *,
    environment: Mapping[str, str],
    adapter_defaults: Mapping[str, AdapterDefaults],
) -> LoadedWorkflow:
    """Read and check one file. `adapter_defaults` has an entry for each supported kind. Raises
    `ProblemError`."""
    location = os.path.abspath(path)
    return interpret_workflow(
        read_workflow(location),
        path=location,
        environment=environment,
        adapter_defaults=adapter_defaults,
    )


def read_workflow(path: str) -> bytes:
    """The content of the file, read whole. Raises `ProblemError` (`missing_workflow_file`)."""
    try:
        return _read_regular_file(path)
    except OSError as error:
        raise ProblemError(_unreadable(path, error)) from None


def _read_regular_file(path: str) -> bytes:
    # Without O_NONBLOCK, a named pipe would hold the daemon up for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(MAXIMUM_DOCUMENT_BYTES + 1)
    finally:
        os.close(descriptor)


def _unreadable(path: str, error: OSError) -> Problem:
    reason = "there is no such file" if error.errno == errno.ENOENT else error.strerror
    return Problem(
        code=MISSING_FILE,
        message=f"the workflow file cannot be read: {reason}",
        remedy="`symphony init` writes one to start from.",
        path=path,
    )


def interpret_workflow(
    data: bytes,
    *,
    path: str,
    environment: Mapping[str, str],
    adapter_defaults: Mapping[str, AdapterDefaults],
) -> LoadedWorkflow:
    """The meaning of a file that has been read; `path` is absolute. Pure. Raises `ProblemError`."""
    document = parse_document(data, path=path)
    checked = check_front_matter(document, path)
    problems = [*checked.problems, *check_kind(document, path, adapter_defaults)]
    root = ""
    try:
        root = resolve_root(
            _written(document, "workspace", "root"),
            environment=environment,
            directory=os.path.dirname(path),
        )
    except PathReferenceError as error:
        problems.append(root_problem(error, document, path))
    values = checked.values
    if problems or values is None:
        raise ProblemError(*sorted(problems, key=lambda problem: problem.line or 0))
    signature = hashlib.sha256(data).hexdigest()
    kind = values.tracker.kind or ""
    template = parse_template(document.body, path=path, body_line=document.body_line)
    settings = resolve_settings(
        values,
        kind=kind,
        defaults=adapter_defaults[kind],
        limits=checked.limits,
        root=root,
        path=path,
        revision=signature[:_REVISION_CHARACTERS],
        prompt=template.source,
    )
    warnings = (*checked.warnings, *doubts(values, settings, environment, document))
    return LoadedWorkflow(
        settings=settings,
        warnings=(*sorted(warnings, key=lambda problem: problem.line or 0), *template.problems),
        document=document,
        template=template,
        signature=signature,
    )


def _written(document: Document, section: str, key: str) -> str | None:
    return as_text((as_object(document.metadata.get(section)) or {}).get(key))
