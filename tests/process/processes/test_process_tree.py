"""Who belongs to a tree, and that nobody else is hit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from symphony.processes.owner import OWNER_VARIABLE, OwnerMark, marked_value
from symphony.processes.table import (
    Member,
    command_line,
    is_alive,
    process_table,
    read_entry,
    read_marks,
)
from symphony.processes.tree import OwnedTree, descendants, lineage, signal_member
from tests.support.process_children import QUIET_FOR_EVER, STUBBORN, python
from tests.support.process_tokens import runs, wait_until

Child = subprocess.Popen[bytes]


@pytest.fixture
def mark(token: str) -> OwnerMark:
    return OwnerMark(root="root", daemon=token, run="one")


@pytest.fixture
def child(mark: OwnerMark) -> Iterator[Child]:
    """A marked child that ignores SIGTERM, in a session of its own."""
    environment = {OWNER_VARIABLE: marked_value(None, mark)}
    with subprocess.Popen(
        python(STUBBORN), env=environment, start_new_session=True, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield process
        finally:
            process.kill()


def member_of(child: Child) -> Member:
    entry = read_entry(child.pid)
    assert entry is not None
    return entry.member


def test_the_table_tells_parent_group_and_marks(child: Child, mark: OwnerMark) -> None:
    entry = process_table()[child.pid]
    assert (entry.parent, entry.group, entry.session) == (os.getpid(), child.pid, child.pid)
    assert entry.alive
    assert read_marks(child.pid) == (mark,)
    assert command_line(child.pid).startswith(sys.executable)


def test_a_zombie_does_not_count_as_running(child: Child) -> None:
    member = member_of(child)
    child.kill()
    wait_until(lambda: not runs(child.pid), "the child to end")
    entry = read_entry(child.pid)
    assert entry is not None
    assert not entry.alive
    assert not is_alive(member)
    assert not signal_member(member, signal.SIGKILL)


def test_a_process_that_never_existed_is_absent() -> None:
    assert read_entry(2**30) is None
    assert read_marks(2**30) == ()
    assert command_line(2**30) == ""


def test_a_pid_that_now_belongs_to_another_process_is_not_signalled(child: Child) -> None:
    current = member_of(child)
    predecessor = Member(pid=current.pid, started_at_ticks=current.started_at_ticks - 1)

    assert not signal_member(predecessor, signal.SIGKILL)

    assert is_alive(current)
    assert signal_member(current, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL


def test_a_tree_that_remembers_a_recycled_pid_leaves_the_stranger_alone(child: Child) -> None:
    current = member_of(child)
    tree = OwnedTree(carries=lambda _: False)
    tree.adopt([Member(pid=current.pid, started_at_ticks=current.started_at_ticks - 1)])

    tree.signal(signal.SIGKILL)

    assert tree.kill_until_gone() == frozenset()
    assert is_alive(current)


def test_a_tree_finds_by_mark_and_kills_until_nothing_is_left(
    child: Child, mark: OwnerMark
) -> None:
    tree = OwnedTree(carries=lambda other: other == mark)
    assert tree.look() == {member_of(child)}
    assert tree.kill_until_gone() == frozenset()
    assert child.wait() == -signal.SIGKILL


def test_another_mark_is_another_tree(child: Child, mark: OwnerMark) -> None:
    other = OwnerMark(root=mark.root, daemon=mark.daemon, run="another")
    tree = OwnedTree(carries=lambda found: found == other)
    assert tree.kill_until_gone() == frozenset()
    assert is_alive(member_of(child))


def test_what_cannot_be_killed_in_time_is_reported(child: Child, mark: OwnerMark) -> None:
    # A negative limit is over before the first kill can have had its effect.
    tree = OwnedTree(carries=lambda other: other == mark)
    assert tree.kill_until_gone(limit_s=-1) == {member_of(child)}


def test_neither_this_process_nor_its_ancestors_are_ever_members() -> None:
    table = process_table()
    assert os.getpid() in lineage(table, os.getpid())
    tree = OwnedTree(carries=lambda _: False)
    tree.adopt(entry.member for entry in table.values() if entry.pid in lineage(table, os.getpid()))

    found = {member.pid for member in tree.look()}

    assert not found & lineage(process_table(), os.getpid())


def test_a_tree_can_spare_everything_below_this_process(child: Child, mark: OwnerMark) -> None:
    assert child.pid in descendants(process_table(), [os.getpid()])
    tree = OwnedTree(carries=lambda other: other == mark, spare_children=True)
    assert tree.look() == frozenset()


def test_without_a_process_table_the_group_is_ended(token: str) -> None:
    with subprocess.Popen(
        python(f"import sys; {QUIET_FOR_EVER}", token), start_new_session=True
    ) as leader:
        tree = OwnedTree(
            carries=lambda _: False, leader=leader.pid, poll_leader=leader.poll, use_table=False
        )
        assert [member.pid for member in tree.look()] == [leader.pid]
        assert tree.still_running()
        assert tree.kill_until_gone() == frozenset()
        assert not tree.still_running()
        assert leader.returncode == -signal.SIGKILL
