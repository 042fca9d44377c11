"""The lab's board in the GitHub dialect: one repository, with states in labels.

`status:Todo` is the state Todo; `closed` and `open` are states of the issue itself. Issues have
numbers, so the scenario's names are the lab's alone.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict

from conformance.fakes.chaos_setting import ChaosSetting
from conformance.fakes.faults import Faults
from conformance.fakes.github.chaos import Chaos
from conformance.fakes.github.entities import Issue, Token
from conformance.fakes.github.hub import Hub, IssueFields
from conformance.fakes.github.server import GitHubFake
from conformance.fakes.json_values import JsonObject
from conformance.fakes.recording import Recording
from conformance.fakes.world import STANDARD_STATES
from conformance.lab.boards import Fields, Handle, Scope
from conformance.lab.reads import STATE_LABEL

REPOSITORY = "acme/lab"
RANK_LABEL = "priority:"
"""How a label begins that holds a priority; adapters document their own way."""
_FIRST_NUMBER = 5
"""Not 1, so that nobody passes by counting."""


class GitHubBoard:
    """Serves one hub; satisfies `Board`."""

    def __init__(self, *, seed: int, chaos: ChaosSetting) -> None:
        choice = random.Random(seed)  # noqa: S311 - a canary, not a secret
        self.secret = f"ghp_canary{choice.getrandbits(128):032x}"
        self.scope = Scope(repository=REPOSITORY)
        self.hub = Hub()
        self._place = self.hub.add_repository(REPOSITORY)
        self._place.next_number = _FIRST_NUMBER
        self._elsewhere = self.hub.add_repository("acme/elsewhere")
        self._issues: dict[str, Issue] = {}
        self.fake = GitHubFake(self.hub, tokens={self.secret: Token(login="bot")})
        self.set_chaos(chaos)
        self.know_states([name for name, _ in STANDARD_STATES])

    @property
    def endpoint(self) -> str:
        return self.fake.url

    @property
    def faults(self) -> Faults:
        return self.fake.faults

    @property
    def requests(self) -> Recording:
        return self.fake.requests

    def start(self) -> None:
        self.fake.start()

    def stop(self) -> None:
        self.fake.stop()

    def set_chaos(self, chaos: ChaosSetting) -> None:
        self.fake.chaos = Chaos(**asdict(chaos))

    def know_states(self, names: Sequence[str]) -> None:
        """A label has to exist before anybody can ask for it. GitHub has no two that differ in case
        only, so the spelling that came first stays."""
        with self.hub.lock:
            for name in names:
                label = f"{STATE_LABEL}{name.strip()}"
                self._place.labels.setdefault(label.lower(), label)

    def state_name(self, text: str) -> str:
        return text

    def put(self, name: str, fields: Fields) -> Handle:
        with self.hub.lock:
            known = self._issues.get(name)
            number = None if known is None else known.number
            given = self._given(known, fields)
            self._issues[name] = self.hub.put_issue(self._place, number, **given)
        return self.handle(name)

    def relate(self, name: str, other: str) -> None:
        with self.hub.lock:
            parent = (self._place.key, self._existing(other).number)
            self.hub.put_issue(self._place, self._existing(name).number, parent=parent)

    def handle(self, name: str) -> Handle:
        number = self._existing(name).number
        return Handle(name=name, identifier=f"GH-{number}", id=str(number), number=number)

    def state(self, name: str) -> str:
        with self.hub.lock:
            issue = self._existing(name)
            states = [each for each in issue.labels if _names_state(each)]
            if not issue.is_open or not states:
                return "open" if issue.is_open else "closed"
            return states[0][len(STATE_LABEL) :]

    def labels(self, name: str) -> Sequence[str]:
        with self.hub.lock:
            return _plain(self._existing(name).labels)

    def comments(self, name: str) -> Sequence[str]:
        with self.hub.lock:
            return [each.body for each in self._existing(name).comments]

    def remove(self, name: str) -> None:
        self.hub.delete_issue(self._place, self._existing(name).number)

    def move_out(self, name: str) -> None:
        self.hub.transfer_issue(self._place, self._existing(name).number, self._elsewhere)

    def archive(self, name: str) -> None:
        raise NotImplementedError(f"GitHub has no archive of issues, so {name} cannot go there")

    def hide(self, name: str) -> None:
        with self.hub.lock:
            del self._place.issues[self._existing(name).number]

    def show(self, name: str) -> None:
        with self.hub.lock:
            issue = self._existing(name)
            self._place.issues[issue.number] = issue

    def spoil(self, name: str, members: JsonObject) -> None:
        self.fake.spoils.add("number", self._existing(name).number, members)

    def mend(self) -> None:
        self.fake.spoils.clear()

    def spoilt(self, name: str) -> int:
        return self.fake.spoils.seen(self._existing(name).number)

    def further_secret(self) -> str:
        secret = f"{self.secret}2"
        self.fake.tokens[secret] = self.fake.tokens[self.secret]
        return secret

    def _existing(self, name: str) -> Issue:
        found = self._issues.get(name)
        if found is None:
            raise LookupError(f"there is no issue {name}")
        return found

    def _given(self, known: Issue | None, fields: Fields) -> IssueFields:
        given = IssueFields()
        if "title" in fields or known is None:
            given["title"] = fields.get("title", "An issue of the lab")
        if "description" in fields:
            given["body"] = fields["description"]
        if "assignee" in fields:
            given["assignees"] = [fields["assignee"]] if fields["assignee"] else []
        if "blocked_by" in fields:
            numbers = [self._existing(each).number for each in fields["blocked_by"]]
            given["blocked_by"] = [(self._place.key, number) for number in numbers]
        if "created_at" in fields:
            given["created_at"] = fields["created_at"]
        given["labels"] = self._labels(known, fields)
        if "state" in fields:
            given["is_open"] = fields["state"] != "closed"
        return given

    def _labels(self, known: Issue | None, fields: Fields) -> list[str]:
        old = [] if known is None else known.labels
        of_state = [each for each in old if _names_state(each)] or [f"{STATE_LABEL}Todo"]
        if "state" in fields:
            is_plain = fields["state"] in ("open", "closed")
            of_state = [] if is_plain else [f"{STATE_LABEL}{fields['state']}"]
        of_rank = [each for each in old if each.startswith(RANK_LABEL)]
        if "priority" in fields:
            of_rank = [f"{RANK_LABEL}{fields['priority']}"] if fields["priority"] else []
        return [*of_state, *of_rank, *fields.get("labels", _plain(old))]


def _plain(labels: Sequence[str]) -> list[str]:
    """Those that name neither a state nor a priority."""
    return [each for each in labels if not _names_state(each) and not each.startswith(RANK_LABEL)]


def _names_state(label: str) -> bool:
    return label.lower().startswith(STATE_LABEL)
