"""The issues of one scan, with what can only be said when all files are known.

Pure: blockers are looked up, `dispatchable` is decided, and what was left out becomes notices.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import BlockerRef, Issue, state_key
from symphony.trackers.blockers import must_wait
from symphony.trackers.errors import TrackerError
from symphony.trackers.files.folder import Scan, SkippedFile
from symphony.trackers.files.normalize import IssueFile, possible_ids, stem_of
from symphony.trackers.files.settings import FilesSettings
from symphony.trackers.notices import BLOCKER_UNKNOWN, SKIPPED, Notice

NOT_AN_ISSUE_BY_CUSTOM = frozenset({"readme.md"})
"""Files that belong into a folder of issues without being one; not worth a log line."""


class Board:
    """The state of the directory at one moment."""

    def __init__(self, scan: Scan, settings: FilesSettings) -> None:
        self._settings = settings
        self._skipped = scan.skipped
        self._files = {file.id: file for file in scan.files}
        self._by_name = _by_any_name(scan.files)

    def states_in_use(self) -> list[str]:
        """The states of all issues, each once, in its spelling."""
        return list(dict.fromkeys(file.state for file in self._files.values()))

    def file(self, issue_id: IssueId) -> IssueFile | None:
        """The file of an issue. Raises `TrackerError` if there is one that cannot be used."""
        found = self._files.get(issue_id)
        if found is None:
            self._refuse_unusable(issue_id)
        return found

    def by_states(self, states: Collection[str]) -> list[Issue]:
        """The issues in these states, compared without case."""
        wanted = frozenset(map(state_key, states))
        return [
            self._issue(file) for file in self._files.values() if state_key(file.state) in wanted
        ]

    def by_ids(self, ids: Collection[IssueId]) -> list[Issue]:
        """The issues with these ids; what is not there is left out. Raises `TrackerError` if one
        of them is there and cannot be read, for then its absence would mean something else."""
        files = [self.file(issue_id) for issue_id in sorted(set(ids))]
        return [self._issue(file) for file in files if file is not None]

    def by_identifiers(self, identifiers: Collection[IssueIdentifier]) -> list[Issue]:
        """The issues with these identifiers; what is not there or cannot be read is left out."""
        wanted = frozenset(identifiers)
        return [self._issue(file) for file in self._files.values() if file.identifier in wanted]

    def notices(self) -> list[Notice]:
        """Everything that is wrong with the directory now."""
        notices = [_skip_notice(each) for each in self._skipped if _is_worth_telling(each)]
        for file in self._files.values():
            for blocker in file.blockers if self._is_unstarted(file) else ():
                if self._find(blocker) is None:
                    notices.append(_blocker_notice(file, blocker))
        return notices

    def _refuse_unusable(self, issue_id: IssueId) -> None:
        for each in self._skipped:
            if issue_id in possible_ids(each.name):
                raise TrackerError(
                    "tracker_response", f"{each.name} cannot be read as an issue: {each.detail}"
                )

    def _is_unstarted(self, file: IssueFile) -> bool:
        return state_key(file.state) in self._settings.unstarted

    def _find(self, blocker: str | None) -> IssueFile | None:
        return None if blocker is None else self._by_name.get(blocker.lower())

    def _issue(self, file: IssueFile) -> Issue:
        blockers = tuple(self._blocker(each) for each in file.blockers)
        waits = must_wait(
            file.state,
            blockers,
            unstarted=self._settings.unstarted,
            terminal=self._settings.terminal,
        )
        return Issue(
            id=file.id,
            identifier=file.identifier,
            title=file.title,
            state=file.state,
            dispatchable=self._is_assigned(file) and not waits,
            native_ref={"path": file.name},
            description=file.description,
            priority=file.priority,
            branch_name=file.branch_name,
            url=file.url,
            assignee_id=file.assignees[0] if file.assignees else None,
            labels=file.labels,
            blocked_by=blockers,
            created_at=file.created_at,
            updated_at=file.updated_at,
        )

    def _blocker(self, named: str | None) -> BlockerRef:
        found = self._find(named)
        if found is None:
            return BlockerRef(identifier=named)
        return BlockerRef(id=found.id, identifier=found.identifier, state=found.state)

    def _is_assigned(self, file: IssueFile) -> bool:
        wanted = self._settings.assignee
        if wanted is None:
            return True
        return wanted.lower() in (assignee.lower() for assignee in file.assignees)


def _by_any_name(files: Iterable[IssueFile]) -> Mapping[str, IssueFile]:
    """Files by what a blocker may call them, without case; the identifier comes first."""
    names: dict[str, IssueFile] = {}
    files = list(files)
    for file in files:
        names[file.identifier.lower()] = file
    for file in files:
        names.setdefault(file.id.lower(), file)
        names.setdefault(stem_of(file.name).lower(), file)
    return names


def _is_worth_telling(skipped: SkippedFile) -> bool:
    is_plain_text = skipped.reason in ("no_front_matter", "no_state")
    return not (is_plain_text and skipped.name.lower() in NOT_AN_ISSUE_BY_CUSTOM)


def _skip_notice(skipped: SkippedFile) -> Notice:
    return Notice(
        event=SKIPPED,
        record=skipped.name,
        reason=skipped.reason,
        detail=skipped.detail,
        issue_identifier=skipped.identifier,
    )


def _blocker_notice(file: IssueFile, blocker: str | None) -> Notice:
    named = "an entry that is no text" if blocker is None else f"`{blocker}`"
    return Notice(
        event=BLOCKER_UNKNOWN,
        record=file.name,
        reason="blocker_unknown",
        detail=f"{named} is not an issue here, so this one waits; correct or remove the entry",
        issue_id=file.id,
        issue_identifier=file.identifier,
    )
