"""The front matter of WORKFLOW.md as models: every key, its rule, default and meaning.

The models are the source of the settings reference and of the JSON schema. They check one value at
a time and know neither files nor environment; `resolve` makes `Settings` of them. An empty value
(`key:`) counts as absent. Keys that are not here are ignored, with a warning by `validation`.
"""

from __future__ import annotations

from symphony.domain.settings import DEFAULT_SERVER_HOST
from symphony.workflow.rules import (
    AgentPolicy,
    Anything,
    Command,
    Count,
    CountOrNone,
    EnvironmentNames,
    Kind,
    Labels,
    Map,
    Milliseconds,
    MillisecondsOrOff,
    Name,
    OptionalMap,
    OptionalName,
    PathText,
    Port,
    Script,
    StateLimits,
    States,
    Switch,
)
from symphony.workflow.section import Section, key


class TrackerSection(Section):
    about = "Where issues come from, and which of them are worked on."

    kind: Kind = key(
        None,
        "Selects the tracker adapter. Required.",
        "files",
        default_words="none; required",
    )
    provider: Map = key(
        {},
        "Settings of the adapter, passed to it as they are written. Its page under "
        "`docs/trackers/` says which keys it has, and which of them take `$NAME`.",
        {"path": "./issues"},
    )
    required_labels: Labels = key(
        [],
        "An issue is worked on only while it has all of these labels, compared without case. A "
        "blank label matches no issue.",
        ["agent"],
    )
    active_states: States = key(
        None,
        "The states in which an issue is worked on, compared without case. An explicit `[]` means "
        "none.",
        ["Todo", "In Progress"],
        default_words="the adapter's; required where it has none",
    )
    terminal_states: States = key(
        None,
        "The states in which an issue is finished and its workspace is removed, compared without "
        "case. A state in both lists is terminal.",
        ["Done", "Cancelled"],
        default_words="the adapter's; required where it has none",
    )
    endpoint: Anything = key(
        None,
        "Older place of `tracker.provider.endpoint`.",
        "https://api.linear.app/graphql",
        default_words="none",
        older_form=True,
    )
    api_key: Anything = key(
        None,
        "Older place of `tracker.provider.api_key`.",
        "$LINEAR_API_KEY",
        default_words="none",
        older_form=True,
    )
    project_slug: Anything = key(
        None,
        "Older place of `tracker.provider.project_slug`.",
        "symphony-1a2b3c",
        default_words="none",
        older_form=True,
    )
    assignee: Anything = key(
        None,
        "Older place of `tracker.provider.assignee`.",
        "me",
        default_words="none",
        older_form=True,
    )
    team_key: Anything = key(
        None,
        "Older place of `tracker.provider.team_key`.",
        "ABC",
        default_words="none",
        older_form=True,
    )


class PollingSection(Section):
    about = "How often the tracker is asked."

    interval_ms: Milliseconds = key(30_000, "The pause between two ticks.", 30_000)


class WorkspaceSection(Section):
    about = "Where the directories are that agents work in."

    root: PathText = key(
        None,
        "The directory that holds one workspace per issue. Relative paths count from the directory "
        "of WORKFLOW.md, `~` is the home directory, `$NAME` a variable.",
        "~/symphony_workspaces",
        default_words="`symphony_workspaces` in the system's temporary directory",
    )


class HooksSection(Section):
    about = (
        "Shell scripts that run in the workspace. They get no tracker secret, unless `env` names "
        "its variable."
    )

    after_create: Script = key(
        None,
        "Runs once in a new workspace, to fill it. If it fails, the directory is removed and the "
        "attempt fails.",
        "git clone --quiet https://example.org/team/project.git .",
        default_words="none",
    )
    before_run: Script = key(
        None,
        "Runs before each attempt. If it fails, the attempt fails.",
        "git fetch --quiet",
        default_words="none",
    )
    after_run: Script = key(
        None,
        "Runs after each attempt, whatever came of it. A failure is logged.",
        "git status --short",
        default_words="none",
    )
    before_remove: Script = key(
        None,
        "Runs before a workspace is removed. A failure is logged, the workspace is removed.",
        "git push --quiet origin HEAD || true",
        default_words="none",
    )
    timeout_ms: Milliseconds = key(
        60_000,
        "How long a hook may take. Then it is ended with every process it started.",
        60_000,
    )
    env: EnvironmentNames = key(
        [],
        "Variables that hooks inherit although they are known to hold a tracker secret.",
        ["GITHUB_TOKEN"],
    )


