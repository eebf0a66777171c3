"""Folders and files that are whole or absent: written aside under a temporary name, then renamed.

Also what a run remembers of where it came from: lineage.json.
"""

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from foretell.errors import BadUse, Failed


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder` that takes its name when the block ends well, and is removed otherwise."""
    aside = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    try:
        shutil.rmtree(aside, ignore_errors=True)  # left by a kill; in a container the same process number comes back
        aside.mkdir(parents=True)
        yield aside
        _replace_folder(aside, folder)
    except (OSError, SafetensorError) as error:  # safetensors does not say that a disk is full as an OSError
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise Failed(f"cannot write {folder}: {reason}; nothing was changed there") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _replace_folder(new: Path, folder: Path) -> None:
    old = folder.with_name(f".{folder.name}.old-{os.getpid()}")
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader, or a kill at any moment, sees the old content or the new, never a part."""
    aside = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        raise Failed(f"cannot write {path}: {error.strerror or error}; the file there is as it was") from error
    finally:
        with suppress(OSError):
            aside.unlink()


def read_json(path: Path) -> Any:
    """The content of a JSON file; a BadUse that names it where it is absent or is no JSON."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise BadUse(f"{path} does not exist; is its folder the right one?") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BadUse(f"{path} is not JSON ({error}); it was damaged or is something else") from error


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def machine() -> dict[str, Any]:
    """Where something was made: processor, cores, Python and the versions of the libraries that move numbers."""
    from importlib.metadata import version

    libraries = {name: version(name) for name in ("torch", "numpy", "tokenizers", "safetensors")}
    return {"processor": processor(), "cores": os.cpu_count(), "python": platform.python_version(), **libraries}


def usable_cores() -> int:
    """The cores that this process may use, where the system tells; else all."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


def processor() -> str:
    """The processor's name as the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
