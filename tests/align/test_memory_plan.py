from dataclasses import replace
from pathlib import Path

from foretell.align.memory_plan import flops_of, in_words, memory_plan, plan_of
from foretell.model.config import Heads
from foretell.model.count import flops_per_token, parameters
from tests.align.made_run import N_CTX, config, made, network


def n_of(cfg):
    return sum(parameters(cfg).values())


def test_the_four_networks_are_counted_by_what_is_kept_of_each():
    cfg = config(Path("nowhere"))
    small = network(n_layers=1, d_ff=8, heads=Heads(lm=False, n_outputs=1))
    plan = memory_plan(cfg, small, small)
    assert plan["policy"] == 16 * n_of(cfg.model)
    assert plan["reference"] == plan["average"] == 4 * n_of(cfg.model)
    assert plan["value"] == 16 * n_of(small)
    assert plan["reward"] == 4 * n_of(small)


def test_what_a_run_does_not_have_is_not_counted():
    ppo = {"advantages": "group", "samples": 4, "average": 0.0}
    assert {"value", "average"}.isdisjoint(memory_plan(config(Path("nowhere"), ppo)))
    guarded = memory_plan(config(Path("nowhere"), {"most_kl": 10.0}))
    assert guarded["average"] == 8 * n_of(network())


def test_bf16_halves_what_is_frozen_and_text_keeps_two_copies_of_the_gradients():
    cfg = config(Path("nowhere"))
    half = memory_plan(replace(cfg, machine=replace(cfg.machine, precision="bf16")))
    assert half["reference"] == memory_plan(cfg)["reference"] / 2
    with_text = memory_plan(config(Path("nowhere"), {"ptx_weight": 1.0}))
    assert with_text["update"] - memory_plan(cfg)["update"] == 8 * n_of(cfg.model)


def test_the_plan_reads_the_shapes_of_the_folders_that_are_there(tmp_path):
    files = made(tmp_path)
    assert plan_of(config(files)) == memory_plan(config(files), *[network(heads=Heads(lm=False, n_outputs=1))] * 2)
    assert plan_of(config(Path("nowhere"))) == memory_plan(config(Path("nowhere")))
    assert in_words({"policy": 2**20, "value": 2**31}) == "2.00 GiB  (policy 1.0 MiB, value 2.00 GiB)"


def test_operations_are_ten_forward_passes_and_the_texts_training():
    plain, with_text = config(Path("nowhere")), config(Path("nowhere"), {"ptx_weight": 1.0, "ptx_rows": 3})
    tokens, each = 10 * 8 * N_CTX, flops_per_token(network(), N_CTX)
    assert flops_of(plain) == 10 / 3 * tokens * each
    assert flops_of(with_text) == flops_of(plain) + 3 * tokens * each
