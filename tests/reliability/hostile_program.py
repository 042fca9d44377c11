"""An agent that shakes hands, and then attacks whoever started it. Run as a program.

    python hostile_program.py ATTACK [SIZE]

The attacks are the functions at the end, by name. Standard library only: it starts as fast as the
fake agent, and knows nothing of the daemon.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Final

THREAD: Final = "01a1fb92-a16c-7771-ad46-e331c7694304"
TURN: Final = "01a1fb92-a17b-7342-a535-3a2b480f1030"
LEVELS: Final = 100_000
LINES: Final = 1_000
REQUESTS: Final = 1_000
IDS: Final = 10
CHUNK: Final = 1 << 20
NOISE: Final = b"ERROR " + b"noise " * 100 + b"\n"


def write(data: bytes, descriptor: int = 1) -> None:
    """All of it, as it is."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def tell(message: dict[str, object]) -> None:
    """One good line."""
    write(json.dumps(message).encode() + b"\n")


def end_turn(status: str, words: str) -> None:
    """Say how the turn ended, and why."""
    turn: dict[str, object] = {
        "id": TURN,
        "status": status,
        "items": [],
        "error": {"message": words},
    }
    tell({"method": "turn/completed", "params": {"threadId": THREAD, "turn": turn}})


def flood_stderr(size: int) -> None:
    """So many bytes on standard error, and an end that says so."""
    chunk = NOISE * (CHUNK // len(NOISE))
    for _ in range(size // len(chunk) + 1):
        write(chunk, 2)
    end_turn("failed", f"wrote {size} bytes of noise")


def one_long_line(size: int) -> None:
    """A line that does not end."""
    write(b'{"method":"item/agentMessage/delta","params":{"delta":"')
    for _ in range(size // CHUNK + 1):
        write(b"x" * CHUNK)
    write(b'"}}\n')
    end_turn("failed", "the line went through")


def wrong_bytes(size: int) -> None:
    """Lines that are no text."""
    for number in range(size):
        write(b'{"method":"item/agentMessage/delta","params":"\xff\xfe\xed\xa0\x80%d"}\n' % number)
        write(b"\0\x1b[2J\x1b]0;title\x07\r\n")
    end_turn("failed", "sent what is no text")


def deep(size: int) -> None:
    """Lines that are nested deeper than any stack."""
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")) * (size // 2):
        write(b'{"method":"x","params":' + opening * LEVELS + b"1" + closing * LEVELS + b"}\n")
    end_turn("failed", "sent what is nested deeply")


def requests(size: int) -> None:
    """Many requests at once under few ids; answers are counted."""
    answers: list[bytes] = []
    reader = threading.Thread(target=lambda: answers.extend(sys.stdin.buffer), daemon=True)
    reader.start()
    methods = ("item/tool/call", "item/commandExecution/requestApproval", "no/such/method")
    lines = [
        {"method": methods[each % 3], "id": each % IDS, "params": {"tool": "nothing"}}
        for each in range(size)
    ]
    write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    tell({"method": "no/such/method", "id": "the last one", "params": {}})
    while not any(b"the last one" in answer for answer in answers):
        reader.join(0.01)
    end_turn("failed", f"got {len(answers)} answers")


ATTACKS: Final[dict[str, tuple[Callable[[int], None], int]]] = {
    "stderr": (flood_stderr, 1 << 30),
    "line": (one_long_line, 11_000_000),
    "bytes": (wrong_bytes, LINES),
    "deep": (deep, 20),
    "requests": (requests, REQUESTS),
}


def main() -> None:
    """Answer what belongs to the handshake; attack as soon as there is a turn."""
    attack, usual = ATTACKS[sys.argv[1]]
    size = int(sys.argv[2]) if len(sys.argv) > 2 else usual
    while line := sys.stdin.buffer.readline():
        message = json.loads(line)
        method = message.get("method")
        if "id" not in message or method is None:
            continue
        results = {"thread/start": {"thread": {"id": THREAD}}, "turn/start": {"turn": {"id": TURN}}}
        tell({"id": message["id"], "result": results.get(method, {})})
        if method == "turn/start":
            attack(size)


main()
