import torch

from foretell.align.average import frozen, halved, move, take
from foretell.align.logprobs import all_logprobs
from tests.align.test_logprobs import batch, network


def test_the_average_after_n_moves_is_its_closed_form():
    model = network()
    mean, start = frozen(model), {name: p.clone().double() for name, p in model.named_parameters()}
    seen, decay, n = [], 0.992, 5
    for _ in range(n):
        with torch.no_grad():
            for p in model.parameters():
                p.add_(torch.randn_like(p))
        seen.append({name: p.clone().double() for name, p in model.named_parameters()})
        move(mean, model, decay)
    for name, p in mean.named_parameters():
        want = decay**n * start[name] + sum(
            (1 - decay) * decay ** (n - 1 - i) * one[name] for i, one in enumerate(seen)
        )
        torch.testing.assert_close(p.double(), want, atol=1e-5, rtol=0)


def test_a_frozen_copy_stays_as_it_is_and_is_in_evaluation_mode():
    model = network().train()
    copied = frozen(model)
    with torch.no_grad():
        model.embed.token.weight.add_(1)
    assert not torch.equal(model.embed.token.weight, copied.embed.token.weight)
    assert not any(p.requires_grad for p in copied.parameters())
    assert not any(module.training for module in copied.modules())


def test_taken_weights_are_copies():
    one, other = network(0), network(1)
    take(one, other)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert one.embed.token.weight.data_ptr() != other.embed.token.weight.data_ptr()


def test_matrices_in_bf16_give_what_autocast_gives():
    model = network()
    one, other = (all_logprobs(x, batch(), 1.0, "bf16") for x in (model, halved(model)))
    assert torch.equal(one[0], other[0])
    assert torch.equal(one[1], other[1])
