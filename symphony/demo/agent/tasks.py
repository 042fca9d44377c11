"""The tasks that the demo agent knows by heart: for each, what to change and what to say.

The texts to be replaced are those of the demo's project; a test applies every task to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


class UnexpectedTextError(Exception):
    """A file is not as the task expects it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Puts `after` in the place of `before`, which must be there once; an empty `before` means the
    end of the file, and a file that is not there is made."""

    path: str
    before: str = ""
    after: str

    def applied(self, text: str) -> str:
        """The text after the edit; unchanged where it was made before. Raises
        `UnexpectedTextError`."""
        if self._added() in text:
            return text
        if not self.before:
            return text + self.after
        if text.count(self.before) != 1:
            raise UnexpectedTextError(f"{self.path} does not read as expected")
        return text.replace(self.before, self.after)

    def _added(self) -> str:
        """What of `after` is new: another edit may come between it and the rest."""
        if self.before and self.after.startswith(self.before):
            return self.after.removeprefix(self.before)
        return self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """`thoughts` are what it thinks on the way. A task that `fails_first` fails in its first run,
    and only there; one of two `turns` pauses before its commit."""

    thoughts: tuple[str, str]
    edits: tuple[Edit, ...]
    commit: str
    report: str
    turns: int = 1
    fails_first: bool = False


def _test_case(name: str, body: str, *, where: str) -> Edit:
    head = f"class {where}(unittest.TestCase):\n"
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    return Edit(
        path="test_durations.py",
        before=head,
        after=f"{head}    def test_{name}(self):\n{lines}\n",
    )


_TASKS = {
    "DUR-1": Task(
        thoughts=(
            "The loop ignores whatever the pattern skips.",
            "Match the whole text first, then add up.",
        ),
        edits=(
            Edit(
                path="durations.py",
                before="    total = 0\n",
                after=(
                    '    known = "".join(UNITS)\n'
                    '    if not re.fullmatch(rf"(\\d+[{known}])+", text):\n'
                    '        raise ValueError(f"not a duration: {text!r}")\n'
                    "    total = 0\n"
                ),
            ),
            _test_case(
                "refuses_nonsense",
                'for text in ("soon", "1x", "", "1h, 2m"):\n'
                "    with self.assertRaises(ValueError):\n"
                "        durations.parse(text)",
                where="Parse",
            ),
        ),
        commit="Refuse texts that are no durations",
        report="`parse` raises a ValueError with the text; unknown units are refused as well.",
    ),
    "DUR-2": Task(
        thoughts=("No unit has a count, so nothing is written.", "Zero needs a unit of its own."),
        edits=(
            Edit(
                path="durations.py", before="    return text\n", after='    return text or "0s"\n'
            ),
            _test_case("writes_zero", 'self.assertEqual(durations.show(0), "0s")', where="Show"),
        ),
        commit="Show zero as 0s",
        report="`show(0)` is `0s`.",
    ),
    "DUR-3": Task(
        thoughts=(
            "Both functions read the same table of units.",
            "The table is in order, so days go first.",
        ),
        edits=(
            Edit(
                path="durations.py",
                before="UNITS = {\n",
                after='UNITS = {\n    "d": 86400,\n',
            ),
            _test_case(
                "knows_days", 'self.assertEqual(durations.parse("2d"), 172800)', where="Parse"
            ),
            _test_case(
                "uses_days", 'self.assertEqual(durations.show(90000), "1d1h")', where="Show"
            ),
        ),
        commit="Know days",
        report="`d` is a unit for `parse` and `show`.",
    ),
    "DUR-4": Task(
        thoughts=("Days are there now; weeks go above them.", "Seven days, and the order stays."),
        edits=(
            Edit(
                path="durations.py",
                before='    "d": 86400,\n',
                after='    "w": 7 * 86400,\n    "d": 86400,\n',
            ),
            _test_case(
                "knows_weeks", 'self.assertEqual(durations.parse("1w"), 7 * 86400)', where="Parse"
            ),
        ),
        commit="Know weeks",
        report="`w` is a unit, built on the branch of DUR-3.",
    ),
    "DUR-5": Task(
        thoughts=(
            "divmod rounds down, so the rest is positive.",
            "Write the sign, then show what is left without it.",
        ),
        edits=(
            Edit(
                path="durations.py",
                before='    text = ""\n',
                after='    text = "-" if seconds < 0 else ""\n    seconds = abs(seconds)\n',
            ),
            _test_case(
                "writes_the_sign_first",
                'self.assertEqual(durations.show(-90), "-1m30s")',
                where="Show",
            ),
        ),
        commit="Show negative durations with a sign",
        report="`show(-90)` is `-1m30s`.",
        fails_first=True,
    ),
    "DUR-6": Task(
        thoughts=("One line for each function.", "Read it once more as somebody new."),
        edits=(
            Edit(
                path="README.md",
                before="Run the tests",
                after=(
                    "```python\n"
                    'durations.parse("1h30m")  # 5400\n'
                    'durations.show(5400)      # "1h30m"\n'
                    "```\n\n"
                    "Run the tests"
                ),
            ),
        ),
        commit="Show in the README how it is used",
        report="The README has an example of each function.",
        turns=2,
    ),
    "DUR-7": Task(
        thoughts=("No dependency is needed for one argument.", "Print a number, nothing else."),
        edits=(
            Edit(
                path="durations.py",
                after=(
                    '\n\nif __name__ == "__main__":\n'
                    "    import sys\n\n"
                    '    print(parse("".join(sys.argv[1:])))\n'
                ),
            ),
            Edit(
                path="README.md",
                after="\nOr from a shell: `python3 durations.py 1h30m` prints `5400`.\n",
            ),
        ),
        commit="Add a command line",
        report="`python3 durations.py 1h30m` prints `5400`; the README says so.",
    ),
    "DUR-8": Task(
        thoughts=("Start at one second; zero is DUR-2.", "Steps that hit every unit."),
        edits=(
            _test_case(
                "is_undone_by_parse",
                "for seconds in range(1, 20000, 97):\n"
                "    self.assertEqual(durations.parse(durations.show(seconds)), seconds)",
                where="Show",
            ),
        ),
        commit="Test that parse undoes show",
        report="A test goes through some two hundred numbers.",
    ),
}

TASKS: Mapping[str, Task] = MappingProxyType(_TASKS)
"""By the identifier of the issue."""


def task_for(identifier: str, title: str) -> Task:
    """What to do about an issue. For one that nobody taught it, the agent leaves a note."""
    known = TASKS.get(identifier)
    if known is not None:
        return known
    return Task(
        thoughts=("Nobody taught me this one.", "A note is better than nothing."),
        edits=(Edit(path="NOTES.md", after=f"- {identifier}: {title}\n"),),
        commit=f"Note down {identifier}",
        report="The demo agent knows eight issues by heart, and this is another one: it only left "
        "a line in NOTES.md.",
    )
