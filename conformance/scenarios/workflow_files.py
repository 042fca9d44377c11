"""The workflow file itself: where it is, how it is split, and what is no workflow file."""

from __future__ import annotations

from typing import Final

from conformance.agents.steps import WORKS
from conformance.fakes.json_values import JsonValue
from conformance.lab.files import real
from conformance.lab.lab import Lab
from conformance.scenario import scenario
from conformance.scenarios.lives import Life, brief_life

FRONT_MATTER_WORDS: Final = r"map|dictionary|hash|table|object|list|sequence|array|scalar"
"""What a report of a wrong root may say; it need not use the word map."""
COMMENT_LINES: Final = 400
"""Far down, a number in the output can only be that of the line."""
BODY: Final = "Before {{ issue.identifier }}\n---\ntracker: none\n---\nafter"


@scenario(
    "A file that is no workflow file is refused, with a report that says what is wrong with it",
    checks=(
        "workflow.front_matter.map",
        "workflow.front_matter.absent",
        "workflow.front_matter.unterminated",
        "workflow.front_matter.fence",
        "workflow.yaml.invalid",
        "workflow.error.class_names",
        "workflow.error.location",
        "startup.validate.refused",
        "cli.exit.startup_failure",
    ),
)
async def no_workflow_files(lab: Lab) -> None:
    lab.tracker.put("ENG-1", title="Not to be touched")
    lab.script(None, WORKS)
    good = lab.workflow("A prompt")
    block = good.partition("---\n")[2].partition("---\n")[0]

    async def refused(cause: str, text: str) -> Life:
        lab.write_workflow(text)
        return await brief_life(lab, cause)

    as_list = await refused("a list as front matter", "---\n- tracker\n- agent\n---\nA prompt\n")
    as_text = await refused("a text as front matter", "---\njust words\n---\nA prompt\n")
    bare = await refused("no front matter", "A prompt\n")
    empty = await refused("an empty block", "---\n---\nA prompt\n")
    dashes = await refused("four hyphens instead of three", good.replace("---", "----", 1))
    draft = await refused("words behind the hyphens", good.replace("---", "--- draft", 1))
    comments = "# nothing\n" * COMMENT_LINES
    broken = await refused("no YAML", f'---\n{comments}{block}extra: "a" b\n---\nA prompt\n')
    number = COMMENT_LINES + 2 + len(block.splitlines())
    endless = await refused("a block without an end", f"---\n{block}")
    tried = (as_list, as_text, bare, empty, dashes, draft, broken)
    # What is accepted although it must not be is the breach of another requirement.
    lives = [each for each in tried if not each.is_at_work]

    with lab.judging("workflow.front_matter.map") as judge:
        for life in (as_list, as_text):
            judge.holds(not life.is_at_work, expected="nothing is dispatched", seen=life)
            judge.holds(
                not life.says("kind") or life.says(FRONT_MATTER_WORDS),
                expected="the root of the front matter is what is wrong, and not a missing key",
                seen=life,
            )
    with lab.judging("workflow.front_matter.absent") as judge:
        for life in (bare, empty):
            judge.holds(
                not life.is_at_work and life.says("kind"),
                expected="the configuration is an empty map, which lacks tracker.kind only",
                seen=life,
            )
    with lab.judging("workflow.front_matter.fence") as judge:
        for life in (dashes, draft):
            judge.holds(not life.is_at_work, expected="no front matter is read", seen=life)
    with lab.judging("workflow.yaml.invalid") as judge:
        judge.holds(not broken.is_at_work, expected="nothing is dispatched", seen=broken)
        judge.holds(broken.output.strip(), expected="an error is reported", seen=broken)
    with lab.judging("workflow.front_matter.unterminated") as judge:
        policy = lab.manifest.policies.unterminated_front_matter
        if policy != "any":
            judge.equal(endless.is_at_work, policy == "read", "whether it is read as front matter")
        for prompt in endless.prompts:
            judge.lacks(prompt, "tracker:", "the prompt")
        judge.holds(
            endless.is_at_work or endless.output.strip(),
            expected="it is refused with an error, or read as front matter",
            seen=endless,
        )
    with lab.judging("workflow.error.class_names") as judge:
        judge.contains(as_list.output, "workflow_front_matter_not_a_map", "the report")
        judge.contains(broken.output, "workflow_parse_error", "the report")
    with lab.judging("workflow.error.location") as judge:
        judge.contains(broken.output, lab.workflow_path.name, "the report")
        # Parsers count from the file or from the block, and may notice an error a line later.
        lines = "|".join(str(number + each) for each in (-2, -1, 0, 1))
        judge.holds(
            broken.says(rf"\b({lines})\b"), expected=f"it names the line {number}", seen=broken
        )
    with lab.judging("startup.validate.refused") as judge:
        judge.holds(lives, expected="such files are refused", seen="all are accepted")
        for life in lives:
            judge.holds(
                life.code is not None and not life.asked and life.output.strip(),
                expected="the start ends before any request to the tracker, with a message",
                seen=life,
            )
    with lab.judging("cli.exit.startup_failure") as judge:
        for life in lives:
            judge.holds(life.code, expected="an exit code that is not zero", seen=life)


