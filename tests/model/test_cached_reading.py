import pytest
import torch

from foretell.model.cache import empty_cache

PATTERNS = [("dense",), ("banded",), ("strided",), ("dense", "banded")]
POSITIONS = ["learned", "sinusoid", "rotary"]
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def alone(model, rows):
    """The last hidden states of each row, read at once, by itself, without a cache."""
    return [model.hidden(torch.tensor([row]))[0] for row in rows]


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("attention", PATTERNS)
@pytest.mark.parametrize("cut", [[1] * 12, [5, 1, 1, 5], [12], [1, 11], [3, 4, 5]])
def test_reading_in_pieces_equals_reading_at_once(network, attention, positions, cut):
    model = network(attention=attention, positions=positions, window=3)
    ids = torch.randint(0, 17, (2, 12))
    cache = empty_cache(model.cfg, 2, 12, model.embed.token.weight)
    parts = [model.hidden(part, cache=cache) for part in ids.split(cut, 1)]
    torch.testing.assert_close(torch.cat(parts, 1), model.hidden(ids), **CLOSE)
    assert cache.lengths == [12, 12]


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("attention", PATTERNS)
@pytest.mark.parametrize("new", [[1, 1, 1], [3], [2, 1]])
def test_rows_of_unequal_length_read_as_each_would_alone(network, attention, positions, new):
    model = network(attention=attention, positions=positions, window=3)
    prompts, more = [[3, 1, 4], [1, 5, 9, 2, 6, 5], [8]], torch.randint(0, 17, (3, 3))
    padded = torch.tensor([prompt + [13] * (6 - len(prompt)) for prompt in prompts])
    cache = empty_cache(model.cfg, 3, 9, model.embed.token.weight)
    first = model.hidden(padded, cache=cache)
    cache.lengths = [len(prompt) for prompt in prompts]
    later = torch.cat([model.hidden(part, cache=cache) for part in more.split(new, 1)], 1)
    whole = alone(model, [prompt + row for prompt, row in zip(prompts, more.tolist(), strict=True)])
    for b, prompt in enumerate(prompts):
        torch.testing.assert_close(first[b, : len(prompt)], whole[b][: len(prompt)], **CLOSE)
        torch.testing.assert_close(later[b], whole[b][len(prompt) :], **CLOSE)
    assert cache.lengths == [len(prompt) + 3 for prompt in prompts]


def test_padding_that_all_rows_share_is_written_over(network):
    model = network()
    cache = empty_cache(model.cfg, 2, 8, model.embed.token.weight)
    model.hidden(torch.tensor([[3, 1, 13, 13], [4, 1, 13, 13]]), cache=cache)
    cache.lengths = [2, 2]
    got = model.hidden(torch.tensor([[5], [9]]), cache=cache)
    want = alone(model, [[3, 1, 5], [4, 1, 9]])
    torch.testing.assert_close(got[:, 0], torch.stack([row[-1] for row in want]), **CLOSE)


def test_rows_that_become_equal_again_read_on(network):
    model = network(attention=("strided",), window=2)
    cache = empty_cache(model.cfg, 2, 8, model.embed.token.weight)
    model.hidden(torch.tensor([[3, 13, 13], [1, 5, 9]]), cache=cache)
    cache.lengths = [1, 3]
    model.hidden(torch.tensor([[4, 2], [6, 13]]), cache=cache)
    cache.lengths = [3, 4]
    model.hidden(torch.tensor([[7], [13]]), cache=cache)
    cache.lengths = [4, 4]
    got = model.hidden(torch.tensor([[1, 2], [2, 1]]), cache=cache)
    want = alone(model, [[3, 4, 2, 7, 1, 2], [1, 5, 9, 6, 2, 1]])
    torch.testing.assert_close(got, torch.stack([row[-2:] for row in want]), **CLOSE)


@pytest.mark.parametrize("kept", [[2, 0, 0], [1], [0, 1, 2, 2, 1]])
def test_selected_rows_go_on_as_themselves(network, kept):
    model = network(positions="rotary", attention=("banded",), window=3)
    prompts = [[3, 1, 4], [1, 5, 9, 2, 6, 5], [8]]
    cache = empty_cache(model.cfg, 3, 9, model.embed.token.weight)
    model.hidden(torch.tensor([prompt + [13] * (6 - len(prompt)) for prompt in prompts]), cache=cache)
    cache.lengths = [len(prompt) for prompt in prompts]
    cache.select(torch.tensor(kept))
    new = torch.randint(0, 17, (len(kept), 2))
    got = model.hidden(new, cache=cache)
    want = alone(model, [prompts[row] + more for row, more in zip(kept, new.tolist(), strict=True)])
    torch.testing.assert_close(got, torch.stack([row[-2:] for row in want]), **CLOSE)


def test_rows_repeated_by_select_do_not_share_memory(network):
    model = network()
    cache = empty_cache(model.cfg, 1, 4, model.embed.token.weight)
    model.hidden(torch.tensor([[3, 1]]), cache=cache)
    cache.select(torch.tensor([0, 0]))
    model.hidden(torch.tensor([[5], [6]]), cache=cache)
    got = model.hidden(torch.tensor([[2], [2]]), cache=cache)
    want = alone(model, [[3, 1, 5, 2], [3, 1, 6, 2]])
    torch.testing.assert_close(got[:, 0], torch.stack([row[-1] for row in want]), **CLOSE)


def test_a_translation_reads_its_memory_once_and_steps_as_if_at_once(network):
    model = network(kind="seq2seq", norm_place="post", positions="sinusoid", activation="relu")
    source, target = torch.randint(0, 17, (3, 5)), torch.randint(0, 17, (3, 6))
    real = torch.arange(5) < torch.tensor([[5], [2], [4]])
    memory = model.encode(source, real)
    cache = empty_cache(model.cfg, 3, 6, memory)
    steps = [model.hidden(ids, memory=memory, memory_attend=real, cache=cache) for ids in target[:, :4].split(1, 1)]
    want = model.hidden(target, memory=memory, memory_attend=real)
    torch.testing.assert_close(torch.cat(steps, 1), want[:, :4], **CLOSE)
    nonsense = torch.full_like(memory, torch.nan)
    kept = torch.tensor([2, 0])
    cache.select(kept)
    got = model.hidden(target[kept, 4:], memory=nonsense[kept], memory_attend=real[kept], cache=cache)
    torch.testing.assert_close(got, want[kept, 4:], **CLOSE)


def test_a_full_cache_refuses_another_position(network):
    model = network()
    cache = empty_cache(model.cfg, 1, 3, model.embed.token.weight)
    model.hidden(torch.tensor([[3, 1]]), cache=cache)
    with pytest.raises(AssertionError, match="4 positions do not fit into a cache of 3"):
        model.hidden(torch.tensor([[3, 1]]), cache=cache)


def test_a_cache_holds_the_precision_that_it_is_given(network):
    model = network().to(torch.bfloat16)
    cache = empty_cache(model.cfg, 1, 3, model.embed.token.weight)
    assert cache.layers[0].keys.dtype == torch.bfloat16
    got = model.hidden(torch.tensor([[3, 1]]), cache=cache)
    torch.testing.assert_close(got, model.hidden(torch.tensor([[3, 1]])))
