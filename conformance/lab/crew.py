"""The agents of a scenario, by the issue that they work on.

Guarantees: an agent belongs to the issue in whose workspace it runs, whatever its prompt says.
"""

from __future__ import annotations

from collections.abc import Sequence

from conformance.agents.desk import AgentDesk
from conformance.agents.session import AgentSession, workspace_name
from conformance.agents.steps import Script
from conformance.lab.boards import Handle
from conformance.lab.waiting import Waiting


class Crew(Waiting):
    """What a lab knows of agents."""

    agents: AgentDesk

    def script(self, issue: Handle | None, *scripts: Script) -> None:
        """What agents of the issue do, or all others (None): the first session that begins from now
        on the first script, and so on; the last script is for all that follow."""
        if issue is None:
            self.agents.script(None, *scripts)
        else:
            self.agents.script(lambda cwd: issue.is_workspace(workspace_name(cwd)), *scripts)

    def sessions(self, issue: Handle | None = None) -> Sequence[AgentSession]:
        """The agent sessions so far, of the issue or of all, in the order of their start."""
        return [s for s in self.agents.sessions() if issue is None or issue.is_workspace(s.name)]

    def running(self, issue: Handle | None = None) -> Sequence[AgentSession]:
        """Those whose process is there."""
        return [each for each in self.sessions(issue) if each.alive]

    async def session(
        self, issue: Handle, number: int = 1, *, within: float | None = None
    ) -> AgentSession:
        """The session of that number of the issue, counted from 1, once it has started."""
        found = await self.until(
            lambda: self.sessions(issue)[number - 1 : number],
            f"agent session {number} of {issue.identifier}",
            within=within,
            seen=lambda: f"{len(self.sessions(issue))} sessions of it, {self._others(issue)}",
        )
        return found[0]

    async def at_gate(
        self,
        issue: Handle,
        number: int = 1,
        *,
        gate: str = "working",
        within: float | None = None,
    ) -> AgentSession:
        """The same, once it stands at the gate."""
        session = await self.session(issue, number, within=within)
        await self.until(
            lambda: session.at_gate(gate),
            f"agent session {number} of {issue.identifier} gets to work",
            within=within,
            seen=lambda: session.end_reason or "it has not come to its gate",
        )
        return session

    async def ended(self, session: AgentSession, *, within: float | None = None) -> None:
        """The process of the agent is gone."""
        await self.until(
            lambda: not session.alive, f"the agent in {session.name} ends", within=within
        )

    def finish(self, issue: Handle, state: str = "Done", *, gate: str = "working") -> None:
        """The agent's own work: it moves its issue, and passes the gate that it stands at."""
        self.tracker.set_state(issue.name, state)
        for session in self.running(issue):
            session.open_gate(gate)

    def _others(self, issue: Handle) -> str:
        names = sorted({each.name for each in self.sessions() if not issue.is_workspace(each.name)})
        return f"others in {', '.join(names)}" if names else "and of no other issue"
