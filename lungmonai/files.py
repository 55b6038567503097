"""Write files whole or not at all."""

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import OutputError

__all__ = ["make_folder", "sha256_of", "written_whole"]


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; rename it to `path` when the block ends well.

    The temporary name keeps the suffixes of `path`, since writers choose formats by them.

    Raises:
        OutputError: the disk is full or the folder cannot be written; nothing is left behind.
    """
    path = Path(path)
    # `.nii.gz` is one suffix to the writers; a dot in a series UID is not.
    suffix = ".nii.gz" if path.name.endswith(".nii.gz") else path.suffix
    partial = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".partial-", suffix=suffix)
        os.close(handle)
        partial = Path(name)
        # mkstemp makes files private; results follow the umask like any other file.
        partial.chmod(0o666 & ~_umask())
        yield partial
        partial.replace(path)
    except OSError as error:
        raise _output_error(path, error) from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def make_folder(path: Path) -> Path:
    """Make a folder for results, its parents too.

    Raises:
        OutputError: it cannot be made or written to.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise _output_error(path, error) from error
    return path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _output_error(path: Path, error: OSError) -> OutputError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return OutputError(
        f"{path} could not be written: {error.strerror or error}",
        wanted="room for the results" if full else "a folder that can be written to",
        do="Free some space or choose another output folder; nothing half-written was left.",
    )
