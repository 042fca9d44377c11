"""Starts `tests.variants.program` by the path of this file, from any directory.

A manifest of the conformance suite names it as its launch command: what the suite starts sees
neither the current directory nor the Python path of whoever started the suite.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    # Instead of this directory, whose modules are meant to be found in their package only.
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    runpy.run_module("tests.variants.program", run_name="__main__", alter_sys=True)
