"""Likelihood and diversity of generated token sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics._integers import Integers, integer_matrix
from ganmetrics.metrics._validation import matrix
from ganmetrics.numerics.resampling import seeded

if TYPE_CHECKING:
    from ganmetrics.types import ArrayLike

# Stands for a count of no matches: method 1 of Chen and Cherry (2014).
SMOOTHING = 0.1
# Ids below it are exact in float64.
TOKENS = 2**53
# A logarithm of a probability in float32 may exceed 0 by this.
ROUNDING = 1e-5


def self_bleu(sequences: ArrayLike, *, n: int = 3, num_samples: int = 500, seed: int = 2020) -> float:
    """Mean BLEU-n of each sequence against all others of the same set.

    Use it to see whether a generator of sequences repeats itself. Lower is better (more diverse), 1 where every
    sequence occurs twice. It grows with ``num_samples``, so only values of one number of sequences compare; and it says
    nothing of quality.

    Parameters
    ----------
    sequences : array_like, [N, T]
        Token ids, whole numbers from 0.
    n : int
        The longest n-gram; orders 1..n weigh the same.
    num_samples : int
        Sequences drawn without replacement, each scored against all the other drawn ones.
    seed : int
        Seed of that draw; without effect where ``num_samples`` is N.

    Returns
    -------
    float
        The mean BLEU, in 0..1.

    Raises
    ------
    InputError
        There are fewer sequences than ``num_samples``, the shape is another, or a value is no whole number.
    UsageError
        ``n`` is not in 1..T, or ``num_samples`` is below 2.

    Notes
    -----
    The numbers of NLTK's ``sentence_bleu`` with uniform weights and ``SmoothingFunction().method1``, as in Texygen:
    order 3 and 500 sequences there too, but the first 500 in place of a draw. Sequences are of one length, so there is
    no brevity penalty. The largest and the second largest count of each n-gram over the set are enough to clip every
    sequence by the others, so the work grows with N and not with N².

    References
    ----------
    Zhu et al.: Texygen: A benchmarking platform for text generation models. SIGIR 2018, arXiv:1802.01886.
    Papineni et al.: BLEU: a method for automatic evaluation of machine translation. ACL 2002.
    Chen, Cherry: A systematic comparison of smoothing techniques for sentence-level BLEU. WMT 2014.

    Examples
    --------
    >>> import numpy as np
    >>> self_bleu(np.array([[1, 2, 3, 4], [1, 2, 3, 4]]), num_samples=2)
    1.0
    >>> round(self_bleu(np.array([[1, 2, 3, 4], [1, 2, 5, 6]]), n=2, num_samples=2), 4)
    0.4082
    """
    tokens = _tokens(sequences, n)
    if num_samples < 2:
        raise UsageError(f"num_samples is {num_samples}; it must be at least 2", where="self_bleu.num_samples")
    if len(tokens) < num_samples:
        what = f"{num_samples} sequences are to be drawn and only {len(tokens)} are there"
        hint = f"Score more sequences, or pass `num_samples={len(tokens)}` (a different protocol)"
        raise InputError(what, where="self_bleu.num_samples", hint=hint, code="E-TOO-FEW")
    drawn = tokens[seeded(seed).choice(len(tokens), num_samples, replace=False)]
    return _mean_bleu([_clipped_matches(grams) for grams in _ngrams(drawn, n)], drawn.shape[1])


def distinct_n(sequences: ArrayLike, *, n: int = 2) -> float:
    """Number of distinct n-grams of a set of sequences over its number of tokens.

    Use it to see how many of its words a generator of sequences repeats. Higher is better (more diverse), at most (T -
    n + 1) / T. It falls as the set grows, so only values of one number of sequences compare.

    Parameters
    ----------
    sequences : array_like, [N, T]
        Token ids, whole numbers from 0.
    n : int
        The length of the n-grams.

    Returns
    -------
    float
        The ratio, above 0 and at most 1.

    Raises
    ------
    InputError
        The shape is another, or a value is no whole number.
    UsageError
        ``n`` is not in 1..T.

    Notes
    -----
    Scaled by tokens, as the paper says; some packages divide by the number of n-grams instead, which gives
    T / (T - n + 1) times as much.

    References
    ----------
    Li, Galley, Brockett, Gao, Dolan: A diversity-promoting objective function for neural conversation models.
    NAACL 2016, arXiv:1510.03055.

    Examples
    --------
    >>> import numpy as np
    >>> distinct_n(np.array([[1, 2, 1, 2], [1, 2, 3, 4]]), n=2)
    0.5
    """
    tokens = _tokens(sequences, n)
    return len(np.unique(_ngrams(tokens, n)[-1])) / tokens.size


def sequence_nll(log_probabilities: ArrayLike) -> float:
    """Mean negative log-likelihood of a token, in nats.

    Use it for generators of sequences whose likelihood an oracle or the generator itself tells. Lower is better. Of
    generated sequences under an oracle it is SeqGAN's NLL_oracle, best at the oracle's own entropy rate; of held-out
    sequences under the generator it is NLL_test. Divided by log 2 it is in bits.

    Parameters
    ----------
    log_probabilities : array_like, [N, T]
        log p(token t | tokens before it) of each token, natural logarithm.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    InputError
        The shape is another, or a value is NaN, infinite or above 0.

    Notes
    -----
    The mean is per token, as the published tables are (SeqGAN: 8.736 for length 20 and vocabulary 5,000); that of a
    whole sequence is T times as much.

    References
    ----------
    Yu, Zhang, Wang, Yu: SeqGAN: Sequence generative adversarial nets with policy gradient. AAAI 2017,
    arXiv:1609.05473.

    Examples
    --------
    >>> import numpy as np
    >>> round(sequence_nll(np.log(np.full((3, 20), 1 / 5000))), 4)
    8.5172
    """
    x = matrix(log_probabilities, "log_probabilities")
    if float(x.max()) > ROUNDING:
        what = f"log_probabilities reach {float(x.max()):.6g}; the logarithm of a probability is at most 0"
        raise InputError(what, where="log_probabilities", hint="Apply log_softmax to logits", code="E-RANGE")
    return float(-x.mean())


def _mean_bleu(matches: list[Integers], length: int) -> float:  # of each order: [N] -> float
    lengths = length - np.arange(len(matches))[:, None]
    # Precisions of each order and sequence, [n, N].
    precisions = np.where(np.equal(matches, 0), SMOOTHING, matches) / lengths
    # Without one common word BLEU is 0, which smoothing would hide.
    bleu = np.exp(np.log(precisions).mean(axis=0))
    return float(np.where(matches[0] == 0, 0.0, bleu).mean())


def _tokens(sequences: Any, n: int) -> Integers:  # -> [N, T]
    tokens = integer_matrix(sequences, "sequences", TOKENS)
    if not 1 <= n <= tokens.shape[1]:
        raise UsageError(
            f"n is {n}; sequences of {tokens.shape[1]} tokens have n-grams of 1..{tokens.shape[1]}", where="n"
        )
    return tokens


def _ngrams(tokens: Integers, n: int) -> list[Integers]:  # [N, T] -> for each order k: [N, T - k + 1]
    """Number the n-grams of orders 1..n; equal n-grams get equal numbers."""
    # Numbers stay below the square of the vocabulary, however long the n-grams are.
    first = np.unique(tokens, return_inverse=True)[1].reshape(tokens.shape)
    orders = [first]
    for k in range(1, n):
        # An n-gram is a shorter one and its next token.
        pairs = orders[-1][:, :-1] * (int(first.max()) + 1) + first[:, k:]
        orders.append(np.unique(pairs, return_inverse=True)[1].reshape(pairs.shape))
    return orders


def _clipped_matches(grams: Integers) -> Integers:  # [N, L] -> [N]
    """Count each sequence's n-grams that another holds, each at most as often as in the one that holds it most."""
    # The largest and the second largest count of an n-gram are enough: the second counts for its first holder.
    num_grams = int(grams.max()) + 1
    rows = np.arange(len(grams))[:, None]
    # Each n-gram of each sequence, and how often it holds it.
    pairs, counts = np.unique(rows * num_grams + grams, return_counts=True)
    owner, gram = np.divmod(pairs, num_grams)
    order = np.lexsort((-counts, gram))
    starts = np.flatnonzero(np.r_[True, np.diff(gram[order]) > 0])
    holders = np.diff(np.r_[starts, len(order)])
    seconds = np.where(holders > 1, counts[order[np.minimum(starts + 1, len(order) - 1)]], 0)
    most_elsewhere = counts[order[starts]][gram]
    most_elsewhere[order[starts]] = seconds
    return np.bincount(owner, np.minimum(counts, most_elsewhere), len(grams)).astype(np.int64)
