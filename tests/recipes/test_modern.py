"""The modern recipe is the decoder with today's parts and nothing of an older rung left by accident."""

from foretell.model.count import parameters
from foretell.recipes import gpt2, modern
from foretell.train.config import Muon


def test_it_has_no_biases_and_no_position_table():
    from foretell.model.init import build_meta

    names = [name for name, _ in build_meta(modern.network("nano")).named_parameters()]
    assert not [name for name in names if "bias" in name or "position" in name]


def test_it_is_no_larger_than_the_gpt2_of_the_same_name():
    for size in ("nano", "mini", "124M"):
        ours, theirs = (sum(parameters(rung.network(size)).values()) for rung in (modern, gpt2))
        cfg = modern.network(size)
        assert ours <= theirs + cfg.n_vocab * cfg.d_model  # an output matrix of its own at most


def test_its_matrices_are_muons():
    assert isinstance(modern.pretrain("nano").optim, Muon)
