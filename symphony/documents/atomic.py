"""Reading a file whole and replacing it at once, although others read and write it too.

Guarantees: what `read_whole` returns was the file's content at one moment, as far as the file's
own times and size can tell. `replace_file` shows every reader the old content or the new one, never
a part, keeps the permission bits, and survives a crash in either form. A symbolic link is never
followed. Must not be called on the event loop: everything here blocks.

Writers that hold `locked_directory` never lose each other's changes. A program that does not know
the lock is noticed by the version that `replace_file` compares last; what it writes in the instant
between that comparison and the rename is lost.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

LOCK_POLL_SECONDS = 0.01
"""How often a taken lock is asked for again. The kernel has no wait with a bound."""

_READ_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class ChangedMeanwhileError(Exception):
    """Somebody else wrote the file between two looks at it. Trying again is the remedy."""


class NotAWholeFileError(Exception):
    """The path names something that cannot be read as one bounded file. `reason` is stable:
    `symbolic_link`, `not_a_file` or `too_large`; the text is for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class WriteAbandonedError(Exception):
    """Whoever asked for the change no longer wants it; nothing was changed."""


class LockTimeoutError(Exception):
    """The lock was held by somebody else for the whole time that the caller allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVersion:
    """What tells one content of a path from another without reading it. Times in nanoseconds."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileVersion:
        """The version that a `stat` call describes."""
        return cls(
            device=status.st_dev,
            inode=status.st_ino,
            size=status.st_size,
            modified_ns=status.st_mtime_ns,
            changed_ns=status.st_ctime_ns,
        )


def read_whole(path: str, *, maximum_bytes: int) -> tuple[bytes, FileVersion]:
    """The content and its version.

    Raises `NotAWholeFileError`, `ChangedMeanwhileError` if the file changed while it was being
    read, and `OSError`.
    """
    try:
        descriptor = os.open(path, _READ_FLAGS)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotAWholeFileError("symbolic_link", "symbolic links are not followed") from None
        raise
    try:
        before = os.fstat(descriptor)
        _require_bounded_file(before, maximum_bytes)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(maximum_bytes + 1)
        version = FileVersion.of(os.fstat(descriptor))
    finally:
        os.close(descriptor)
    if version != FileVersion.of(before) or len(data) != version.size:
        raise ChangedMeanwhileError(f"{path} changed while it was being read")
    return data, version


def _require_bounded_file(status: os.stat_result, maximum_bytes: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotAWholeFileError("not_a_file", "this is not a regular file")
    if status.st_size > maximum_bytes:
        raise NotAWholeFileError(
            "too_large", f"the file has {status.st_size} bytes; at most {maximum_bytes} are read"
        )


def replace_file(
    path: str,
    data: bytes,
    *,
    expected: FileVersion,
    may_replace: Callable[[], bool] = lambda: True,
) -> None:
    """Put `data` in the place of the version `expected`.

    `may_replace` is asked when all is prepared, so that a caller who gave up meanwhile is not
    served late. Raises `ChangedMeanwhileError` if the path no longer has that version,
    `WriteAbandonedError` and `OSError`; then the old content stands and no temporary file is left.
    """
    directory = os.path.dirname(path)
    # Hidden and without the suffix of a document, so that no reader of the folder takes it for one.
    temporary = os.path.join(directory, f".symphony-{secrets.token_hex(8)}.tmp")
    mode = stat.S_IMODE(os.stat(path, follow_symlinks=False).st_mode)
    try:
        _write_durably(temporary, data, mode)
        _require_still_wanted(path, expected, may_replace)
        os.replace(temporary, path)
    except BaseException:
        _remove_if_there(temporary)
        raise
    _sync_directory(directory)


def _require_still_wanted(
    path: str, expected: FileVersion, may_replace: Callable[[], bool]
) -> None:
    if not may_replace():
        raise WriteAbandonedError(f"the change of {path} is no longer wanted")
    if FileVersion.of(os.stat(path, follow_symlinks=False)) != expected:
        raise ChangedMeanwhileError(f"{path} was changed by somebody else")


def _write_durably(path: str, data: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, _CREATE_FLAGS, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def _remove_if_there(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def _sync_directory(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked_directory(directory: str, *, timeout_seconds: float) -> Generator[None]:
    """Hold the one lock of this directory, against other processes and other threads alike.

    The kernel releases it when the holder dies. Raises `LockTimeoutError` and `OSError`.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        _lock(descriptor, directory, timeout_seconds)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, directory: str, timeout_seconds: float) -> None:
    retrying = Retrying(
        retry=retry_if_exception_type(BlockingIOError),
        wait=wait_fixed(LOCK_POLL_SECONDS),
        stop=stop_after_delay(timeout_seconds),
        reraise=True,
    )
    try:
        retrying(fcntl.flock, descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LockTimeoutError(
            f"{directory} was locked by another writer for {timeout_seconds:g} s"
        ) from None
