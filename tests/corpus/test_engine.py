"""The engine: partitions in workers, done once; the library's known faults kept away."""

import ast
import os
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from foretell.corpus.engine import EngineConfig, _check_answers, evaluated, library, map_partitions, started
from foretell.corpus.partitions import Partition
from foretell.errors import BadUse, Failed

ENGINE = EngineConfig(workers=2)
PACKAGE = Path(__file__).parents[2] / "foretell"
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a pipe of Daft's own


def multiplied(inputs, folder, *, by):
    number = int(Path(inputs[0]).read_text())
    if number == 13:
        raise ValueError("thirteen")
    if number == 14:
        raise BadUse("14 is not 13; give 13")
    if number == 99:
        os.kill(os.getpid(), signal.SIGKILL)
    (folder / "out.txt").write_text(str(number * by))
    return {"number": number, "process": os.getpid()}


def inputs(tmp_path, numbers) -> list[Partition]:
    made = []
    for place, number in enumerate(numbers):
        (tmp_path / f"{place}.txt").write_text(str(number))
        made.append(Partition(f"p{place}", (str(tmp_path / f"{place}.txt"),)))
    return made


def run(tmp_path, parts, by=2, engine=ENGINE):
    return map_partitions(partial(multiplied, by=by), parts, tmp_path / "stage", key=str(by), engine=engine, quiet=True)


def test_every_partition_is_done_in_the_order_given_by_other_processes(tmp_path):
    done = run(tmp_path, inputs(tmp_path, [3, 1, 2]))
    assert [(one.folder / "out.txt").read_text() for one in done] == ["6", "2", "4"]
    assert os.getpid() not in {one.result["process"] for one in done}


def test_only_what_changed_is_done_again(tmp_path):
    parts = inputs(tmp_path, [3, 1, 2])
    run(tmp_path, parts)
    (tmp_path / "1.txt").write_text("40")
    assert [one.before for one in run(tmp_path, parts)] == [True, False, True]
    assert [one.before for one in run(tmp_path, parts)] == [True, True, True]
    assert [one.before for one in run(tmp_path, parts, by=3)] == [False, False, False]


@pytest.mark.parametrize(
    ("number", "kind", "said"), [(13, Failed, "p1 failed: ValueError: thirteen"), (14, BadUse, "14")]
)
def test_a_partition_that_fails_is_named_and_leaves_the_others_done(tmp_path, number, kind, said):
    parts = inputs(tmp_path, [1, number, 2])
    with pytest.raises(kind, match=said) as raised:
        run(tmp_path, parts)
    assert "in multiplied" in raised.value.__notes__[0]
    (tmp_path / "1.txt").write_text("5")
    assert [one.before for one in run(tmp_path, parts)] == [True, False, True]


def test_a_worker_that_is_killed_is_an_error_that_says_what_to_do(tmp_path):
    parts = inputs(tmp_path, [1, 99])
    with pytest.raises(Failed, match="run it again"):
        run(tmp_path, parts, engine=EngineConfig(workers=1))
    (tmp_path / "1.txt").write_text("5")
    assert [one.before for one in run(tmp_path, parts)] == [True, False]


def test_no_partitions_are_no_work(tmp_path):
    assert run(tmp_path, []) == []


def test_expressions_are_evaluated_on_a_table_without_a_runner():
    import pyarrow as pa

    column = library().col("text")
    assert evaluated(pa.table({"text": ["A b", None]}), low=column.lower()).to_pydict() == {"low": ["a b", None]}


def test_a_process_has_one_runner():
    started(ENGINE)
    with pytest.raises(BadUse, match="already uses native"):
        started(EngineConfig(runner="ray"))


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="workers=-1"):
        EngineConfig(workers=-1)
    with pytest.raises(ValueError, match="address"):
        EngineConfig(address="10.0.0.1:6379")
    assert EngineConfig().n_workers >= 1


@pytest.mark.parametrize("address", ["127.0.0.1:{}", "ray://127.0.0.1:{}", "127.0.0.1:99999"])
def test_a_cluster_that_does_not_answer_is_told_at_once(address):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # and nobody listens there
        with pytest.raises(BadUse, match="no Ray cluster answers at "):
            _check_answers(address.format(free.getsockname()[1]))


def test_a_cluster_that_answers_and_a_word_of_rays_are_taken():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        _check_answers(f"127.0.0.1:{listening.getsockname()[1]}")
    _check_answers("auto")


def test_only_the_engine_imports_daft_and_ray():
    named = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if {"daft", "ray"} & {name.split(".")[0] for name in names}:
                named.add(path.name)
    assert named == {"engine.py"}


def test_the_engine_itself_starts_quickly_and_sends_nothing():
    code = (
        "import sys, os\nfrom foretell.corpus.engine import library\n"
        "assert not {'daft', 'pyarrow'} & sys.modules.keys()\n"
        "library()\nfrom daft.scarf_telemetry import opted_out\nassert opted_out()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


EXIT = """
import pyarrow as pa, pyarrow.parquet as pq, sys
from foretell.corpus.engine import EngineConfig, started
daft = started(EngineConfig(workers=2))
pq.write_table(pa.table({"text": ["a b c d e f"] * 2000}), sys.argv[1] + "/in.parquet")
signed = daft.col("text").minhash(num_hashes=16, ngram_size=2, seed=1, hash_function="xxhash")
daft.read_parquet(sys.argv[1] + "/in.parquet").select(signed).write_parquet(sys.argv[1] + "/out")
"""


@pytest.mark.slow
def test_a_process_that_has_written_ends_well_every_time(tmp_path):
    ends = [subprocess.run([sys.executable, "-c", EXIT, str(tmp_path)], capture_output=True) for _ in range(3)]
    assert [end.returncode for end in ends] == [0, 0, 0], ends
