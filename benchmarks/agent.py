"""An agent for benchmarks: speaks the app-server protocol, thinks nothing.

`--done FILE` makes it call the tool that the file names, with the arguments there, and complete the
turn at once; `$ISSUE` in them is the last word of the prompt. `--silent` makes it start a turn and
say nothing more, `--chatty LINES` say that many lines a second. Standard library only;
`python -S -E` starts it as cheaply as can be.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

THREAD = "00000000-0000-7000-8000-000000000001"


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def receive() -> dict[str, Any]:
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    message: dict[str, Any] = json.loads(line)
    return message


def event(method: str, **params: object) -> None:
    send({"method": method, "params": {"threadId": THREAD, **params}})


def turn(number: int, prompt: str, words: list[str]) -> None:
    identity = f"turn-{number}"
    if words[0] == "--done":
        with open(words[1], encoding="utf-8") as file:
            call = json.loads(file.read().replace("$ISSUE", prompt.split()[-1]))
        event_id = number - 1
        params = {"threadId": THREAD, "turnId": identity, "callId": "call-1", **call}
        send({"id": event_id, "method": "item/tool/call", "params": params})
        while receive().get("id") != event_id:
            pass
    elif words[0] == "--chatty":
        while True:
            event("item/agentMessage/delta", turnId=identity, itemId="m", delta="one more line ")
            time.sleep(1 / float(words[1]))
    else:
        while True:
            receive()
    event(
        "turn/completed", turn={"id": identity, "status": "completed", "items": [], "error": None}
    )


def main(words: list[str]) -> None:
    turns = 0
    while True:
        message = receive()
        method, request = message.get("method"), message.get("id")
        if request is None:
            continue
        if method == "thread/start":
            send({"id": request, "result": {"thread": {"id": THREAD}}})
        elif method == "turn/start":
            turns += 1
            started: dict[str, Any] = {
                "id": f"turn-{turns}",
                "status": "inProgress",
                "items": [],
                "error": None,
            }
            send({"id": request, "result": {"turn": started}})
            turn(turns, message["params"]["input"][0]["text"], words)
        else:
            send({"id": request, "result": {}})


if __name__ == "__main__":
    main(sys.argv[1:])
