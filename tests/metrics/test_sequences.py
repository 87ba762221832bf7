"""Sequences: self-BLEU against NLTK and against plain loops, distinct-n and likelihood by hand."""

from __future__ import annotations

import math
import time
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics.sequences import distinct_n, self_bleu, sequence_nll


def drawn(count, length, vocabulary, seed=0):
    return np.random.RandomState(seed).randint(vocabulary, size=(count, length))


def whole(sequences, n):
    return self_bleu(sequences, n=n, num_samples=len(sequences))


GOLDEN = {
    (0, 40, 20, 12): [0.98625, 0.9776742623938, 0.6819356434956, 0.2785451515509, 0.1291238986021],
    (1, 30, 8, 60): [0.9541666666667, 0.2270468814703, 0.0912630469283, 0.0614824336275, 0.0509762536751],
    (2, 25, 5, 3): [0.992, 0.9733433911902, 0.9577872503073, 0.6711002848452, 0.4544612607034],
    (4, 10, 6, 400): [0.1, 0.0312589765769, 0.0229748213762, 0.0211848493356, 0.0218892534276],
}  # fmt: skip


@pytest.mark.parametrize("setting", GOLDEN)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_golden_numbers(setting, n):
    """As NLTK 3.10.4 gives: the mean of sentence_bleu(the others, s, [1 / n] * n, SmoothingFunction().method1).

    The sequences are RandomState(seed).randint(vocabulary, size=(count, length)); in the last set some have no token
    in common with the others, which NLTK scores 0 without smoothing.
    """
    seed, count, length, vocabulary = setting
    assert whole(drawn(count, length, vocabulary, seed), n) == pytest.approx(GOLDEN[setting][n - 1], abs=1e-12)


def grams(sequence, n):
    return Counter(tuple(sequence[i : i + n]) for i in range(len(sequence) - n + 1))


def by_loops(sequences, n):
    """The paper's definition, sequence by sequence and reference by reference."""
    scores = []
    for i, hypothesis in enumerate(sequences):
        logarithms = []
        for k in range(1, n + 1):
            own, clip = grams(hypothesis, k), Counter()
            for j, other in enumerate(sequences):
                clip |= grams(other, k) if j != i else Counter()
            matches = sum((own & clip).values())
            if k == 1 and not matches:
                break
            logarithms.append(math.log((matches or 0.1) / sum(own.values())))
        scores.append(math.exp(sum(logarithms) / n) if logarithms else 0.0)
    return sum(scores) / len(scores)


SEQUENCES = st.integers(1, 6).flatmap(
    lambda length: st.lists(st.lists(st.integers(0, 4), min_size=length, max_size=length), min_size=2, max_size=8)
)


@settings(deadline=None)
@given(SEQUENCES, st.integers(1, 4), st.randoms(use_true_random=False))
def test_self_bleu_is_the_loop_and_knows_no_order_and_no_names_of_tokens(sequences, n, random):
    n = min(n, len(sequences[0]))
    expected = by_loops(sequences, n)
    names = random.sample(range(5000), 5)
    renamed = [[names[token] for token in sequence] for sequence in random.sample(sequences, len(sequences))]
    assert whole(sequences, n) == pytest.approx(expected, rel=1e-12)
    assert whole(renamed, n) == pytest.approx(expected, rel=1e-12)


def test_self_bleu_of_copies_is_one_and_of_strangers_zero():
    sequences = drawn(20, 12, 50)
    assert whole(np.concatenate([sequences, sequences]), 5) == pytest.approx(1.0, abs=1e-12)
    assert whole(np.arange(60).reshape(6, 10), 3) == 0.0


def test_self_bleu_grows_as_sequences_collapse():
    fresh = drawn(200, 20, 5000, seed=1)
    values = [whole(np.concatenate([fresh[: 200 - m], np.repeat(fresh[-1:], m, axis=0)]), 4) for m in (1, 20, 100, 200)]
    assert values == sorted(values)
    assert values[-1] == 1.0


def test_a_draw_scores_as_the_drawn_sequences_do():
    sequences = drawn(90, 10, 30)
    chosen = np.random.RandomState(7).choice(90, 40, replace=False)
    found = self_bleu(sequences, num_samples=40, seed=7)
    assert found == whole(sequences[chosen], 3)
    assert found != self_bleu(sequences, num_samples=40, seed=8)
    assert self_bleu(sequences, num_samples=40) == self_bleu(sequences, n=3, num_samples=40, seed=2020)