class AgentSection(Section):
    about = "How many agents run, for how long, and how soon a failure is tried again."

    max_concurrent_agents: CountOrNone = key(
        10,
        "How many sessions run at once. 0 starts nothing new; what runs goes on.",
        3,
    )
    max_turns: Count = key(
        20,
        "How many turns one run may take while its issue stays active.",
        20,
    )
    max_retry_backoff_ms: Milliseconds = key(
        300_000,
        "The longest wait after a failure. Waits begin at 10 s and double.",
        300_000,
    )
    max_concurrent_agents_by_state: StateLimits = key(
        {},
        "A limit for single states, below the one for all. State names are compared without case. "
        "An entry that is no integer of at least 1 is ignored with a warning.",
        {"In Review": 1},
    )


class CodexSection(Section):
    about = (
        "The agent. The three policies are values of the agent's own schema, which `codex "
        "app-server generate-json-schema --out DIR` prints; they are passed on as they are written."
    )

    command: Command = key(
        "codex app-server",
        "The command that starts the agent, run by `bash -lc` in the workspace. Nothing in it is "
        "replaced beforehand.",
        "codex app-server",
    )
    model: OptionalName = key(
        None,
        "The model that the agent uses.",
        "gpt-5.5",
        default_words="the agent's own",
    )
    approval_policy: AgentPolicy = key(
        "never",
        "When the agent asks before it acts.",
        "never",
    )
    thread_sandbox: Name = key(
        "workspace-write",
        "The sandbox that the agent's commands run in.",
        "workspace-write",
    )
    turn_sandbox_policy: OptionalMap = key(
        None,
        "The sandbox in detail, given with each turn.",
        {"type": "workspaceWrite", "networkAccess": True},
        default_words="derived from `thread_sandbox`, with `.git` of the workspace writable",
    )
    auto_approve: Switch = key(
        False,
        "Accept the commands and file changes that the agent asks about all the same. Otherwise "
        "they are declined. Read docs/security.md first.",
        False,
    )
    turn_timeout_ms: Milliseconds = key(
        3_600_000,
        "How long a turn may go on without any output of the agent.",
        3_600_000,
    )
    read_timeout_ms: Milliseconds = key(
        5_000,
        "How long the agent may take to answer a request while a session starts.",
        10_000,
    )
    stall_timeout_ms: MillisecondsOrOff = key(
        300_000,
        "After how long without an event of the agent a run counts as stalled, is stopped, and is "
        "tried again. 0 or less switches this off.",
        300_000,
    )


class ServerSection(Section):
    about = "The HTTP interface, an extension. Off the loopback address it demands a token."

    port: Port = key(
        None,
        "The port. 0 takes a free one, which the log names. `--port` on the command line wins.",
        8080,
        applies="restart",
        default_words="no HTTP interface",
    )
    host: Name = key(
        DEFAULT_SERVER_HOST,
        "The address to listen on. One that is not loopback demands `server.token`.",
        "192.168.1.10",
        applies="restart",
    )
    token: OptionalName = key(
        None,
        "What clients have to show, as a bearer token or as the password of any user: 16 to 512 "
        "printable ASCII characters. Write `$NAME`: agents may be able to read this file.",
        "$SYMPHONY_TOKEN",
        applies="restart",
        default_words="none; required where `server.host` is not loopback",
    )


class FrontMatter(Section):
    """The root map of WORKFLOW.md."""

    tracker: TrackerSection = TrackerSection()
    polling: PollingSection = PollingSection()
    workspace: WorkspaceSection = WorkspaceSection()
    hooks: HooksSection = HooksSection()
    agent: AgentSection = AgentSection()
    codex: CodexSection = CodexSection()
    server: ServerSection = ServerSection()


def sections() -> dict[str, type[Section]]:
    """The sections by their key, in the order in which people read them."""
    found: dict[str, type[Section]] = {}
    for name, field in FrontMatter.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, Section):
            found[name] = annotation
    return found
