import numpy as np
import pytest

from foretell.corpus.order import AHEAD, ROUNDS, hashed, permuted, shuffled, stream

WORD = (1 << 64) - 1


def mixed_slowly(x: int) -> int:
    """Splitmix64's finaliser with Python's whole numbers."""
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & WORD
    return x ^ (x >> 31)


def hashed_slowly(key: int, x: int) -> int:
    return mixed_slowly(key ^ mixed_slowly((x + 0x9E3779B97F4A7C15) & WORD))


def permuted_slowly(place: int, n: int, key: int) -> int:
    """One place at a time: the Feistel network, walked along its cycle."""
    half = max(((n - 1).bit_length() + 1) // 2, 1)
    while True:
        left, right = place >> half, place & ((1 << half) - 1)
        for turn in range(ROUNDS):
            left, right = right, left ^ (hashed_slowly((key + turn) & WORD, right) & ((1 << half) - 1))
        place = left << half | right
        if place < n:
            return place


@pytest.mark.parametrize("n", [1, 2, 3, 5, 64, 65, 1000])
def test_the_network_is_its_slow_twin_and_a_permutation(n):
    places = np.arange(n)
    keys = np.full(n, 12345, dtype=np.uint64)
    found = permuted(places, n, keys)
    assert found.tolist() == [permuted_slowly(int(p), n, 12345) for p in places]
    assert sorted(found.tolist()) == list(range(n))


@pytest.mark.parametrize("n", [1, 6, 1000, 70_000, 1 << 34])
def test_places_with_keys_of_their_own_are_sent_as_those_with_one(n):
    """Rounds are looked up where many places have a key, and hashed where few have it or the tables were too wide."""
    chance = np.random.default_rng(0)
    places = chance.integers(0, n, 900)
    runs = np.repeat(np.array([7, WORD, 1 << 63], dtype=np.uint64), 300)
    for keys in (runs, chance.permutation(runs)):
        slowly = [permuted_slowly(int(place), n, int(key)) for place, key in zip(places, keys, strict=True)]
        assert permuted(places, n, keys).tolist() == slowly


@pytest.mark.parametrize("n_rows", [1, 7, 100, 2 * AHEAD + 1])
def test_each_epoch_reads_each_row_once_in_an_order_of_its_own(n_rows):
    epochs = shuffled(np.arange(3 * n_rows), n_rows, seed=4).reshape(3, n_rows)
    assert (np.sort(epochs, axis=1) == np.arange(n_rows)).all()
    if n_rows > 7:
        assert (epochs[0] != epochs[1]).any()
        assert (epochs[0] != shuffled(np.arange(n_rows), n_rows, seed=5)).any()


def test_a_sample_reads_the_same_row_whatever_it_is_asked_with():
    together = shuffled(np.arange(3 * AHEAD), 1000, seed=1)
    alone = [shuffled(np.array([i]), 1000, seed=1)[0] for i in (0, 17, AHEAD - 1, AHEAD, 2 * AHEAD + 5)]
    assert alone == together[[0, 17, AHEAD - 1, AHEAD, 2 * AHEAD + 5]].tolist()
    mixed = np.array([5000, 3, 9000, 3])
    assert shuffled(mixed, 1000, seed=1).tolist() == together[mixed].tolist()


def test_neighbours_end_up_as_far_apart_as_in_a_uniform_shuffle():
    n = 20_000
    rows = shuffled(np.arange(n), n, seed=0)
    assert np.abs(np.diff(rows)).mean() / n == pytest.approx(1 / 3, abs=0.01)


def test_a_negative_seed_and_a_large_one_are_seeds_as_well():
    orders = [tuple(shuffled(np.arange(50), 50, seed)) for seed in (-1, 0, 2**63, 2**64 + 1)]
    assert len(set(orders)) == 4


def test_the_stream_is_its_slow_twin():
    seed, n = 3, 5
    begun = mixed_slowly((seed * 0x9E3779B97F4A7C15 + 3 * 0xD1B54A32D192ED03) & WORD)  # purpose 2
    for sample in (0, 1, 10**12):
        first = hashed_slowly(begun, sample)
        want = [mixed_slowly((first + i * 0x9E3779B97F4A7C15) & WORD) >> 11 for i in range(1, n + 1)]
        assert stream(seed, np.array([sample]), n, purpose=2)[0].tolist() == [w * 2.0**-53 for w in want]


def test_splitmix_gives_the_published_numbers_of_its_state():
    """The first outputs of Vigna's splitmix64.c begun at 1234567, as printed in Rosetta Code's task."""
    state = 1234567
    for want in (6457827717110365317, 3203168211198807973, 9817491932198370423):
        state = (state + 0x9E3779B97F4A7C15) & WORD
        assert mixed_slowly(state) == want


def test_the_numbers_of_a_stream_are_uniform_and_unrelated():
    draws = stream(0, np.arange(2000), 50)
    assert draws.min() >= 0
    assert draws.max() < 1
    counts = np.histogram(draws, 20, (0, 1))[0]
    assert np.abs(counts / 5000 - 1).max() < 0.06  # four standard deviations
    assert abs(np.corrcoef(draws[:-1].ravel(), draws[1:].ravel())[0, 1]) < 0.015
    assert abs(np.corrcoef(draws[:, :-1].ravel(), draws[:, 1:].ravel())[0, 1]) < 0.015


def test_another_purpose_seed_or_sample_gives_other_numbers():
    same = stream(0, np.array([7]), 4)
    for other in (stream(0, np.array([7]), 4, purpose=1), stream(1, np.array([7]), 4), stream(0, np.array([8]), 4)):
        assert not np.intersect1d(same, other).size
    assert (same == stream(0, np.array([3, 7]), 9)[1:, :4]).all()


def test_a_hash_moves_with_its_key_and_its_number():
    assert hashed(np.uint64([1]), np.uint64([2])) != hashed(np.uint64([2]), np.uint64([1]))