def test_a_thousand_sequences_take_little_time():
    """Against the 999 others each; with a loop over pairs it takes minutes."""
    sequences = drawn(1000, 20, 5000)
    start = time.process_time()
    whole(sequences, 5)
    assert time.process_time() - start < 3


@pytest.mark.parametrize("container", [np.asarray, torch.tensor, list, lambda x: np.asarray(x, dtype=np.float32)])
def test_sequences_in_any_container(container):
    sequences = drawn(30, 8, 9).tolist()
    assert whole(container(sequences), 3) == whole(sequences, 3)
    assert distinct_n(container(sequences)) == distinct_n(sequences)


@pytest.mark.parametrize(
    ("sequences", "code"),
    [
        ([1, 2, 3], "E-SHAPE"),
        ([[1, 2], [3]], "E-SHAPE"),
        ([["a", "b"]], "E-SHAPE"),
        ([[1, 2], [3, -1]], "E-RANGE"),
        ([[1, 2], [3, 0.5]], "E-RANGE"),
        ([[1, 2], [3, math.nan]], "E-NOT-FINITE"),
    ],
)
def test_what_are_no_sequences_is_refused(sequences, code):
    for function in (self_bleu, distinct_n):
        with pytest.raises(InputError) as caught:
            function(sequences)
        assert (caught.value.code, caught.value.where) == (code, "sequences")


@pytest.mark.parametrize("n", [0, -1, 5])
def test_an_order_longer_than_the_sequences_is_refused(n):
    for function in (self_bleu, distinct_n):
        with pytest.raises(UsageError, match=r"1\.\.4"):
            function(drawn(10, 4, 5), n=n)


def test_fewer_sequences_than_are_to_be_drawn_are_refused():
    with pytest.raises(InputError, match=r"500 .* only 10 .*num_samples=10") as caught:
        self_bleu(drawn(10, 4, 5))
    assert caught.value.code == "E-TOO-FEW"
    with pytest.raises(UsageError, match="at least 2"):
        self_bleu(drawn(10, 4, 5), num_samples=1)


@settings(deadline=None)
@given(SEQUENCES, st.integers(1, 3), st.randoms(use_true_random=False))
def test_distinct_n_counts_ngrams_over_tokens(sequences, n, random):
    n = min(n, len(sequences[0]))
    expected = len(set().union(*(grams(sequence, n) for sequence in sequences))) / sum(map(len, sequences))
    assert distinct_n(sequences, n=n) == expected
    assert distinct_n(random.sample(sequences, len(sequences)), n=n) == expected


def test_distinct_n_at_its_ends():
    assert distinct_n(np.arange(40).reshape(4, 10), n=2) == 0.9
    assert distinct_n(np.zeros((4, 10)), n=1) == 1 / 40
    assert distinct_n(np.arange(40).reshape(4, 10)) == 0.9


def test_likelihood_is_per_token_in_nats():
    assert sequence_nll(np.log([[0.5, 0.25], [1.0, 0.125]])) == pytest.approx(6 * math.log(2) / 4)
    assert sequence_nll(np.full((7, 20), -math.log(5000))) == pytest.approx(8.517193191416238)
    log_p = torch.log_softmax(torch.randn(4, 6, 30, generator=torch.Generator().manual_seed(0)), dim=-1)
    tokens = torch.randint(30, (4, 6), generator=torch.Generator().manual_seed(1))
    expected = torch.nn.functional.nll_loss(log_p.flatten(0, 1), tokens.flatten())
    assert sequence_nll(log_p.gather(2, tokens[..., None])[..., 0]) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([[-1.0, 0.3]], "E-RANGE"),
        ([[-1.0, -math.inf]], "E-NOT-FINITE"),
        ([[-1.0, math.nan]], "E-NOT-FINITE"),
        ([-1.0], "E-SHAPE"),
    ],
)
def test_what_are_no_log_probabilities_is_refused(values, code):
    with pytest.raises(InputError) as caught:
        sequence_nll(values)
    assert (caught.value.code, caught.value.where) == (code, "log_probabilities")
