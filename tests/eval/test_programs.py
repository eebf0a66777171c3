"""Programs run behind limits and pass only by their tests; pass@k counts as its definition does."""

import json
import os
import tempfile
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from foretell.errors import BadUse
from foretell.eval import programs
from foretell.eval.measured import share
from foretell.eval.programs import Limits, Verdict, measured_pass, pass_at_k, program_suite, run_program
from foretell.generate.model import Model
from foretell.recipes import gpt2
from foretell.tasks.programs import OWN, STOPS, problems, program
from foretell.tasks.source import Source
from foretell.text.train import train_tokenizer
from tests.generate.conftest import random_network

SHORT = Limits(seconds=1.5, file_size=10_000)


def ran(text, limits=SHORT):
    return run_program(text, limits, run_untrusted=True)


def test_a_right_program_passes_and_a_wrong_one_fails():
    one = OWN[0]
    assert ran(program(one, one.solution), Limits(seconds=20)).passed
    wrong = ran(program(one, "    return a - b\n"), Limits(seconds=20))
    assert (wrong.passed, wrong.why) == (False, "AssertionError: ")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("while True: pass", "did not end within 1.5 s"),
        ("import time; time.sleep(60)", "did not end within 1.5 s"),
        ("while True: print('x' * 10**6)", "did not end within 1.5 s"),
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("raise SystemExit", "SystemExit"),
        ("import os; os._exit(0)", "ended before its tests"),
        ("import ctypes; ctypes.string_at(0)", "ended before its tests"),
        ("import os\nfor fd in range(3, 1000):\n  try: os.write(fd, b'{\"passed\": true}')\n  except OSError: pass\n"
         "os._exit(0)", "what only its tests may write"),
        ("import os\nfor fd in range(3, 1000):\n  try: os.close(fd)\n  except OSError: pass", "ended before"),
        ("import os; os.kill(os.getppid(), 9)", "PermissionError"),
        ("import os\nwhile True: os.fork()", "PermissionError"),
        ("import subprocess; subprocess.run(['true'])", "PermissionError"),
        ("import os; os.system('true')", "PermissionError"),
        ("import os; os.remove('x')", "PermissionError"),
        ("x = bytearray(2 * 2**30)", "MemoryError"),
        ("open('a', 'w').write('x' * 10**6)", "File too large"),
        ("input()", "EOFError"),
        ("def f(: pass", "SyntaxError"),
        ("def f(): return f()\nf()", "RecursionError"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)  # fmt: skip
def test_what_must_not_pass_does_not(text, why):
    verdict = ran(f"{text}\n", SHORT if "1.5 s" in why else replace(SHORT, seconds=20))
    assert not verdict.passed
    assert why in verdict.why


