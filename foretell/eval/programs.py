"""Programs that a model writes: run against tests, and the share of problems that k of them would solve.

    pass@k = E[1 - C(n - c, k) / C(n, k)]      n programs of a problem, c of them right (Chen et al. 2021, eq. 1)

Each program runs in processes of its own (program_child.py) with limits on time, memory, files and processes, in an
empty folder that is removed, without network where the system allows that. This guards against accidents: an endless
loop, a full disk, a removed file. It does not hold what means harm; run programs of a model that you do not trust on a
machine that you can lose. Nothing runs unless the caller says run_untrusted=True.
"""

import json
import os
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any

from foretell.errors import BadUse
from foretell.eval.measured import Measured, mean_of_shares
from foretell.generate.model import Model
from foretell.runs import usable_cores, write_whole
from foretell.tasks.programs import STOPS, Problem, program

CHILD = Path(__file__).with_name("program_child.py")
LONGEST_VERDICT = 65536  # bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one program may take."""

    seconds: float = 3.0
    """of the clock; the start of Python counts"""
    memory: int = 1 << 30
    """bytes of address space"""
    file_size: int = 1 << 20
    """bytes of each file"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Whether a program passed, and why not; `alone` tells whether it was cut off from network and processes."""

    passed: bool
    why: str = ""
    alone: bool = False


def run_program(text: str, limits: Limits | None = None, *, run_untrusted: bool = False) -> Verdict:
    """The verdict on a program that tests itself: it passes if it runs to its last line within the limits.

    BadUse without run_untrusted.
    """
    check_consent(run_untrusted)
    limits, token = limits or Limits(), secrets.token_hex(16)
    request = {"program": text, "token": token, "seconds": limits.seconds, "memory": limits.memory}
    request["file_size"] = limits.file_size
    with tempfile.TemporaryDirectory(prefix="program-", ignore_cleanup_errors=True) as folder:
        said = exchanged(json.dumps(request).encode(), Path(folder), limits.seconds)
    if said is None:
        return Verdict(passed=False, why=f"it did not end within {limits.seconds:g} s")
    try:
        verdict = json.loads(said)
    except ValueError:
        return Verdict(passed=False, why="it ended before its tests did")
    if not isinstance(verdict, dict) or verdict.get("token") != token:
        return Verdict(passed=False, why="it wrote what only its tests may write")
    return Verdict(passed=verdict["passed"], why=verdict["why"], alone=verdict["alone"])