@scenario(
    "A workflow file is split at its fences, and the prompt is what follows, trimmed",
    checks=(
        "workflow.front_matter.split",
        "workflow.front_matter.fence",
        "workflow.front_matter.scalars",
        "workflow.body.trimmed",
        "workflow.file.self_contained",
        "config.unknown_keys.ignored",
        "config.provider.preserved",
        "template.body.fallback",
    ),
)
async def workflow_files(lab: Lab) -> None:
    issue = lab.tracker.put("ENG-1", labels=["no"])
    other = lab.tracker.put("ENG-2", labels=["off"], priority=1)
    lab.script(None, WORKS)
    unknown: dict[str, JsonValue] = {"colour": "blue", "deep": {"list": [1, None]}}
    # The same in each section: whatever has a schema meets a key that it does not know.
    sections: dict[str, dict[str, JsonValue]] = {
        name: {"of_another_tool": unknown}
        for name in ("polling", "workspace", "hooks", "agent", "codex", "of_another_tool")
    }
    sections["tracker"] = {"of_another_tool": unknown}
    lab.workflow("A prompt", **sections)
    life = await brief_life(lab, "unknown keys")
    with lab.judging("config.unknown_keys.ignored") as judge:
        judge.holds(life.polls, expected="it starts in spite of unknown keys", seen=life)

    begun = len(lab.sessions())
    text = lab.workflow("A prompt", tracker={"required_labels": ["no"]})
    lab.write_workflow(text.replace("- 'no'\n", "- no\n"))
    life = await brief_life(lab, "a plain no as a label", is_hopeful=True)
    with lab.judging("workflow.front_matter.scalars") as judge:
        names = [each.name for each in lab.sessions()[begun:]]
        right, wrong = map(issue.is_workspace, names), map(other.is_workspace, names)
        judge.holds(
            any(right) and not any(wrong), expected="the plain no is the label no", seen=life
        )

    # The rest is judged with a file that has nothing unusual but what is looked at.
    lab.write_workflow(lab.workflow(f"\n \n{BODY}\n\n  \n"))
    begun = len(lab.sessions(issue))
    await lab.start()
    session = await lab.at_gate(issue, begun + 1)
    prompt = session.prompts()[0]
    with lab.judging("workflow.front_matter.split") as judge:
        wanted = BODY.replace("{{ issue.identifier }}", issue.identifier)
        judge.contains(prompt, wanted, "the prompt")
    with lab.judging("workflow.body.trimmed") as judge:
        judge.equal(prompt, prompt.strip(), "the prompt")
    with lab.judging("workflow.file.self_contained") as judge:
        judge.equal(real(session.cwd).parent, real(lab.files.root), "where the agent works")
    with lab.judging("config.provider.preserved") as judge:
        scope = lab.tracker.board.scope
        requests = lab.tracker.requests()
        keys = {each.headers.get("authorization", "").split(" ")[-1] for each in requests}
        judge.equal(keys, {lab.secret}, "the credentials of the requests")
        asked = " ".join(f"{each.path} {each.variables} {each.query}" for each in requests)
        where = scope.repository or scope.project_slug or ""
        judge.holds(
            where in asked or all(part in asked for part in where.split("/")),
            expected=f"the requests name {where} as it was written",
            seen=asked[:500],
        )
    await lab.stop()

    lines = lab.workflow("Work on {{ issue.identifier }}\nand be quick").splitlines()
    lab.write_workflow("\ufeff" + "\r\n".join(lines) + "\r\n")
    life = await brief_life(lab, "a byte order mark and CRLF", is_hopeful=True)
    with lab.judging("workflow.front_matter.fence") as judge:
        judge.holds(life.prompts, expected="the file is read, and work begins", seen=life)
        judge.contains(life.prompts[0], "\nand be quick", "the prompt")

    lab.workflow("")
    life = await brief_life(lab, "an empty body")
    with lab.judging("template.body.fallback") as judge:
        judge.info(f"the prompt of an empty body is {life.prompts[0]!r}" if life.prompts else "")