def test_the_working_folder_is_empty_and_removed(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert ran("import os\nassert not os.listdir()\nopen('a', 'w').write('x')\n", Limits(seconds=20)).passed
    assert not list(tmp_path.iterdir())


def test_nothing_of_a_program_lives_on(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    text = "import posix, time\nif posix.fork() == 0:\n    posix.setsid()\n    time.sleep(600)\n"
    verdict = ran(text, Limits(seconds=20))
    if not verdict.alone:
        pytest.skip("this system allows no process space of its own")
    assert verdict.passed
    assert not [link for link in Path("/proc").glob("[0-9]*/cwd") if str(tmp_path) in read_link(link)]


def read_link(link):
    try:
        return os.readlink(link)
    except OSError:
        return ""


def test_the_network_is_not_there():
    text = "import socket\ntry:\n    socket.create_connection(('127.0.0.1', 9), 1)\nexcept OSError as error:\n"
    verdict = ran(f"{text}    assert error.errno == 101, error\n", Limits(seconds=20))
    if not verdict.alone:
        pytest.skip("this system allows no network of its own")
    assert verdict.passed


def test_files_elsewhere_are_not_changed(tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("as it was")
    for text in (f"open({str(kept)!r}, 'w').write('x')", f"import posix; posix.unlink({str(kept)!r})"):
        verdict = ran(text, Limits(seconds=20))
        if verdict.passed:
            pytest.skip("this system has no Landlock")
        assert "PermissionError" in verdict.why
        assert kept.read_text() == "as it was"


def test_nothing_runs_without_consent(monkeypatch):
    monkeypatch.setattr(programs, "exchanged", lambda *given: pytest.fail("it ran"))
    with pytest.raises(BadUse, match="agree with --yes"):
        run_program("pass")
    with pytest.raises(BadUse, match="agree with --yes"):
        program_suite(None, OWN)


@pytest.mark.parametrize("step", [12])
def test_humanevals_own_solutions_pass_and_others_fail(shared_data, step):
    found, _ = problems(Source(folders=(shared_data / "code",)))
    some, limits = found[::step], Limits(seconds=30)
    right = programs.run_all([program(one, one.solution) for one in some], limits, 2, run_untrusted=True)
    assert [one.id for one, verdict in zip(some, right, strict=True) if not verdict.passed] == []
    wrong = programs.run_all([program(one, "    return None\n") for one in some], limits, 2, run_untrusted=True)
    assert [one.id for one, verdict in zip(some, wrong, strict=True) if verdict.passed] == []


@pytest.mark.slow
def test_every_solution_of_humaneval_passes(shared_data):
    test_humanevals_own_solutions_pass_and_others_fail(shared_data, 1)


@pytest.mark.parametrize("n", [1, 2, 5, 7])
def test_pass_at_k_is_the_share_of_draws_with_a_right_one(n):
    for right in range(n + 1):
        for k in range(1, n + 1):
            draws = list(combinations([i < right for i in range(n)], k))
            assert pass_at_k(n, right, k) == pytest.approx(sum(map(any, draws)) / len(draws), abs=1e-12)


def test_pass_at_k_of_many_programs_stays_finite():
    assert pass_at_k(200, 0, 100) == 0.0
    assert pass_at_k(200, 1, 100) == pytest.approx(0.5)
    assert pass_at_k(10_000, 3, 5000) == pytest.approx(0.875, abs=1e-3)


@pytest.mark.parametrize("given", [(3, 1, 4), (3, 1, 0), (3, 4, 1), (3, -1, 1)])
def test_impossible_counts_are_refused(given):
    with pytest.raises(BadUse, match=r"must be 1 to|cannot be"):
        pass_at_k(*given)


def test_the_interval_is_over_problems():
    found = measured_pass([(10, 1)] * 20 + [(10, 9)] * 20, 1)
    assert (found["value"], found["n"]) == (pytest.approx(0.5), 40)
    assert 0.3 < found["low"] < 0.4 < 0.6 < found["high"] < 0.7


@pytest.mark.parametrize("counts", [[(1, 0)] * 10, [(1, 1)] * 10, [(1, 1)] * 3 + [(1, 0)] * 7, [(5, 0)] * 10])
def test_problems_that_are_solved_or_not_have_the_interval_of_a_share(counts):
    found = measured_pass(counts, 1)
    assert found == share(sum(right > 0 for _, right in counts), 10)
    assert found["high"] - found["low"] > 0.25


@pytest.fixture(scope="module")
def model():
    tokenizer = train_tokenizer("bpe", [one.prompt + one.solution for one in OWN], 400, quiet=True)
    return Model(random_network(replace(gpt2.network("smoke"), n_vocab=400, n_ctx=128)), tokenizer)


@pytest.fixture
def right_if_short(monkeypatch):
    """Programs are not run: those whose hash is even pass. Says which were asked."""
    asked = []

    def run_all(texts, limits, workers, run_untrusted):
        assert run_untrusted
        asked.append(len(texts))
        return [Verdict(passed=len(text) % 2 == 0, alone=True) for text in texts]

    monkeypatch.setattr(programs, "run_all", run_all)
    return asked


ASKED = {"n": 4, "k": (1, 2), "temperature": 0.8, "max_new_tokens": 8, "run_untrusted": True}


def test_an_interrupted_suite_continues_and_says_the_same(model, right_if_short, tmp_path):
    whole = program_suite(model, OWN[:5], **ASKED)
    file = tmp_path / "of" / "programs.jsonl"
    program_suite(model, OWN[:3], file=file, **ASKED)
    with file.open("a") as cut:
        cut.write('{"id": "own/is_ev')
    right_if_short.clear()
    assert program_suite(model, OWN[:5], file=file, **ASKED) == whole
    assert right_if_short == [4, 4]
    assert [json.loads(line)["id"] for line in file.read_text().splitlines()] == [one.id for one in OWN[:5]]
    assert whole["pass"]["pass@1"]["n"] == 5
    assert whole["pass"]["pass@2"]["value"] >= whole["pass"]["pass@1"]["value"]


def test_a_file_of_other_settings_is_refused(model, right_if_short, tmp_path):
    program_suite(model, OWN[:1], file=tmp_path / "a", **ASKED)
    with pytest.raises(BadUse, match="was made with"):
        program_suite(model, OWN[:1], file=tmp_path / "a", **{**ASKED, "temperature": 0.2})
    (tmp_path / "b").write_text("{}\n")
    with pytest.raises(BadUse, match="line 1 is no line of this suite"):
        program_suite(model, OWN[:1], file=tmp_path / "b", **ASKED)


def test_a_problem_that_changed_is_asked_again(model, right_if_short, tmp_path):
    program_suite(model, OWN[:2], file=tmp_path / "a", **ASKED)
    right_if_short.clear()
    program_suite(model, [OWN[0], replace(OWN[1], test="other")], file=tmp_path / "a", **ASKED)
    assert right_if_short == [4]


def test_completions_end_where_the_function_does(model, right_if_short, tmp_path):
    program_suite(model, OWN[:2], file=tmp_path / "a", **ASKED)
    rows = [json.loads(line) for line in (tmp_path / "a").read_text().splitlines()]
    assert not any(stop in sample["completion"] for row in rows for sample in row["samples"] for stop in STOPS)


def test_a_prompt_that_does_not_fit_is_unsolved_and_named(model, right_if_short):
    long = replace(OWN[0], prompt=OWN[0].prompt * 20)
    found = program_suite(model, [long, OWN[1]], **ASKED)
    assert found["does_not_fit"] == [long.id]
    assert found["problems"][long.id] == 0
    assert found["pass"]["pass@1"]["n"] == 2


def test_a_real_run_from_a_model_to_the_figures(model):
    found = program_suite(model, OWN[:2], limits=Limits(seconds=20), max_new_tokens=8, run_untrusted=True)
    assert found["pass"]["pass@1"] == share(0, 2)


@pytest.mark.parametrize(
    ("asked", "says"),
    [({"n": 4, "temperature": 0.0}, "all the same"), ({"n": 2, "k": (3,), "temperature": 1.0}, "pass@3 of 2")],
)
def test_what_cannot_be_measured_is_refused(model, asked, says):
    with pytest.raises(BadUse, match=says):
        program_suite(model, OWN, run_untrusted=True, **asked)
    with pytest.raises(BadUse, match="no problem"):
        program_suite(model, [], run_untrusted=True)