def exchanged(request: bytes, folder: Path, seconds: float) -> bytes | None:
    """What the child says to a request; None where the time is over. No process of its group is left."""
    source, to_child = os.pipe()
    from_child, verdict = os.pipe()
    command = [sys.executable, "-I", str(CHILD), str(source), str(verdict)]
    environment = {"HOME": str(folder), "TMPDIR": str(folder), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    quiet = subprocess.DEVNULL
    try:
        with subprocess.Popen(
            command, stdin=quiet, stdout=quiet, stderr=quiet, cwd=folder, env=environment,
            pass_fds=(source, verdict), start_new_session=True,
        ) as child:  # fmt: skip
            os.close(source)
            os.close(verdict)
            try:
                return answered(child, request, to_child, from_child, time.monotonic() + seconds)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
    finally:
        os.close(from_child)


def answered(
    child: "subprocess.Popen[bytes]", request: bytes, to_child: int, from_child: int, until: float
) -> bytes | None:
    """Hand over the request and wait for the child to end; then what it has written."""
    with suppress(BrokenPipeError), os.fdopen(to_child, "wb") as file:
        file.write(request)  # the child reads it all before it runs anything
    try:
        child.wait(max(until - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        return None
    readable, _, _ = select.select([from_child], [], [], 0)
    return os.read(from_child, LONGEST_VERDICT) if readable else b""


def check_consent(run_untrusted: bool) -> None:
    """BadUse unless the caller has agreed to run programs that a model wrote."""
    if not run_untrusted:
        raise BadUse(
            "this runs programs that a model wrote, guarded against accidents alone; agree with --yes "
            "(run_untrusted=True), best on a machine that holds nothing of value"
        )


def pass_at_k(n: int, right: int, k: int) -> float:
    """The chance that one of k programs drawn from n, of which so many are right, is right (Chen et al. 2021, eq. 1).

    1 - C(n-c, k) / C(n, k) as 1 - prod over i = n-c+1..n of (1 - k/i): no factorial grows large. BadUse if k > n.
    """
    if not 1 <= k <= n:
        raise BadUse(f"pass@{k} of {n} programs a problem: k must be 1 to {n}; draw more programs or lower k")
    if not 0 <= right <= n:
        raise BadUse(f"{right} of {n} programs are right: that cannot be; count again")
    if n - right < k:
        return 1.0
    return 1.0 - prod(1.0 - k / i for i in range(n - right + 1, n + 1))


def measured_pass(counts: Sequence[tuple[int, int]], k: int) -> Measured:
    """pass@k of problems, (programs, right ones) each, with an interval over problems."""
    return mean_of_shares([pass_at_k(n, right, k) for n, right in counts], rounds=1000)


def program_suite(
    model: Model,
    problems: Sequence[Problem],
    *,
    n: int = 1,
    k: Sequence[int] = (1,),
    temperature: float = 0.0,
    top_p: float = 1.0,
    max_new_tokens: int = 256,
    seed: int = 0,
    limits: Limits | None = None,
    workers: int = 0,
    file: Path | None = None,
    run_untrusted: bool = False,
) -> dict[str, Any]:
    """pass@k for each k of n programs a problem, with every problem's count; what `file` holds is not done again.

    A problem whose prompt leaves no room for a single token counts as unsolved and is named. BadUse without
    run_untrusted, for a k above n, or for a file that was made with other settings.
    """
    check_consent(run_untrusted)
    check_asked(problems, n, k, temperature)
    limits = limits or Limits()
    drawn = {"n": n, "temperature": temperature, "top_p": top_p, "max_new_tokens": max_new_tokens, "seed": seed}
    how = {**drawn, "limits": asdict(limits)}
    done = {} if file is None else continued(file, how)
    for problem in problems:
        key = sha256(json.dumps([problem.prompt, problem.test]).encode()).hexdigest()[:16]
        if done.get(problem.id, {}).get("key") == key:
            continue
        completions = written(model, problem, how)
        texts = [program(problem, completion) for completion in completions]
        verdicts = run_all(texts, limits, workers, run_untrusted)
        done[problem.id] = {"id": problem.id, "key": key, "how": how, "samples": samples(completions, verdicts)}
        if file is not None:
            with file.open("a", encoding="utf-8") as journal:
                journal.write(json.dumps(done[problem.id]) + "\n")
    return summary([done[problem.id] for problem in problems], n, k, how)


def check_asked(problems: Sequence[Problem], n: int, k: Sequence[int], temperature: float) -> None:
    """BadUse for what cannot be measured."""
    if not problems:
        raise BadUse("there is no problem to solve; give at least one")
    if n > 1 and temperature == 0:
        raise BadUse(f"n={n} programs at temperature 0 are all the same; give a temperature or n=1")
    for one in k:
        pass_at_k(n, 0, one)


def written(model: Model, problem: Problem, how: dict[str, Any]) -> list[str]:
    """n completions of a problem's prompt; none where it does not fit. Its draws follow from its name and the seed."""
    room = model.network.cfg.n_ctx - len(model.tokenizer.encode(problem.prompt))
    if room < 1:
        return []
    drawn = {name: how[name] for name in ("temperature", "top_p")}
    seed = int.from_bytes(sha256(f"{how['seed']} {problem.id}".encode()).digest()[:7])
    new = min(how["max_new_tokens"], room)
    found = model.generate([problem.prompt] * how["n"], max_new_tokens=new, stop=STOPS, seed=seed, **drawn)
    return [completion.text for completion in found]


def run_all(texts: Sequence[str], limits: Limits, workers: int, run_untrusted: bool) -> list[Verdict]:
    """The verdict on each program, as many at a time as there are workers (0: cores); equal ones run once."""
    different = list(dict.fromkeys(texts))
    with ThreadPoolExecutor(workers or usable_cores()) as pool:
        found = pool.map(lambda text: run_program(text, limits, run_untrusted=run_untrusted), different)
        verdicts = dict(zip(different, found, strict=True))
    return [verdicts[text] for text in texts]


def samples(completions: Sequence[str], verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """What the file keeps of each program."""
    both = zip(completions, verdicts, strict=True)
    return [{"completion": text, "passed": v.passed, "why": v.why, "alone": v.alone} for text, v in both]


def continued(file: Path, how: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The problems that a file holds; a last line that a kill has cut is taken away. BadUse for other settings."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        return {}
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
        write_whole(file, "".join(lines))
    found = {}
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            name, before = row["id"], row["how"]
        except (ValueError, KeyError, TypeError) as error:
            raise BadUse(f"{file}, line {number} is no line of this suite; remove it, or give another file") from error
        if before != how:
            raise BadUse(f"{file} was made with {before}, now it is {how}; give another file or the same settings")
        found[name] = row
    return found


def summary(found: Sequence[dict[str, Any]], n: int, k: Sequence[int], how: dict[str, Any]) -> dict[str, Any]:
    """The figures, and each problem's count."""
    right = {one["id"]: sum(sample["passed"] for sample in one["samples"]) for one in found}
    return {
        "pass": {f"pass@{one}": measured_pass([(n, c) for c in right.values()], one) for one in k},
        "problems": right,
        "does_not_fit": [one["id"] for one in found if not one["samples"]],
        "alone": all(sample["alone"] for one in found for sample in one["samples"] if sample["passed"]),
        "settings": how,
    }
