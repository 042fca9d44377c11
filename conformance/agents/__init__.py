"""The agents of the suite: a fake Codex app-server, and the desk that steers it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

APP_SERVER: Final = Path(__file__).with_name("app_server.py")
"""The fake agent: one file, standard library only, run as a program."""
