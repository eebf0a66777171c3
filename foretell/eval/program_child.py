"""The process that runs one strange program: a file of its own, because it is started without this package.

    python -I program_child.py IN OUT       reads a request from one pipe, writes the verdict to the other

It cuts itself off (no network, a process space of its own, writing in its folder alone, where the system lets it),
takes limits, and runs the program in a child. The verdict is written after the program's last line and the tests: a
program that leaves earlier, however it does so, has none. All of this guards against accidents; a program that means
harm could still find a way out.
"""

import ctypes
import json
import os
import resource
import signal
import struct
import sys
from contextlib import suppress
from typing import Any

NEW_USER, NEW_IDS, NEW_NET, NEW_IPC = 0x10000000, 0x20000000, 0x40000000, 0x08000000
PARENT_DEATH_SIGNAL, NO_NEW_PRIVILEGES = 1, 38
WRITES = 1 << 1 | sum(1 << bit for bit in range(4, 13))  # of Landlock: write, remove, make
TRUNCATE = 1 << 14  # since its version 3
REFUSED = {
    "os": "fork forkpty kill killpg system popen remove removedirs rmdir unlink rename renames replace truncate "
    "fchmod fchown chmod chown chroot lchown fchdir setuid posix_spawn posix_spawnp",
    "shutil": "rmtree move chown",
    "subprocess": "Popen run call check_call check_output",
}


def main() -> None:
    """Read the request, run it, and pass on nothing: the verdict is the child's."""
    source, verdict = int(sys.argv[1]), int(sys.argv[2])
    with os.fdopen(source, "rb") as file:
        request = json.load(file)
    alone = unshared()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    die_with_parent()
    if alone:  # the first process of the new space ends with the program, and the space with it
        program = os.fork()
        if program:
            os.close(verdict)
            os.waitpid(program, 0)
            os._exit(0)
    limited(request)
    run(request["program"], request["token"], verdict, alone)


def unshared() -> bool:
    """Whether the children of this process have no network and see no other process."""
    libc = ctypes.CDLL(None)
    with suppress(AttributeError):  # no Linux
        wanted = NEW_IDS | NEW_NET | NEW_IPC
        return libc.unshare(wanted) == 0 or libc.unshare(wanted | NEW_USER) == 0
    return False


def die_with_parent() -> None:
    """End when the parent is killed."""
    with suppress(AttributeError):
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)


def limited(request: dict[str, Any]) -> None:
    """Take the limits; those that this system lacks are left out, and the parent's clock remains."""
    cpu = int(request["seconds"]) + 1
    wanted = {"AS": request["memory"], "CPU": cpu, "FSIZE": request["file_size"], "NPROC": 1, "CORE": 0}
    for name, most in wanted.items():
        with suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    writes_only_in(os.getcwd())


def writes_only_in(folder: str) -> None:
    """Ask Linux (Landlock) to refuse every change of files outside a folder; older systems go without."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    with suppress(AttributeError, OSError):
        version = libc.syscall(444, None, 0, 1)
        if version < 1:
            return
        access = WRITES | (TRUNCATE if version >= 3 else 0)
        rules = libc.syscall(444, struct.pack("Q", access), 8, 0)
        for path, may in ((folder, access), (os.devnull, 1 << 1)):
            at = os.open(path, os.O_PATH)
            libc.syscall(445, rules, 1, struct.pack("=Qi", may, at), 0)
            os.close(at)
        libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        libc.syscall(446, rules, 0)
        os.close(rules)


def refuse() -> None:
    """Replace functions that no answer to a question needs, and that an accident must not call."""
    import shutil
    import subprocess

    def refused(*given: object, **named: object) -> None:
        raise PermissionError("a program under test may not do this")

    for module, names in ((os, REFUSED["os"]), (shutil, REFUSED["shutil"]), (subprocess, REFUSED["subprocess"])):
        for name in names.split():
            setattr(module, name, refused)


def run(program: str, token: str, verdict: int, alone: bool) -> None:
    """Run the program and say how it ended. Only the end of its last line is a pass."""
    write, leave, dumps = os.write, os._exit, json.dumps
    why = ""
    try:
        code = compile(program, "program", "exec")
        refuse()
        exec(code, {"__name__": "program"})  # the whole purpose, in a process that was made for it
    except BaseException as error:  # a program's own exit is no pass either
        why = f"{type(error).__name__}: {error}"[:300]
    write(verdict, dumps({"token": token, "passed": not why, "why": why, "alone": alone}).encode())
    leave(0)


if __name__ == "__main__":
    main()
