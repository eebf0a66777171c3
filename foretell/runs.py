"""Folders and files that are whole or absent: written aside under a temporary name, then renamed.

Also what a run remembers of where it came from: lineage.json.
"""

import fcntl
import glob
import gzip
import hashlib
import json
import os
import platform
import resource
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from safetensors import SafetensorError

from foretell.errors import BadUse, Failed


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder` that takes its name when the block ends well, and is removed otherwise."""
    aside = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    try:
        clear_leftovers(folder)
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


def clear_leftovers(target: Path) -> None:
    """Remove what dead processes left aside of a target; a folder that one had moved away and not replaced comes back.

    Of a process of this machine only: where several share a disk, a number that is alive nowhere here may be at work
    elsewhere, so two machines must not write the same target.
    """
    for left in target.parent.glob(f".{glob.escape(target.name)}.*-*"):
        kind, _, number = left.name.removeprefix(f".{target.name}.").partition("-")
        if kind not in ("partial", "old") or not number.isdecimal():
            continue
        if int(number) != os.getpid() and alive(int(number)):
            continue
        if kind == "old" and not target.exists():
            left.rename(target)
        elif left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


@contextmanager
def alone(file: Path, otherwise: str) -> Iterator[None]:
    """Holds a file of a folder against a second process, which is refused; ends with the process, however it ends."""
    with file.open("w") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BadUse(f"{otherwise}; wait for it, or give another --out") from error
        yield


def alive(number: int) -> bool:
    """Whether a process of this number runs, as far as can be told."""
    if os.name != "posix":
        return True
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader, or a kill at any moment, sees the old content or the new, never a part."""
    aside = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        clear_leftovers(path)
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
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise BadUse(f"{path} is not JSON ({error}); it was damaged or is something else") from error


def read_text(path: Path) -> str:
    """The text of a file in UTF-8; a BadUse that names it where it is absent, cannot be read, or is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BadUse(f"{path} does not exist; is its folder the right one?") from error
    except UnicodeDecodeError as error:
        raise BadUse(f"{path} is no UTF-8 text ({error}); it was damaged or is something else") from error
    except OSError as error:
        raise BadUse(f"{path} cannot be read: {error.strerror or error}; give a file that can") from error


def open_text(path: Path) -> TextIO:
    """A text file in UTF-8, open for reading; one whose name ends in .gz is unpacked."""
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")


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


def peak_memory() -> int:
    """The most memory that this process has held at once, in bytes, without its children."""
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):  # ru_maxrss is not below what the process that started this one held then
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def processor() -> str:
    """The processor's name as the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
