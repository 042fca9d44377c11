"""The lab's board in the Linear dialect: one team, one project in scope and one outside of it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict

from conformance.fakes.chaos_setting import ChaosSetting
from conformance.fakes.faults import Faults
from conformance.fakes.json_values import JsonObject
from conformance.fakes.linear.chaos import Chaos
from conformance.fakes.linear.executor import Rights
from conformance.fakes.linear.server import LinearFake
from conformance.fakes.recording import Recording
from conformance.fakes.world import IssueFields, World
from conformance.lab.boards import Fields, Handle, Scope

PROJECT_SLUG = "lab-4f1c2a9b7d30"
TEAM_KEY = "ENG"


class LinearBoard:
    """Serves one world; satisfies `Board`."""

    def __init__(self, *, seed: int, chaos: ChaosSetting) -> None:
        choice = random.Random(seed)  # noqa: S311 - a canary, not a secret
        self.secret = f"lin_api_canary{choice.getrandbits(128):032x}"
        self.scope = Scope(project_slug=PROJECT_SLUG, team_key=TEAM_KEY)
        self.world = World(seed=seed)
        bot = self.world.add_user("bot of the lab", admin=False)
        self.world.add_user("ada lovelace")
        self._team = self.world.add_team(TEAM_KEY, "Engineering")
        self.world.add_project(PROJECT_SLUG, "In scope", self._team)
        self._elsewhere = self.world.add_project("elsewhere-93d2", "Out of scope", self._team)
        self.fake = LinearFake(self.world, keys={self.secret: Rights(user_id=bot.id)})
        self.set_chaos(chaos)

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
        """A board has every state that an issue was ever put in; the others need not exist."""

    def state_name(self, text: str) -> str:
        found = self.world.states.get(text)
        return text if found is None else found.name

    def put(self, name: str, fields: Fields) -> Handle:
        given = IssueFields(**fields)
        if self.world.issue(name) is None:
            given.setdefault("project", PROJECT_SLUG)
        issue = self.world.put_issue(self._team, name, **given)
        return Handle(name=name, identifier=issue.identifier, id=issue.id)

    def relate(self, name: str, other: str) -> None:
        issue, related = self.world.existing(name), self.world.existing(other)
        # Each is at either end: an adapter may read one side of relations only.
        self.world.relate(issue, related, "related")
        self.world.relate(related, issue, "related")

    def handle(self, name: str) -> Handle:
        issue = self.world.existing(name)
        return Handle(name=name, identifier=issue.identifier, id=issue.id)

    def state(self, name: str) -> str:
        return self.world.state_of(self.world.existing(name))

    def labels(self, name: str) -> Sequence[str]:
        return self.world.labels_of(self.world.existing(name))

    def comments(self, name: str) -> Sequence[str]:
        return [each.body for each in self.world.comments_of(self.world.existing(name))]

    def remove(self, name: str) -> None:
        self.world.remove(self.world.existing(name))

    def move_out(self, name: str) -> None:
        self.world.existing(name)
        self.world.put_issue(self._team, name, project=self._elsewhere.slug)

    def archive(self, name: str) -> None:
        self.world.archive(self.world.existing(name))

    def hide(self, name: str) -> None:
        self.archive(name)

    def show(self, name: str) -> None:
        self.world.unarchive(self.world.existing(name))

    def spoil(self, name: str, members: JsonObject) -> None:
        self.fake.spoils.add("id", self.world.existing(name).id, members)

    def mend(self) -> None:
        self.fake.spoils.clear()

    def spoilt(self, name: str) -> int:
        return self.fake.spoils.seen(self.world.existing(name).id)

    def further_secret(self) -> str:
        secret = f"{self.secret}2"
        self.fake.keys[secret] = self.fake.keys[self.secret]
        return secret
