"""A fake Codex app-server: true to the protocol, steered by a script, strict about its input.

Standard library only, one file, run as a program. Its lines have the shapes that Codex 0.169 sends;
what it receives is checked against the order and the shapes that Codex takes. Where Codex would
refuse a message, it refuses it with the same words. Where Codex would silently do the wrong thing,
or not notice (an answer given twice, a message before `initialized`), that is a violation. Without
a desk, or when the script says `strict`, a violation ends it with exit code 70, so that no test
passes by luck; with a desk it is reported, and the session goes on as it would with Codex, so that
one defect hides no other.

Command line
    python app_server.py [--script FILE] [--journal FILE] [--control SOCKET] [anything else]
    python app_server.py --desk HOST:PORT [anything else]

    Anything else is ignored, so that the file can stand in for `codex` (`codex app-server -c ...`).
    A value may follow `=` or a space. Without a script, every turn calls the tool `issue_update`
    with {"state": "Done"} if that tool was offered, says something, reports usage and rate limits,
    and completes.

Journal
    JSON objects, one a line, appended: {"event": "start", "pid", "cwd", "argv", "environment"},
    {"event": "received", "message"}, {"event": "answered", "method", "id", "result" or "error"},
    {"event": "violation", "kind", "text"},
    {"event": "refused", "method", "id", "text", "scripted"}, {"event": "child", "pid"},
    {"event": "ran", "command", "code", "output"}, {"event": "gate", "name"},
    {"event": "gate_left", "name", "opened"}, {"event": "defect", "text"} (this program or its
    script is wrong; exit code 72), {"event": "end", "reason", "code"}.
    Kinds of violations: `malformed`, `order`, `reused_id`, `answer`, `answered_twice`,
    `directory`.

Desk
    A TCP connection that replaces all three files. Every event of the journal goes there as a line
    when it happens, and also {"event": "sent", "message"} or {"event": "sent", "raw", "bytes"}
    before the first byte of it goes out. That has "tell_when_noted": only after the desk's answer,
    {"noted": NUMBER}, it is written, so that on one clock nothing is answered before it was sent.
    The first line is the event `start`; the desk sends {"script": SCRIPT}. Whenever it likes, it
    sends {"go": NAME}, which opens a gate once, and steps, {"do": NAME, ...}, which are done at
    once. The end of the connection ends the process.

Control socket
    A Unix socket on which the test listens. The step `gate` sends {"gate": NAME, "pid", "cwd"} and
    waits for {"go": NAME}. Meanwhile messages are handled as ever: an interrupt ends the turn. That
    is how silence is made, and how a test knows that a point is reached, without any time.

Script
    A JSON object; every member may be missing.
    "turns"              list of lists of steps, one list for each turn; more turns than lists
                         follow the last list. An empty list is a turn that completes at once.
    "before_initialize"  steps before the answer to `initialize`
    "before_thread"      steps after `initialized`, before the answer to `thread/start` or resume
    "after_thread"       steps after that answer
    "refuse"             {"METHOD": "message"}: these requests are refused with -32600
    "silent"             ["METHOD", ...]: these requests get no answer
    "answers"            {"METHOD": result}: what requests are answered that nothing depends on
    "thread_id"          the id of the thread
    "resumed_usage"      {"input", "output"}: the old totals that `thread/resume` sends (default
                         1000 and 100)
    "ignore_end"         true: the end of standard input does not end the process
    "ignore_term"        true: neither does SIGTERM
    "strict"             whether violations end the process; default: when there is no desk
    "pause_ms"           rest between a response and what follows it, in milliseconds; the default
                         is 30 with a desk and 0 without. What happens when both arrive in one read
                         is to be probed by `together`, and not by chance.

Steps: {"do": NAME, ...}
    message {text}                  the agent says something
    tool {tool, arguments, namespace}   calls a tool and waits for the answer
    tools {calls: [{tool, arguments}]}  calls several at once and waits for all answers
    approve_command {command, offered}, approve_file, permissions {reason}, mcp_approval {message},
    user_input {questions}, elicitation {message, schema}, old_command, old_patch
                                    ask, and wait for the answer
    ask {method, params, id, wait}  any request; `id` may be a string, `wait` false goes on
    usage {input, output, thread, turn, older}  token totals (absolute); `older`: snake_case
    rate_limits {limits}            default: all values; give a sparse object to test merging
    subagent {status, usage}        a whole turn of a sub-agent thread
    foreign_end {thread, turn, status}  `turn/completed` with other ids, default: another turn
    error {message, retry}          an `error` notification
    fail {message, kind}            the turn ends as failed
    completed                       says that the turn is complete, and goes on with the steps
    interrupted                     the turn ends as interrupted
    end {status, method}            the turn ends in some other way (`turn/failed`, no status)
    config_warning {summary, details, path}
    notify {method, params}         any notification
    run {command}                   a real shell command in the working directory
    gate {name}                     see above
    chatter {name, interval_ms, kind}   a gate at which it goes on talking: `kind` is `output`
                                    (default), `reconnect` (notices of retries) or `errors` (stderr)
    together                        first step: the answer to `turn/start` and everything up to the
                                    end of the turn go out in one write
    end_first                       first step: the turn ends before `turn/start` is answered
    split {text}                    a message whose line is written byte by byte
    long_line {bytes}               a valid notification of exactly that many bytes
    raw {text} or {hex}, {stream}   bytes as they are; `stream` is stdout (default) or stderr
    stderr_flood {bytes}            noise on standard error
    noise {seconds}                 lines on standard error, many a second, for that long
    stderr_completion               a perfect `turn/completed`, on standard error
    grandchild {seconds, own_session}   a child that holds both outputs open, in a session of its
                                    own unless that is false
    close_output                    closes standard output, goes on
    exit {code}, kill               ends the process at once; `kill` by SIGKILL
    crash_mid_line                  writes half a message and exits with 1
    forget_interrupt                from here on interrupts are acknowledged and not obeyed
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Generator, Iterable
from typing import NoReturn, cast

Json = dict[str, object]
VIOLATION_EXIT = 70
LOST_DESK_EXIT = 71
DEFECT_EXIT = 72
DESK_PAUSE_MS = 30
# Seconds to wait until the desk has noted something; it stops an agent whose desk hangs.
NOTED_WITHIN = 30.0
# Characters of a sent message that the journal keeps; a flood is told by its size.
LARGEST_TOLD = 65_536
INVALID_PARAMS = -32602
INVALID_REQUEST = -32600
MAX_INPUT_CHARACTERS = 1_048_576
TOO_LONG = "Input exceeds the maximum length"
METHODS = (
    "initialize",
    "thread/start",
    "thread/resume",
    "thread/name/set",
    "turn/start",
    "turn/interrupt",
)
TOOL_NAME = re.compile(r"(?!mcp__)[A-Za-z0-9_-]{1,128}")
NO_ITEMS: Json = {"data": [], "nextCursor": None}
# What a client may well ask besides; nothing depends on the answers.
PERIPHERAL: dict[str, Json] = {
    "account/read": {"account": None, "requiresOpenaiAuth": False},
    "config/read": {"config": {}, "origins": {}},
    "model/list": NO_ITEMS,
    "skills/list": NO_ITEMS,
    "thread/archive": {},
    "thread/list": NO_ITEMS,
    "thread/loaded/list": NO_ITEMS,
    "thread/metadata/update": {},
    "thread/turns/list": NO_ITEMS,
    "thread/unarchive": {},
    "thread/unsubscribe": {},
}
SANDBOX_MODES = ("read-only", "workspace-write", "danger-full-access")
APPROVAL_POLICIES = ("untrusted", "on-request", "granular", "never")
SANDBOX_POLICIES = ("dangerFullAccess", "readOnly", "externalSandbox", "workspaceWrite")
APPROVAL_DECISIONS = {"accept", "acceptForSession", "decline", "cancel"}
OLDER_DECISIONS = {"approved", "approved_for_session", "denied", "abort"}
FULL_LIMITS: Json = {
    "limitId": "codex",
    "limitName": None,
    "primary": {"usedPercent": 43, "windowDurationMins": 300, "resetsAt": 1795225530},
    "secondary": {"usedPercent": 7, "windowDurationMins": 10080, "resetsAt": 1795308330},
    "credits": {"hasCredits": True, "unlimited": False, "balance": "12.5"},
    "planType": None,
    "rateLimitReachedType": None,
}


class InterruptedTurnError(Exception):
    """The client interrupted the turn."""


class EndedTurnError(Exception):
    """A step ended the turn."""


def as_object(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def as_text(value: object, default: str = "") -> str:
    return value if isinstance(value, str) else default


def as_number(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


class Options:
    """The command line."""

    def __init__(self, arguments: list[str]) -> None:
        self.script = self.journal = self.control = self.desk = ""
        words = iter(arguments)
        for word in words:
            name, _, value = word.partition("=")
            if name in {"--script", "--journal", "--control", "--desk"}:
                setattr(self, name[2:], value or next(words, ""))


class Journal:
    """What happened, for the test to read."""

    def __init__(self, path: str, desk: Desk | None) -> None:
        self.path = path
        self.desk = desk

    def write(self, event: str, **members: object) -> None:
        if self.desk is not None:
            self.desk.tell({"event": event, **members})
        if self.path:
            line = json.dumps({"event": event, **members}) + "\n"
            with open(self.path, "ab", buffering=0) as file:
                file.write(line.encode())

    def sent(self, **members: object) -> None:
        """Something is about to go out. Only a desk wants to know."""
        if self.desk is not None:
            self.desk.tell_and_wait({"event": "sent", **members})


class Desk:
    """The scenario's end. A connection that breaks ends the process."""

    def __init__(self, address: str, inbox: queue.Queue[Json]) -> None:
        host, _, port = address.rpartition(":")
        self.inbox = inbox
        self.lock = threading.Lock()
        self.noted = threading.Condition()
        self.last_noted = self.last_asked = 0
        try:
            self.socket = socket.create_connection((host, int(port)), timeout=NOTED_WITHIN)
        except (OSError, ValueError) as error:
            os.write(2, f"fake agent: no desk at {address}: {error}\n".encode())
            os._exit(LOST_DESK_EXIT)
        self.socket.settimeout(None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lines = self.socket.makefile("rb")

    def begin(self, event: Json) -> Json:
        """Report, and get the script."""
        self.tell(event)
        while True:
            line = self.lines.readline()
            if not line:
                os._exit(LOST_DESK_EXIT)
            message = as_object(json.loads(line))
            if "script" in message:
                threading.Thread(target=self.read, daemon=True).start()
                return as_object(message["script"])
            self.inbox.put(message)

    def tell(self, event: Json) -> None:
        line = json.dumps(event).encode() + b"\n"
        try:
            with self.lock:
                self.socket.sendall(line)
        except OSError:
            os._exit(LOST_DESK_EXIT)

    def tell_and_wait(self, event: Json) -> None:
        with self.noted:
            self.last_asked += 1
            number = self.last_asked
        self.tell({**event, "tell_when_noted": number})
        with self.noted:
            if not self.noted.wait_for(lambda: self.last_noted >= number, NOTED_WITHIN):
                os._exit(LOST_DESK_EXIT)

    def read(self) -> None:
        try:
            for line in self.lines:
                message = as_object(json.loads(line))
                if "noted" in message:
                    with self.noted:
                        self.last_noted = as_number(message["noted"], 0)
                        self.noted.notify_all()
                else:
                    self.inbox.put(message)
        except OSError:
            pass
        os._exit(LOST_DESK_EXIT)


class Output:
    """Standard output; `hold` collects what `release` writes at once."""

    def __init__(self, journal: Journal) -> None:
        self.held: bytearray | None = None
        self.journal = journal
        self.pause_s = 0.0
        self.responded = False

    def write(self, data: bytes) -> None:
        if self.held is not None:
            self.held += data
            return
        view = memoryview(data)
        while view:
            view = view[os.write(1, view) :]

    def hold(self) -> None:
        self.held = bytearray()

    def release(self) -> None:
        if self.held is not None:
            data, self.held = bytes(self.held), None
            self.write(data)

    def message(self, message: Json) -> None:
        self.rest()
        text = json.dumps(message, ensure_ascii=False)
        self.told(message, len(text))
        self.responded = "method" not in message
        self.write(text.encode() + b"\n")

    def rest(self) -> None:
        """Most clients lose what arrives together with a response; one check is enough for that."""
        if self.responded and self.held is None:
            time.sleep(self.pause_s)
        self.responded = False

    def told(self, message: Json, size: int) -> None:
        if size > LARGEST_TOLD:
            head = {name: message[name] for name in ("method", "id") if name in message}
            self.journal.sent(message=head, bytes=size)
        else:
            self.journal.sent(message=message)

    def raw(self, data: bytes, stream: str) -> None:
        """Bytes as they are, on `stdout` or `stderr`."""
        text = data[:200].decode(errors="replace")
        self.journal.sent(raw=text, bytes=len(data), stream=stream)
        if stream == "stderr":
            _write_all(2, data)
        else:
            self.rest()
            self.write(data)


class Control:
    """The test's end of the gates."""

    def __init__(self, path: str, inbox: queue.Queue[Json]) -> None:
        self.socket: socket.socket | None = None
        if path:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(path)
            threading.Thread(target=self._read, args=(self.socket, inbox), daemon=True).start()

    def _read(self, connection: socket.socket, inbox: queue.Queue[Json]) -> None:
        with connection.makefile("rb") as lines:
            for line in lines:
                inbox.put({"go": as_object(json.loads(line)).get("go")})

    def announce(self, name: str) -> None:
        if self.socket is None:
            return
        line = json.dumps({"gate": name, "pid": os.getpid(), "cwd": os.getcwd()}) + "\n"
        self.socket.sendall(line.encode())


class Checks:
    """What Codex takes. Gives the words of a refusal, or None."""

    def thread(self, params: Json, *, resume: bool, experimental: bool) -> str | None:
        method = "thread/resume" if resume else "thread/start"
        if not experimental and params.get("dynamicTools") is not None:
            return f"{method}.dynamicTools requires experimentalApi capability"
        if not experimental and "granular" in as_object(params.get("approvalPolicy")):
            return "askForApproval.granular requires experimentalApi capability"
        if resume and not as_text(params.get("threadId")):
            return "Invalid request: missing field `threadId`"
        cwd = params.get("cwd")
        if cwd is not None and not isinstance(cwd, str):
            kind = "integer " if isinstance(cwd, int) else ""
            return f"Invalid request: invalid type: {kind}`{json.dumps(cwd)}`, expected a string"
        policy = self.approval(params.get("approvalPolicy"))
        mode = params.get("sandbox", SANDBOX_MODES[0])
        if mode not in SANDBOX_MODES:
            return policy or _unknown_variant(mode, SANDBOX_MODES)
        return policy or self.tools(params.get("dynamicTools"))

    def approval(self, policy: object) -> str | None:
        if policy is None or policy in ("untrusted", "on-request", "never"):
            return None
        names = list(as_object(policy)) or [policy]
        return None if names == ["granular"] else _unknown_variant(names[0], APPROVAL_POLICIES)

    def tools(self, tools: object) -> str | None:
        for tool in map(as_object, as_list(tools)):
            if tool.get("type") != "function":
                return "Invalid request: missing field `type`"
            if not TOOL_NAME.fullmatch(as_text(tool.get("name"))):
                return f"Invalid request: dynamic tool name {tool.get('name')!r}"
            if not isinstance(tool.get("description"), str) or "inputSchema" not in tool:
                return "Invalid request: missing field `inputSchema` or `description`"
        return None

    def turn(self, params: Json) -> str | None:
        texts: list[str] = []
        for entry in map(as_object, as_list(params.get("input"))):
            if entry.get("type") != "text" or not isinstance(entry.get("text"), str):
                return "Invalid request: input must be text"
            texts.append(as_text(entry.get("text")))
        if sum(map(len, texts)) > MAX_INPUT_CHARACTERS:
            return TOO_LONG
        sandbox = params.get("sandboxPolicy")
        if sandbox is not None and as_object(sandbox).get("type") not in SANDBOX_POLICIES:
            return _unknown_variant(as_object(sandbox).get("type"), SANDBOX_POLICIES)
        roots = as_list(as_object(sandbox).get("writableRoots"))
        if any(not os.path.isabs(as_text(root)) for root in roots):
            return "Invalid request: AbsolutePathBuf deserialized without a base path"
        return self.approval(params.get("approvalPolicy"))

    def answer(self, method: str, result: Json) -> str | None:
        """What is wrong with an answer of the client's."""
        decision = result.get("decision")
        if method == "item/tool/call":
            items = list(map(as_object, as_list(result.get("contentItems"))))
            good = isinstance(result.get("success"), bool) and all(
                item.get("type") == "inputText" and isinstance(item.get("text"), str)
                for item in items
            )
        elif method in {"item/commandExecution/requestApproval", "item/fileChange/requestApproval"}:
            good = decision in APPROVAL_DECISIONS
        elif method in {"execCommandApproval", "applyPatchApproval"}:
            good = decision in OLDER_DECISIONS
        elif method == "item/permissions/requestApproval":
            good = isinstance(result.get("permissions"), dict)
        elif method == "item/tool/requestUserInput":
            good = isinstance(result.get("answers"), dict)
        elif method == "mcpServer/elicitation/request":
            good = result.get("action") in {"accept", "decline", "cancel"}
        else:
            good = True
        return None if good else f"a wrong answer to {method}: {json.dumps(result)}"


def _unknown_variant(name: object, known: Iterable[str]) -> str:
    names = ", ".join(f"`{entry}`" for entry in known)
    return f"Invalid request: unknown variant `{name}`, expected one of {names}"


class FakeAgent:
    """The app-server. Everything but reading happens in the main thread."""

    def __init__(self, options: Options) -> None:
        self.inbox: queue.Queue[Json] = queue.Queue()
        desk = Desk(options.desk, self.inbox) if options.desk else None
        self.journal = Journal(options.journal, desk)
        self.script = self.report_start(options, desk)
        self.known = {
            *METHODS,
            *PERIPHERAL,
            *as_object(self.script.get("refuse")),
            *as_list(self.script.get("silent")),
        }
        self.strict = self.script.get("strict", desk is None) is True
        self.steerable = desk is not None or bool(options.control)
        self.output = Output(self.journal)
        pause_ms = as_number(self.script.get("pause_ms"), 0 if desk is None else DESK_PAUSE_MS)
        self.output.pause_s = pause_ms / 1000
        self.control = Control(options.control, self.inbox)
        self.checks = Checks()
        self.gone: set[object] = set()
        self.seen_ids: set[object] = set()
        self.open: dict[object, str] = {}
        self.closed: dict[object, str] = {}
        self.answers: dict[object, Json] = {}
        self.asked: dict[object, str] = {}
        self.next_id = 0
        self.initialize_seen = self.initialized = self.stubborn = False
        self.experimental = self.early_noted = False
        self.thread = self.turn = ""
        self.cwd = ""
        self.tools: set[str] = set()
        self.turns = 0
        self.used = (0, 0)
        self.name = ""

    # Life.

    def report_start(self, options: Options, desk: Desk | None) -> Json:
        """Report; gives the script."""
        about: Json = {
            "pid": os.getpid(),
            "ppid": os.getppid(),
            "cwd": os.getcwd(),
            "argv": sys.argv[1:],
            "environment": {name: _printable(value) for name, value in os.environ.items()},
        }
        if desk is not None:
            return desk.begin({"event": "start", **about})
        self.journal.write("start", **about)
        if not options.script:
            return {}
        with open(options.script, encoding="utf-8") as file:
            return as_object(json.load(file))

    def run(self) -> NoReturn:
        ignored = self.script.get("ignore_term") is True
        signal.signal(signal.SIGTERM, signal.SIG_IGN if ignored else self.on_term)
        threading.Thread(target=self.read_input, daemon=True).start()
        try:
            while True:
                # A step of the desk's that ends turns may come when there is none.
                with contextlib.suppress(EndedTurnError, InterruptedTurnError):
                    self.handle(self.inbox.get())
        except BaseException:
            self.defect(traceback.format_exc())

    def defect(self, text: str) -> NoReturn:
        """This program, or its script, is wrong: not what is being tested."""
        self.journal.write("defect", text=text)
        os.write(2, text.encode(errors="replace"))
        self.leave("defect", DEFECT_EXIT)

    def on_term(self, *_: object) -> None:
        # Not here: the main thread may be in the middle of a line to the desk.
        threading.Thread(target=self.leave, args=("SIGTERM", 0), daemon=True).start()

    def read_input(self) -> None:
        buffer = b""
        while data := os.read(0, 65536):
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                self.inbox.put({"line": line})
        if self.script.get("ignore_end") is not True:
            self.leave("end of input", 0)
        self.journal.write("ignored end")

    def leave(self, reason: str, code: int) -> NoReturn:
        self.journal.write("end", reason=reason, code=code)
        os._exit(code)

    def violation(self, kind: str, text: str) -> None:
        """Does not return where the agent is strict; elsewhere what Codex would do follows."""
        self.journal.write("violation", kind=kind, text=text)
        if self.strict:
            os.write(2, f"fake agent: violation: {text}\n".encode())
            self.leave("violation", VIOLATION_EXIT)

    # Input.

    def handle(self, entry: Json) -> None:
        if "go" in entry:
            self.gone.add(entry["go"])
        elif "do" in entry:
            self.step(entry)
        else:
            self.handle_line(cast("bytes", entry["line"]))

    def handle_line(self, line: bytes) -> None:
        try:
            message: object = json.loads(line.decode())
        except UnicodeDecodeError:
            self.violation("malformed", f"not JSON, not even UTF-8: {line[:200]!r}")
            self.leave("invalid UTF-8 on standard input", 1)
        except (ValueError, RecursionError):
            self.violation("malformed", f"not JSON: {line[:200]!r}")
            return
        if not isinstance(message, dict):
            self.violation("malformed", f"not an object: {line[:200]!r}")
            return
        received = cast("Json", message)
        self.journal.write("received", message=received)
        if "method" in received:
            self.handle_call(received)
        else:
            self.handle_answer(received)

    def handle_answer(self, message: Json) -> None:
        request_id = message.get("id")
        known = isinstance(request_id, (int, str))
        method = self.open.pop(request_id, None) if known else None
        if method is None:
            again = known and request_id in self.closed
            text = f"an answer to no open request: {json.dumps(message)[:300]}"
            self.violation("answered_twice" if again else "answer", text)
            return
        self.closed[request_id] = method
        if "result" in message:
            wrong = self.checks.answer(method, as_object(message["result"]))
            if wrong:
                self.violation("answer", wrong)
        elif not isinstance(as_object(message.get("error")).get("code"), int):
            self.violation("answer", "an answer with neither result nor error code")
        answer: Json = {key: message[key] for key in ("result", "error") if key in message}
        self.journal.write("answered", method=method, id=request_id, **answer)
        self.answers[request_id] = answer
        if method != "item/tool/call":
            resolved: Json = {"threadId": self.thread, "requestId": request_id}
            self.notify("serverRequest/resolved", resolved)

    def handle_call(self, message: Json) -> None:
        method = as_text(message.get("method"))
        if "id" not in message:
            if method != "initialized" or not self.initialize_seen or self.initialized:
                self.violation("order", f"the notification {method} does not belong here")
            self.initialized = self.initialized or method == "initialized"
            return
        request_id = message["id"]
        if not isinstance(request_id, (int, str)) or isinstance(request_id, bool):
            self.violation("malformed", f"the request id {request_id!r} is no text or number")
            return
        if request_id in self.seen_ids:
            self.violation("reused_id", f"the request id {request_id!r} is not new")
        self.seen_ids.add(request_id)
        self.asked[request_id] = method
        # Codex looks at these in the same order, before anything else.
        if method not in self.known:
            self.refuse(request_id, _unknown_variant(method, METHODS))
        elif "params" not in message:
            self.refuse(request_id, "Invalid request: missing field `params`")
        else:
            self.handle_request(request_id, method, as_object(message["params"]))

    def handle_request(self, request_id: object, method: str, params: Json) -> None:
        if method == "initialize":
            self.initialize(request_id, params)
            return
        if not self.initialize_seen:
            self.refuse(request_id, "Not initialized")
            return
        if not self.initialized and not self.early_noted:
            self.early_noted = True
            self.violation("order", f"{method} was sent before `initialized`")
        known: dict[str, Callable[[object, Json], None]] = {
            "thread/start": self.thread_start,
            "thread/resume": self.thread_resume,
            "thread/name/set": self.thread_name,
            "turn/start": self.turn_start,
            "turn/interrupt": self.turn_interrupt,
        }
        handler = known.get(method)
        refusal = as_object(self.script.get("refuse")).get(method)
        if isinstance(refusal, str):
            self.refuse(request_id, refusal, scripted=True)
        elif method in as_list(self.script.get("silent")):
            return
        elif handler is not None:
            handler(request_id, params)
        else:
            scripted = as_object(self.script.get("answers")).get(method)
            self.respond(request_id, as_object(scripted) or PERIPHERAL.get(method, {}))

    def initialize(self, request_id: object, params: Json) -> None:
        if self.initialize_seen:
            self.refuse(request_id, "Already initialized")
            return
        client = as_object(params.get("clientInfo"))
        if not as_text(client.get("name")) or not isinstance(client.get("version"), str):
            self.violation("malformed", "initialize without clientInfo.name and version")
            lacking = next((name for name in ("name", "version") if name not in client), "name")
            lacking = lacking if "clientInfo" in params else "clientInfo"
            self.refuse(request_id, f"Invalid request: missing field `{lacking}`")
            return
        given = as_object(params.get("capabilities")).get("experimentalApi")
        self.experimental = given is True
        if self.strict and not self.experimental:
            self.violation("order", "dynamic tools need capabilities.experimentalApi")
        self.initialize_seen = True
        self.steps("before_initialize")
        if "initialize" in as_list(self.script.get("silent")):
            return
        self.respond(
            request_id,
            {
                "userAgent": f"{client['name']}/0.169.0 (fake)",
                "codexHome": "/nonexistent",
                "platformFamily": "unix",
                "platformOs": "linux",
            },
        )
        self.notify(
            "remoteControl/status/changed",
            {
                "status": "disabled",
                "serverName": "fake",
                "installationId": str(uuid.UUID(int=0)),
                "environmentId": None,
            },
        )

    def thread_start(self, request_id: object, params: Json) -> None:
        self.open_thread(request_id, params, resume=False)

    def thread_resume(self, request_id: object, params: Json) -> None:
        self.open_thread(request_id, params, resume=True)

    def open_thread(self, request_id: object, params: Json, *, resume: bool) -> None:
        if self.thread and self.strict:
            self.violation("order", "a second thread in one session")
        self.steps("before_thread")
        refusal = self.checks.thread(params, resume=resume, experimental=self.experimental)
        if refusal:
            self.refuse(request_id, refusal)
            return
        if os.path.realpath(as_text(params.get("cwd"))) != os.path.realpath(os.getcwd()):
            text = f"cwd {params.get('cwd')!r} is not the directory of the process"
            self.violation("directory", text)
        wanted = as_text(self.script.get("thread_id"), str(uuid.uuid4()))
        if self.thread:
            wanted = str(uuid.uuid4())
        self.cwd = as_text(params.get("cwd")) or os.getcwd()
        self.thread = as_text(params.get("threadId"), wanted)
        tools = map(as_object, as_list(params.get("dynamicTools")))
        self.tools = {as_text(tool.get("name")) for tool in tools}
        thread = self.describe_thread()
        self.respond(
            request_id,
            {
                "thread": thread,
                "model": "fake-model",
                "modelProvider": "fake",
                "cwd": self.cwd,
                "approvalPolicy": params.get("approvalPolicy"),
                "approvalsReviewer": "user",
                "serviceTier": None,
                "instructionSources": [],
                "reasoningEffort": None,
                "sandbox": {"type": "readOnly", "networkAccess": False},
            },
        )
        if resume:
            self.tell_resumed_usage()
        else:
            self.notify("thread/started", {"thread": thread})
        self.steps("after_thread")

    def describe_thread(self) -> Json:
        now = int(time.time())
        absent = ("forkedFromId", "parentThreadId", "projectId", "reasoningEffort", "threadSource")
        return {
            "id": self.thread,
            "sessionId": self.thread,
            "preview": "",
            "ephemeral": False,
            "historyMode": "paginated",
            "modelProvider": "fake",
            "model": "fake-model",
            "createdAt": now,
            "updatedAt": now,
            "recencyAt": now,
            "status": {"type": "idle"},
            "path": None,
            "cwd": self.cwd,
            "cliVersion": "0.169.0",
            "originator": "symphony",
            "source": "vscode",
            "gitInfo": None,
            "name": None,
            "turns": [],
            **dict.fromkeys(absent),
        }

    def tell_resumed_usage(self) -> None:
        old = as_object(self.script.get("resumed_usage"))
        self.used = (as_number(old.get("input"), 1000), as_number(old.get("output"), 100))
        self.step_usage({"turn": str(uuid.uuid4())})

    def thread_name(self, request_id: object, params: Json) -> None:
        if params.get("threadId") != self.thread or not isinstance(params.get("name"), str):
            self.violation("malformed", "thread/name/set needs our threadId and a name")
            self.refuse(request_id, self.lacking(params, "threadId", "name"))
            return
        self.respond(request_id, {})
        self.notify("thread/name/updated", {"threadId": self.thread, "threadName": params["name"]})

    def turn_interrupt(self, request_id: object, params: Json) -> None:
        if not self.thread or params.get("threadId") != self.thread:
            self.refuse(request_id, self.lacking(params, "threadId", "turnId"))
            return
        if not self.turn or params.get("turnId") != self.turn:
            self.refuse(request_id, "no active turn to interrupt")
            return
        self.respond(request_id, {})
        if not self.stubborn:
            raise InterruptedTurnError

    # A turn.

    def turn_start(self, request_id: object, params: Json) -> None:
        if not self.thread or params.get("threadId") != self.thread or "input" not in params:
            self.refuse(request_id, self.lacking(params, "threadId", "input"))
            return
        refusal = self.checks.turn(params)
        if refusal:
            too_long = refusal == TOO_LONG
            self.refuse(request_id, refusal, code=INVALID_PARAMS if too_long else INVALID_REQUEST)
            return
        cwd = params.get("cwd")
        if cwd is not None and os.path.realpath(as_text(cwd)) != os.path.realpath(self.cwd):
            self.violation("directory", f"cwd {cwd!r} of the turn is not that of the thread")
        if self.turn:
            self.respond(request_id, {"turn": self.describe_turn("inProgress")})
            return
        self.turn = str(uuid.uuid4())
        steps = self.turn_steps()
        self.turns += 1
        parts = map(as_object, as_list(params["input"]))
        self.play(request_id, "".join(as_text(part.get("text")) for part in parts), steps)

    def lacking(self, params: Json, *fields: str) -> str:
        """Why Codex refuses: a field is missing, or the thread is none of its own."""
        for field in fields:
            if not isinstance(params.get(field), (str, list)):
                return f"Invalid request: missing field `{field}`"
        return f"thread not found: {params.get('threadId')}"

    def turn_steps(self) -> list[Json]:
        lists = as_list(self.script.get("turns"))
        if "turns" not in self.script or not lists:
            return self.default_steps()
        return list(map(as_object, as_list(lists[min(self.turns, len(lists) - 1)])))

    def default_steps(self) -> list[Json]:
        call: Json = {"do": "tool", "tool": "issue_update", "arguments": {"state": "Done"}}
        told: list[Json] = [
            {"do": "message", "text": "The issue is done."},
            {"do": "usage", "input": 1000, "output": 100},
            {"do": "rate_limits"},
        ]
        return [call, *told] if "issue_update" in self.tools else told

    def play(self, request_id: object, prompt: str, steps: list[Json]) -> None:
        first = as_text(steps[0].get("do")) if steps else ""
        if first == "end_first":
            self.complete("completed")
        if first == "together":
            self.output.hold()
        answer = self.describe_turn("inProgress")
        if first == "end_first":
            self.turn = ""
        self.respond(request_id, {"turn": answer})
        if not self.turn:
            return
        try:
            self.begin(prompt)
            for step in steps:
                self.step(step)
            self.complete("completed")
        except InterruptedTurnError:
            self.complete("interrupted")
        except EndedTurnError:
            pass
        self.output.release()
        self.turn = ""

    def begin(self, prompt: str) -> None:
        self.status("active")
        turn = self.describe_turn("inProgress")
        self.notify("turn/started", {"threadId": self.thread, "turn": turn})
        item: Json = {"type": "userMessage", "content": [{"type": "text", "text": prompt[:200]}]}
        self.item(item)

    def complete(self, status: str, error: Json | None = None) -> None:
        self.status("idle")
        turn = self.describe_turn(status, error)
        self.notify("turn/completed", {"threadId": self.thread, "turn": turn})

    def describe_turn(self, status: str, error: Json | None = None) -> Json:
        return {
            "id": self.turn,
            "rootTurnId": self.turn,
            "items": [],
            "itemsView": "notLoaded",
            "status": status,
            "error": error,
            "startedAt": None,
            "completedAt": None,
            "durationMs": None,
        }

    # Output.

    def respond(self, request_id: object, result: Json) -> None:
        self.output.message({"id": request_id, "result": result})

    def refuse(
        self,
        request_id: object,
        message: str,
        *,
        code: int = INVALID_REQUEST,
        scripted: bool = False,
    ) -> None:
        about: Json = {"method": self.asked.get(request_id), "id": request_id, "text": message}
        self.journal.write("refused", **about, scripted=scripted)
        self.output.message({"error": {"code": code, "message": message}, "id": request_id})

    def notify(self, method: str, params: Json) -> None:
        now = int(time.time() * 1000)
        self.output.message({"method": method, "params": params, "emittedAtMs": now})

    def status(self, kind: str) -> None:
        status: Json = {"type": kind} if kind == "idle" else {"type": kind, "activeFlags": []}
        self.notify("thread/status/changed", {"threadId": self.thread, "status": status})

    def item(self, item: Json) -> None:
        self.item_event("item/started", item)
        self.item_event("item/completed", item)

    def item_event(self, method: str, item: Json) -> None:
        item.setdefault("id", f"item_{uuid.uuid4().hex[:24]}")
        time_name = "startedAtMs" if method == "item/started" else "completedAtMs"
        now = int(time.time() * 1000)
        self.notify(method, {"item": item, **self.place(), time_name: now})

    def place(self) -> Json:
        return {"threadId": self.thread, "turnId": self.turn}

    def ask(self, method: str, params: Json, request_id: object = None) -> object:
        if request_id is None:
            request_id, self.next_id = self.next_id, self.next_id + 1
        self.open[request_id] = method
        # Codex puts the method first here, and no emittedAtMs.
        self.output.message({"method": method, "id": request_id, "params": params})
        return request_id

    def wait_for(self, done: Callable[[], bool]) -> None:
        while not done():
            self.handle(self.inbox.get())

    def ask_and_wait(self, method: str, params: Json, request_id: object = None) -> Json:
        asked = self.ask(method, {**self.place(), **params}, request_id)
        self.wait_for(lambda: asked in self.answers)
        return self.answers.pop(asked)

    # Steps.

    def steps(self, name: str) -> None:
        for step in map(as_object, as_list(self.script.get(name))):
            self.step(step)

    def step(self, step: Json) -> None:
        name = as_text(step.get("do"))
        handler = getattr(self, f"step_{name}", None)
        if handler is None:
            raise LookupError(f"fake agent: there is no step {name!r}")
        cast("Callable[[Json], None]", handler)(step)

    def step_message(self, step: Json) -> None:
        text = as_text(step.get("text"), "Done.")
        item: Json = {"type": "agentMessage", "text": "", "phase": None}
        self.item_event("item/started", item)
        delta: Json = {**self.place(), "itemId": item["id"], "delta": text}
        self.notify("item/agentMessage/delta", delta)
        self.item_event("item/completed", {**item, "text": text})

    def step_tool(self, step: Json) -> None:
        call, item = self.tool_call(step)
        self.item_event("item/started", item)
        answer = self.ask_and_wait("item/tool/call", call)
        result = as_object(answer.get("result"))
        self.item_event("item/completed", {**item, "status": "completed", **result})

    def tool_call(self, step: Json) -> tuple[Json, Json]:
        what: Json = {
            "namespace": step.get("namespace"),
            "tool": as_text(step.get("tool"), "issue_update"),
            "arguments": step.get("arguments", {}),
        }
        call_id = f"call_{uuid.uuid4().hex[:24]}"
        item: Json = {"type": "dynamicToolCall", "id": call_id, **what, "status": "inProgress"}
        return {"callId": call_id, **what}, item

    def step_tools(self, step: Json) -> None:
        asked: list[object] = []
        for call in map(as_object, as_list(step.get("calls"))):
            params, _ = self.tool_call(call)
            asked.append(self.ask("item/tool/call", {**self.place(), **params}))
        self.wait_for(lambda: all(request_id in self.answers for request_id in asked))

    def step_approve_command(self, step: Json) -> None:
        command = as_text(step.get("command"), "/bin/bash -lc 'make test'")
        offered = step.get("offered", ["accept", "cancel"])
        params: Json = {
            "kind": "command",
            "itemId": f"call_{uuid.uuid4().hex[:24]}",
            "startedAtMs": int(time.time() * 1000),
            "environmentId": "local",
            "command": command,
            "cwd": self.cwd,
            "commandActions": [{"type": "unknown", "command": command}],
            "availableDecisions": offered,
        }
        answer = self.ask_and_wait("item/commandExecution/requestApproval", params)
        self.obey_decision(answer)

    def step_approve_file(self, step: Json) -> None:
        del step
        params: Json = {
            "itemId": f"call_{uuid.uuid4().hex[:24]}",
            "startedAtMs": int(time.time() * 1000),
            "reason": None,
            "grantRoot": None,
        }
        self.obey_decision(self.ask_and_wait("item/fileChange/requestApproval", params))

    def obey_decision(self, answer: Json) -> None:
        if as_object(answer.get("result")).get("decision") == "cancel":
            raise InterruptedTurnError

    def step_permissions(self, step: Json) -> None:
        params: Json = {
            "itemId": f"call_{uuid.uuid4().hex[:24]}",
            "environmentId": "local",
            "startedAtMs": int(time.time() * 1000),
            "cwd": self.cwd,
            "reason": step.get("reason", "want to write"),
            "permissions": {
                "network": None,
                "fileSystem": {"read": None, "write": ["/srv/shared"]},
            },
        }
        self.ask_and_wait("item/permissions/requestApproval", params)

    def step_user_input(self, step: Json) -> None:
        options: list[Json] = [
            {"label": "Red", "description": "warm"},
            {"label": "Blue", "description": "cold"},
        ]
        question: Json = {
            "id": "colour",
            "header": "Colour",
            "question": "Which colour shall it be?",
            "isOther": False,
            "isSecret": False,
            "options": options,
        }
        params: Json = {
            "itemId": f"call_{uuid.uuid4().hex[:24]}",
            "isBlocking": True,
            "autoResolutionMs": None,
            "questions": step.get("questions", [question]),
        }
        self.ask_and_wait("item/tool/requestUserInput", params)

    def step_elicitation(self, step: Json) -> None:
        schema: Json = {
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
        }
        self.elicit(step, "Your name?", None, schema)

    def step_mcp_approval(self, step: Json) -> None:
        meta: Json = {
            "codex_approval_kind": "mcp_tool_call",
            "persist": ["session", "always"],
            "tool_name": "echo",
            "tool_params": {"text": "hi"},
        }
        text = 'Allow the mock MCP server to run tool "echo"?'
        self.elicit(step, text, meta, {"type": "object", "properties": {}})

    def elicit(self, step: Json, text: str, meta: Json | None, schema: Json) -> None:
        params: Json = {
            "serverName": "mock",
            "mode": "form",
            "_meta": meta,
            "message": step.get("message", text),
            "requestedSchema": step.get("schema", schema),
        }
        self.ask_and_wait("mcpServer/elicitation/request", params)

    def step_old_command(self, step: Json) -> None:
        del step
        params: Json = {
            "conversationId": self.thread,
            "callId": "call_old",
            "command": ["bash", "-lc", "make test"],
            "cwd": self.cwd,
            "parsedCmd": [],
        }
        self.ask_and_wait("execCommandApproval", params)

    def step_old_patch(self, step: Json) -> None:
        del step
        params: Json = {"conversationId": self.thread, "callId": "call_old", "fileChanges": {}}
        self.ask_and_wait("applyPatchApproval", params)

    def step_ask(self, step: Json) -> None:
        method, params = as_text(step.get("method")), as_object(step.get("params"))
        if step.get("wait") is False:
            self.ask(method, {**self.place(), **params}, step.get("id"))
        else:
            self.ask_and_wait(method, params, step.get("id"))

    def step_usage(self, step: Json) -> None:
        before_input, before_output = self.used
        total_input = as_number(step.get("input"), before_input)
        total_output = as_number(step.get("output"), before_output)
        thread = as_text(step.get("thread"), self.thread)
        if thread == self.thread:
            self.used = (total_input, total_output)
        else:
            before_input = before_output = 0
        total = _tokens(total_input, total_output)
        last = _tokens(total_input - before_input, total_output - before_output)
        place: Json = {"threadId": thread, "turnId": as_text(step.get("turn"), self.turn)}
        if step.get("older") is True:
            older: Json = {
                "total_token_usage": {
                    "input_tokens": total_input,
                    "output_tokens": total_output,
                    "total_tokens": total_input + total_output,
                }
            }
            self.notify("thread/tokenUsage/updated", {**place, "token_usage": older})
            return
        usage: Json = {"total": total, "last": last, "modelContextWindow": 258400}
        self.notify("thread/tokenUsage/updated", {**place, "tokenUsage": usage})

    def step_rate_limits(self, step: Json) -> None:
        limits = as_object(step.get("limits")) or FULL_LIMITS
        self.notify("account/rateLimits/updated", {"rateLimits": limits})

    def step_subagent(self, step: Json) -> None:
        own_thread, own_turn = self.thread, self.turn
        other_thread, other_turn = str(uuid.uuid4()), str(uuid.uuid4())
        activity: Json = {
            "type": "subAgentActivity",
            "kind": "started",
            "agentThreadId": other_thread,
            "agentPath": "/root/helper",
        }
        self.item(activity)
        self.thread, self.turn = other_thread, other_turn
        self.begin("help")
        self.step_message({"text": "I helped."})
        usage = as_object(step.get("usage"))
        self.thread = own_thread
        self.step_usage(
            {
                "thread": other_thread,
                "turn": other_turn,
                "input": usage.get("input", 10),
                "output": usage.get("output", 1),
            }
        )
        self.thread = other_thread
        self.complete(as_text(step.get("status"), "completed"))
        self.thread, self.turn = own_thread, own_turn
        self.item({**activity, "id": f"done_{other_turn}", "kind": "completed"})

    def step_foreign_end(self, step: Json) -> None:
        turn = self.describe_turn(as_text(step.get("status"), "completed"))
        turn["id"] = as_text(step.get("turn"), str(uuid.uuid4()))
        thread = as_text(step.get("thread"), self.thread)
        if thread == "other":
            thread, turn["id"] = str(uuid.uuid4()), self.turn
        self.notify("turn/completed", {"threadId": thread, "turn": turn})

    def step_error(self, step: Json) -> None:
        retry = step.get("retry") is True
        default = "Reconnecting... waiting for network" if retry else "Connection failed"
        error = _error(as_text(step.get("message"), default), "responseStreamDisconnected")
        self.notify("error", {"error": error, "willRetry": retry, **self.place()})

    def step_fail(self, step: Json) -> None:
        message = as_text(step.get("message"), "The model is not available.")
        error = _error(message, as_text(step.get("kind"), "internalServerError"))
        self.notify("error", {"error": error, "willRetry": False, **self.place()})
        self.complete("failed", error)
        raise EndedTurnError

    def step_completed(self, step: Json) -> None:
        del step
        self.complete("completed")

    def step_interrupted(self, step: Json) -> None:
        del step
        raise InterruptedTurnError

    def step_end(self, step: Json) -> None:
        method = as_text(step.get("method"), "turn/completed")
        turn = self.describe_turn(as_text(step.get("status")))
        if "status" not in step:
            del turn["status"]
        whole: Json = {"threadId": self.thread, "turn": turn}
        self.notify(method, as_object(step.get("params", whole)))
        raise EndedTurnError

    def step_config_warning(self, step: Json) -> None:
        params: Json = {
            "summary": step.get("summary", "Invalid configuration; using defaults."),
            "details": step.get("details", "/home/x/config.toml:1:9: extra `=`, expected nothing"),
        }
        if "path" in step:
            params["path"] = step["path"]
        self.notify("configWarning", params)

    def step_notify(self, step: Json) -> None:
        self.notify(as_text(step.get("method")), as_object(step.get("params")))

    def step_run(self, step: Json) -> None:
        command = as_text(step.get("command"))
        item: Json = {
            "type": "commandExecution",
            "command": command,
            "cwd": self.cwd,
            "processId": None,
            "source": "agent",
            "status": "inProgress",
            "commandActions": [{"type": "unknown", "command": command}],
            "aggregatedOutput": None,
            "exitCode": None,
            "durationMs": None,
        }
        self.item_event("item/started", item)
        done = subprocess.run(
            ["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        status = "completed" if done.returncode == 0 else "failed"
        output = done.stdout.decode(errors="replace")
        ended: Json = {
            **item,
            "status": status,
            "aggregatedOutput": output,
            "exitCode": done.returncode,
        }
        self.journal.write("ran", command=command, code=done.returncode, output=output)
        self.item_event("item/completed", ended)

    def step_gate(self, step: Json) -> None:
        with self.at_gate(as_text(step.get("name"), "gate")) as name:
            self.wait_for(lambda: name in self.gone)

    def step_chatter(self, step: Json) -> None:
        interval = as_number(step.get("interval_ms"), 100) / 1000
        kind = as_text(step.get("kind"), "output")
        with self.at_gate(as_text(step.get("name"), "gate")) as name:
            while name not in self.gone:
                self.talk(kind)
                with contextlib.suppress(queue.Empty):
                    self.handle(self.inbox.get(timeout=interval))

    def talk(self, kind: str) -> None:
        if kind == "errors":
            self.output.raw(b"ERROR noise\n", "stderr")
        elif kind == "reconnect":
            self.step_error({"retry": True})
        else:
            delta: Json = {**self.place(), "itemId": "item_chatter", "delta": "Thinking. "}
            self.notify("item/agentMessage/delta", delta)

    @contextlib.contextmanager
    def at_gate(self, name: str) -> Generator[str]:
        """Stand at a gate until it is opened or the turn ends. It opens for one passage."""
        if not self.steerable:
            raise LookupError("a gate needs --control or --desk")
        self.journal.write("gate", name=name)
        self.control.announce(name)
        try:
            yield name
        finally:
            self.journal.write("gate_left", name=name, opened=name in self.gone)
            self.gone.discard(name)

    def step_together(self, step: Json) -> None:
        """Done by `play`, before the turn is answered."""

    def step_end_first(self, step: Json) -> None:
        """Done by `play`, before the turn is answered."""

    def step_forget_interrupt(self, step: Json) -> None:
        del step
        self.stubborn = True

    def step_split(self, step: Json) -> None:
        text = as_text(step.get("text"), "Grüße, 世界 \N{ROCKET}")
        delta: Json = {**self.place(), "itemId": "item_split", "delta": text}
        message: Json = {"method": "item/agentMessage/delta", "params": delta}
        self.journal.sent(message=message)
        for byte in json.dumps(message, ensure_ascii=False).encode() + b"\n":
            self.output.write(bytes([byte]))

    def step_long_line(self, step: Json) -> None:
        size = as_number(step.get("bytes"), 9_000_000)
        message: Json = {"method": "item/commandExecution/outputDelta", "params": self.place()}
        params = as_object(message["params"])
        params["delta"] = ""
        empty = len(json.dumps(message).encode())
        params["delta"] = "x" * (size - empty)
        self.output.message(message)

    def step_raw(self, step: Json) -> None:
        data = bytes.fromhex(as_text(step.get("hex"))) or as_text(step.get("text")).encode()
        self.output.raw(data, as_text(step.get("stream"), "stdout"))

    def step_stderr_flood(self, step: Json) -> None:
        line = b"ERROR noise noise noise noise noise noise noise noise noise\n"
        count = as_number(step.get("bytes"), 1_000_000) // len(line)
        self.output.raw(line * count, "stderr")

    def step_noise(self, step: Json) -> None:
        """From another thread, so that messages are handled as ever and an end comes at once."""
        done = threading.Event()
        end = time.monotonic() + as_number(step.get("seconds"), 60)

        def make() -> None:
            while time.monotonic() < end:
                _write_all(2, b"ERROR noise\n")
                time.sleep(0.05)
            done.set()
            self.inbox.put({"go": "noise"})

        threading.Thread(target=make, daemon=True).start()
        self.wait_for(done.is_set)

    def step_stderr_completion(self, step: Json) -> None:
        del step
        turn = self.describe_turn("completed")
        params: Json = {"threadId": self.thread, "turn": turn}
        message: Json = {"method": "turn/completed", "params": params}
        self.output.raw(json.dumps(message).encode() + b"\n", "stderr")

    def step_grandchild(self, step: Json) -> None:
        seconds = str(as_number(step.get("seconds"), 60))
        apart = step.get("own_session") is not False
        child = subprocess.Popen(
            ["sleep", seconds], stdin=subprocess.DEVNULL, start_new_session=apart
        )
        self.journal.write("child", pid=child.pid)

    def step_close_output(self, step: Json) -> None:
        del step
        os.close(1)

    def step_exit(self, step: Json) -> None:
        self.leave("exit step", as_number(step.get("code"), 0))

    def step_kill(self, step: Json) -> None:
        del step
        self.journal.write("end", reason="kill step")
        os.kill(os.getpid(), signal.SIGKILL)

    def step_crash_mid_line(self, step: Json) -> None:
        del step
        self.output.raw(b'{"method":"turn/completed","params":{"threadId":', "stdout")
        self.leave("crash step", 1)


def _printable(value: str) -> str:
    """An environment may hold bytes that are no UTF-8."""
    return value.encode(errors="surrogateescape").decode(errors="replace")


def _tokens(total_input: int, total_output: int) -> Json:
    return {
        "totalTokens": total_input + total_output,
        "inputTokens": total_input,
        "cachedInputTokens": 0,
        "cacheWriteInputTokens": 0,
        "outputTokens": total_output,
        "reasoningOutputTokens": 0,
    }


def _error(message: str, kind: str) -> Json:
    return {
        "message": message,
        "codexErrorInfo": kind,
        "additionalDetails": None,
        "misalignment": None,
    }


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


if __name__ == "__main__":
    FakeAgent(Options(sys.argv[1:])).run()
