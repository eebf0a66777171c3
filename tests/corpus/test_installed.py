import shutil
import subprocess
import sys
import sysconfig
from collections import Counter
from pathlib import Path

import pytest

from foretell.corpus.docstrings import module_text
from foretell.corpus.documents import documentation, is_prose, source_hash
from foretell.corpus.installed import documentation_source, gather_documentation, installed

LIMIT = 3_000_000


@pytest.fixture(scope="module")
def found():
    return gather_documentation(LIMIT, True)


def test_the_limit_is_kept_and_nearly_reached(found):
    size = sum(len(one.text.encode()) for one in found.documents)
    assert 0.9 * LIMIT < size <= LIMIT


def test_the_standard_library_and_its_help_come_first(found):
    by_id = {one.id: one for one in found.documents}
    assert by_id["shutil.py"].text == module_text("shutil", Path(shutil.__file__).read_text()).strip() + "\n"
    assert by_id["help/else"].source == "python"
    assert "help/if" not in by_id  # the same page
    sources = [one.source for one in found.documents]
    assert sources[: sources.count("python")] == ["python"] * sources.count("python")


def test_each_document_is_there_once_and_reads_as_text(found):
    assert (
        len({one.text for one in found.documents}) == len({one.id for one in found.documents}) == len(found.documents)
    )
    assert all(is_prose(one.text) for one in found.documents)
    assert found.dropped.keys() <= {
        "duplicate",
        "no prose",
        "too long",
        "too short",
        "no Python",
        "not UTF-8",
        "unreadable",
    }


def test_no_path_of_this_machine_is_in_it(found):
    here = {sysconfig.get_paths()[name] for name in ("stdlib", "purelib")} | {str(Path(__file__).parents[2])}
    for one in found.documents:
        assert not one.id.startswith("/")
        assert not any(path in one.text or path in one.id for path in here)


def test_tests_and_private_modules_are_left_out(found):
    modules = [one.id for one in found.documents if one.id.endswith(".py")]
    parts = {part for name in modules for part in name.split("/")}
    assert not parts & {"test", "tests", "idle_test", "__main__.py", "foretell"}
    assert not any(part.startswith("_") and part != "__init__.py" for part in parts)


@pytest.mark.slow
def test_packages_share_what_is_left():
    share = Counter()
    for one in documentation(quiet=True):
        share[one.source] += len(one.text)
    del share["python"]
    assert max(share.values()) < 0.25 * sum(share.values())


@pytest.mark.slow
def test_another_process_gathers_the_same(found):
    program = (
        "from foretell.corpus.documents import documentation, source_hash;"
        f"print(source_hash(documentation({LIMIT}, quiet=True)))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == source_hash(found.documents)


def test_the_caller_may_change_its_list():
    first = documentation(LIMIT, quiet=True)
    first.clear()
    assert documentation(LIMIT, quiet=True)


def test_the_name_of_the_text_moves_with_the_limit_and_holds_no_version_of_foretell():
    assert documentation_source(1000) == documentation_source(1000) != documentation_source(2000)
    names = [name for name, _ in installed()]
    assert "foretell" not in names
    assert "numpy" in names
