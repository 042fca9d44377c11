"""Standard descriptors that are always there. Imports nothing heavy: it is called first of all."""

from __future__ import annotations

import os


def reserve_standard_descriptors() -> None:
    """Put `/dev/null` where standard input, output or error is closed.

    Otherwise the next file or socket takes the free number, and gets what is written for people.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is given out, which is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
