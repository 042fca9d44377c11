"""Names of workspaces, and that nothing ever happens outside of their root."""

from __future__ import annotations

import os
import re
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from conformance.agents.session import AgentSession
from conformance.agents.steps import WORKS, agent_script, gate, run, turn
from conformance.lab.boards import Handle
from conformance.lab.files import real
from conformance.lab.judging import Judge
from conformance.lab.lab import Lab
from conformance.scenario import scenario
from conformance.scenarios.progress import until_logged

PLAIN: Final = ("ENG-1", "A_B", "v1.2_x-3")
UNUSUAL: Final = ("A/B", "A:B", "A B", "Ä-1", "../outside", "a/../../b")
FILED: Final = "A file is in the way"
LINKED: Final = "A link leads out"
DOTS: Final = (".", "..")
BITS: Final = 64
ALPHABETS: Final = ((string.digits, 20), (string.hexdigits, 16))
"""Characters of a suffix, and how many of them hold 64 bits; more of other alphabets below."""
LENGTH_IN_ONE_CASE: Final = 13
LENGTH_IN_BOTH_CASES: Final = 11


@scenario(
    "Every identifier has a workspace of its own under the root, the same after a restart",
    checks=(
        "workspace.key.unchanged",
        "workspace.key.sanitised",
        "workspace.key.distinct",
        "workspace.key.stable",
        "workspace.contain.dots",
        "workspace.contain.root",
        "security.root.permissions",
    ),
    dialects=("linear",),
)
async def names_of_workspaces(lab: Lab) -> None:
    issues = {name: lab.tracker.put(name, title=name) for name in (*PLAIN, *UNUSUAL, *DOTS)}
    # One level down, so that even a root that is removed as a whole does not take the lab along.
    area = lab.files.root
    root = area / "inner" / "workspaces"
    lab.script(None, agent_script(turn(run("echo here >> note.txt"), gate())))
    where = lab.files.trace("where")
    lab.workflow(
        "{{ issue.id }}",
        agent={"max_concurrent_agents": 20},
        workspace={"root": str(root)},
        hooks={"before_run": where.hook("$(pwd -P)")},
    )
    await lab.start()
    usual = [issues[name] for name in (*PLAIN, *UNUSUAL)]
    await lab.until(
        lambda: all(_at_gate(lab, issue) for issue in usual),
        "each issue gets an agent",
        within=20,
        seen=lambda: [each.name for each in usual if not _at_gate(lab, each)],
    )
    # What has dots for a name may be refused: it has had its chance after this.
    await lab.polls()

    names = {name: _at_gate(lab, issues[name])[0].name for name in (*PLAIN, *UNUSUAL)}
    with lab.judging("workspace.key.unchanged") as judge:
        judge.equal([names[each] for each in PLAIN], list(PLAIN), "the names of the workspaces")
    with lab.judging("workspace.key.sanitised") as judge:
        _judge_suffixes(judge, {each: names[each] for each in UNUSUAL})
    with lab.judging("workspace.key.distinct") as judge:
        judge.equal(len({*names.values()}), len(names), f"the number of names in {names}")
    with lab.judging("workspace.contain.root") as judge:
        places = {real(each.cwd).parent for each in lab.sessions()}
        judge.equal(places, {real(root)}, "where all workspaces lie")
        hooks = {Path(each).parent for each in where.lines()}
        judge.equal(hooks, {real(root)}, "above the directories in which hooks ran")
    with lab.judging("security.root.permissions") as judge:
        mode = root.stat().st_mode & 0o777
        judge.holds(mode & 0o007 == 0, expected="the root is closed to others", seen=oct(mode))

    with lab.judging("workspace.contain.dots") as judge:
        for name in DOTS:
            for session in _sessions(lab, issues[name]):
                judge.equal(real(session.cwd).parent, real(root), f"where {name!r} is worked on")
            lab.tracker.set_state(name, "Done")
        await lab.never(
            lambda: not all((root / each / "note.txt").exists() for each in names.values()),
            "the removal for . and .. touches no other workspace",
        )
    await lab.restart()
    await lab.until(lambda: all(_at_gate(lab, each) for each in usual), "agents", within=20)
    again = {name: _at_gate(lab, issues[name])[0].name for name in names}
    with lab.judging("workspace.key.stable") as judge:
        judge.equal(again, names, "the names after a restart")
    with lab.judging("workspace.contain.dots") as judge:
        for name in names:
            # One line of each life, where the directory is the same.
            lines = 1 + (again[name] == names[name])
            note = _text(root / names[name] / "note.txt")
            judge.holds(
                note.count("here") >= lines,
                expected=f"the workspace of {name} outlives the cleanup at start",
                seen=note,
            )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else "nothing"


def _sessions(lab: Lab, issue: Handle) -> Sequence[AgentSession]:
    """Those whose prompt is the issue's id: names of workspaces are what is in question."""
    return [each for each in lab.sessions() if issue.id in each.prompts()[:1]]


def _at_gate(lab: Lab, issue: Handle) -> Sequence[AgentSession]:
    return [each for each in _sessions(lab, issue) if each.at_gate()]


