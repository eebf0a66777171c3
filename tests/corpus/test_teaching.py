"""The classifier as a step: taught by the first files as good, by the others as raw, in whatever order they come."""

import pytest

from foretell.corpus.quality import SETTINGS, WEIGHTS, load, score
from foretell.corpus.teaching import teach, texts
from foretell.errors import BadUse
from tests.corpus.made_documents import HELP, made, partition

JUNK = [f"buy cheap offer {i} click now win prize " * 30 for i in range(30)]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[str]:
    """Two files of good documents and two of junk."""
    root = tmp_path_factory.mktemp("taught")
    groups = [HELP[:15], HELP[15:30], JUNK[:20], JUNK[20:]]
    rows = [[{"id": f"{i}-{j}", "text": text} for j, text in enumerate(group)] for i, group in enumerate(groups)]
    return [partition(root / str(i), part) for i, part in enumerate(rows)]


def test_the_first_files_are_the_good_ones_and_their_order_is_nothing(tmp_path, files):
    told = teach(tuple(files), made(tmp_path / "one"), n_positive=2, most=50, seed=0)
    again = (files[1], files[0], files[3], files[2])
    assert teach(again, made(tmp_path / "two"), n_positive=2, most=50, seed=0) == told
    for name in (WEIGHTS, SETTINGS):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    good, bad = score(load(tmp_path / "one"), HELP[30:]), score(load(tmp_path / "one"), [f"new {one}" for one in JUNK])
    assert good.min() > bad.max()
    assert told["auc"] == 1.0


def test_at_most_so_many_documents_teach(tmp_path, files):
    teach(tuple(files), tmp_path, n_positive=2, most=12, seed=0)
    made_of = load(tmp_path)
    assert (made_of.n_positive, made_of.n_negative) == (10, 10), "a fifth is held out"


def test_the_pass_rates_told_are_those_of_the_gates_alpha(tmp_path, files):
    found = {
        alpha: teach(tuple(files), made(tmp_path / str(alpha)), n_positive=2, most=50, seed=0, alpha=alpha)
        for alpha in (0.5, 3.0, 9.0)
    }
    keep, good = ([found[alpha][name] for alpha in found] for name in ("keep_rate", "keep_rate_positive"))
    assert keep[0] > keep[1] > keep[2]
    assert good[0] > good[1] > good[2]
    for alpha, told in found.items():
        assert keep[0] ** (alpha / 0.5) <= told["keep_rate"] * 1.0001, "by Jensen's inequality"
    assert len({(tmp_path / str(alpha) / WEIGHTS).read_bytes() for alpha in found}) == 1


def test_too_few_good_documents_are_an_error_with_the_remedy(tmp_path, files):
    few = partition(tmp_path / "few", [{"id": "1", "text": HELP[0]}])
    with pytest.raises(BadUse, match=r"1 positive documents.*add positive sources, or set quality.alpha to 0"):
        teach((few, *files[2:]), made(tmp_path / "x"), n_positive=1, most=50, seed=0)


def test_texts_are_those_of_all_files_in_order(files):
    assert list(texts(files)) == [*HELP[:30], *JUNK]