def _judge_suffixes(judge: Judge, names: Mapping[str, str]) -> None:
    suffixes: list[str] = []
    for identifier, name in names.items():
        start = re.sub(r"[^A-Za-z0-9._-]", "_", identifier)
        judge.holds(
            name.startswith(start), expected=f"{identifier} gives {start} and a suffix", seen=name
        )
        judge.holds(
            re.fullmatch(r"[A-Za-z0-9._-]+", name), expected="allowed characters", seen=name
        )
        suffixes.append(name.removeprefix(start).lstrip("._-"))
    needed = _length_for(set("".join(suffixes)))
    judge.holds(
        all(len(each) >= needed for each in suffixes),
        expected=f"each suffix has {BITS} bits, which take {needed} of its characters",
        seen=suffixes,
    )


def _length_for(used: set[str]) -> int:
    for alphabet, length in ALPHABETS:
        if used <= set(alphabet):
            return length
    letters = [each for each in used if each.isalpha()]
    in_one_case = all(map(str.islower, letters)) or all(map(str.isupper, letters))
    return LENGTH_IN_ONE_CASE if in_one_case else LENGTH_IN_BOTH_CASES


@scenario(
    "A file or a link at the path of a workspace leads no agent, hook or removal astray",
    checks=(
        "workspace.conflict.handled",
        "workspace.contain.symlink",
        "workspace.contain.root",
        "workspace.populate.surfaced",
    ),
)
async def paths_that_are_taken(lab: Lab) -> None:
    filed = lab.tracker.put("ENG-1", title=FILED)
    linked = lab.tracker.put("ENG-2", title=LINKED)
    healthy = lab.tracker.put("ENG-3", title="As usual")
    lab.script(None, WORKS)
    where = lab.files.trace("where")
    hooks = {name: where.hook("$(pwd -P)") for name in ("after_create", "before_run", "after_run")}
    lab.workflow(hooks={**hooks, "before_remove": where.hook("$(pwd -P)")})
    await lab.start()
    names = [(await lab.at_gate(issue)).name for issue in (filed, linked)]
    await lab.at_gate(healthy)
    await lab.stop()

    before = len(lab.sessions())
    file, link = (lab.files.root / name for name in names)
    outside = lab.files.root.parent / "outside"
    outside.mkdir()
    (outside / "precious.txt").write_text("precious", encoding="utf-8")
    for path in (file, link):
        _make_room(path)
    file.write_text("in the way", encoding="utf-8")
    link.symlink_to(outside)
    await lab.start()
    await lab.at_gate(healthy, 2)
    await lab.polls(3)

    with lab.judging("workspace.conflict.handled") as judge:
        later = _about(lab, FILED, before)
        _judge_taken(lab, judge, later, file)
    with lab.judging("workspace.populate.surfaced"):
        titles = {filed: FILED, linked: LINKED}
        for issue, title in titles.items():
            if _about(lab, title, before):
                continue
            await until_logged(lab, r"fail|error|refus|link|not a dir|no dir", issue.identifier)
    with lab.judging("workspace.contain.symlink") as judge:
        # Each agent told its directory when it started, with all links followed.
        places = [Path(each.cwd) for each in lab.sessions()[before:]]
        judge.lacks(places, real(outside), "the directories of agents")
        lab.tracker.set_state(linked.name, "Done")
        await lab.never(
            lambda: sorted(os.listdir(outside)) != ["precious.txt"],
            "what the link leads to is neither worked in nor removed",
            polls=3,
            seen=lambda: os.listdir(outside),
        )
        # At start it is an issue that ended meanwhile, whose workspace is to be removed.
        await lab.stop()
        if not link.is_symlink():
            _make_room(link)
            link.symlink_to(outside)
        await lab.start()
        await lab.polls()
        judge.equal(os.listdir(outside), ["precious.txt"], "what the link leads to, after a start")
    with lab.judging("workspace.contain.root") as judge:
        # What ran where the link leads to is the breach of another id.
        ran = {Path(each).parent for each in where.lines() if Path(each) != real(outside)}
        judge.equal(ran, {real(lab.files.root)}, "above the directories in which hooks ran")


def _about(lab: Lab, title: str, before: int) -> Sequence[AgentSession]:
    """The later sessions whose prompt has the title, wherever they run."""
    return [
        each for each in lab.sessions()[before:] if any(title in text for text in each.prompts())
    ]


def _make_room(path: Path) -> None:
    """Whatever is at the path is out of the way afterwards, and kept."""
    if path.exists() or path.is_symlink():
        path.rename(path.parent.parent / f"moved-{path.name}-{len(os.listdir(path.parent.parent))}")


def _judge_taken(lab: Lab, judge: Judge, later: Sequence[AgentSession], path: Path) -> None:
    policy = lab.manifest.policies.non_directory
    elsewhere = [each.cwd for each in later if Path(each.cwd) != real(path)]
    judge.equal(elsewhere, [], "where else an agent runs")
    if policy == "replace" or (policy == "any" and later):
        judge.holds(later, expected=f"an agent runs in {path.name} in place of the file")
        judge.holds(path.is_dir(), expected=f"{path.name} is a directory now")
    else:
        judge.equal(len(later), 0, "the agents of an issue whose path is taken")
        judge.holds(path.is_file(), expected=f"{path.name} is left as it is", seen="it is not")
