"""SeqGAN's networks: the LSTM policy, which is also the oracle, and the convolutional discriminator of sequences."""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    # The LSTM's output and cell, [N, dim] each.
    State = tuple[Tensor, Tensor]

START_TOKEN = 0
# Logits that are computed at a time, which stay in a core's cache.
CACHED = 640_000
# Sequences that the discriminator judges at a time.
EVALUATED = 512
FILTERS = {1: 100, 2: 200, 3: 200, 4: 200, 5: 200, 6: 100, 7: 100, 8: 100, 9: 100, 10: 100, 15: 160, 20: 160}


class Policy(nn.Module):
    """An LSTM over tokens with a softmax over the vocabulary: p(y_t | y_1 ... y_t-1).

    Parameters
    ----------
    vocabulary : int
    dim : int
        Size of the embedding and of the LSTM's state.
    std : float
        All parameters are drawn from N(0, std²).
    rng : torch.Generator, optional
        What they are drawn from.
    """

    def __init__(self, vocabulary: int, dim: int, *, std: float = 0.1, rng: torch.Generator | None = None) -> None:
        super().__init__()
        self.dim = dim
        self.embedding = nn.Parameter(torch.empty(vocabulary, dim))
        # Input, forget and output gate, and candidate.
        self.token_gates = nn.Parameter(torch.empty(dim, 4 * dim))
        self.state_gates = nn.Parameter(torch.empty(dim, 4 * dim))
        self.gate_bias = nn.Parameter(torch.empty(4 * dim))
        self.output = nn.Parameter(torch.empty(dim, vocabulary))
        self.output_bias = nn.Parameter(torch.empty(vocabulary))
        for parameter in self.parameters():
            nn.init.normal_(parameter, 0.0, std, generator=rng)

    def gates(self) -> Tensor:
        """Return the term that each token adds to the gates, [V, 4 dim]."""
        return self.embedding @ self.token_gates + self.gate_bias

    def initial(self, count: int) -> State:
        zeros = self.embedding.new_zeros(count, self.dim)
        return zeros, zeros

    def advance(self, token_gates: Tensor, state: State) -> State:
        """Return the state after one more token, whose row of ``gates`` is given."""
        h, c = state
        input_gate, forget_gate, output_gate, candidate = (token_gates + h @ self.state_gates).chunk(4, dim=1)
        c = forget_gate.sigmoid() * c + input_gate.sigmoid() * candidate.tanh()
        return output_gate.sigmoid() * c.tanh(), c

    def states(self, sequences: Tensor) -> list[State]:
        """Return the states that predict each token of sequences [N, T]: after the start, after y_1, ... y_T-1."""
        seen = F.pad(sequences[:, :-1], (1, 0), value=START_TOKEN)
        rows = F.embedding(seen, self.gates())
        state, states = self.initial(len(sequences)), []
        for step in range(seen.shape[1]):
            state = self.advance(rows[:, step], state)
            states.append(state)
        return states

    def log_probabilities(self, sequences: Tensor) -> Tensor:
        """Return log p(y_t | y_1 ... y_t-1) of sequences [N, T], in nats, [N, T]."""
        hidden = torch.stack([h for h, _ in self.states(sequences)], dim=1)
        return -self._in_parts(self._losses, hidden.flatten(0, 1), sequences.flatten()).view_as(sequences)

    def _in_parts(self, function: Callable[[Tensor, Tensor], Tensor], hidden: Tensor, other: Tensor) -> Tensor:
        rows = max(1, CACHED // len(self.output_bias))
        return torch.cat(list(starmap(function, zip(hidden.split(rows), other.split(rows), strict=True))))

    def _losses(self, hidden: Tensor, tokens: Tensor) -> Tensor:  # [N, dim], [N] -> [N]
        return F.cross_entropy(torch.addmm(self.output_bias, hidden, self.output), tokens, reduction="none")

    @torch.no_grad()
    def draw(self, hidden: Tensor, uniforms: Tensor) -> Tensor:
        """Draw tokens [N] from the softmax at LSTM outputs [N, dim]: invert its cumulative sum at numbers in 0..1.

        The draw is exact: the sum is taken over blocks of tokens first, then within the block that was met.
        """
        return self._in_parts(self._draw, hidden, uniforms)

    def _draw(self, hidden: Tensor, uniforms: Tensor) -> Tensor:
        size = _block_size(len(self.output_bias))
        probabilities = torch.softmax(torch.addmm(self.output_bias, hidden, self.output), dim=1)
        blocks = probabilities.view(len(hidden), -1, size)
        block, rest = _inverted(blocks.sum(dim=2), uniforms[:, None].contiguous())
        chosen = blocks.take_along_dim(block[:, :, None], dim=1)[:, 0]
        return (block * size + _inverted(chosen, rest)[0])[:, 0]

    @torch.no_grad()
    def sample(self, uniforms: Tensor) -> Tensor:
        """Return sequences int64 [N, T], one token for each number in 0..1 of [N, T]."""
        table = self.gates()
        start = table[START_TOKEN].expand(len(uniforms), -1)
        state = self.advance(start, self.initial(len(uniforms)))
        tokens: list[Tensor] = []
        for step, column in enumerate(uniforms.unbind(dim=1)):
            if step:
                state = self.advance(table[tokens[-1]], state)
            tokens.append(self.draw(state[0], column))
        return torch.stack(tokens, dim=1)


def _block_size(vocabulary: int) -> int:
    """Return the largest divisor of a number up to its square root."""
    return next(size for size in range(int(vocabulary**0.5), 0, -1) if vocabulary % size == 0)


def _inverted(weights: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:  # [N, K], [N, 1] -> [N, 1], [N, 1]
    """Return the first index whose cumulative sum exceeds the target, and what the target exceeds the sum before by."""
    total = weights.cumsum(dim=1)
    index = torch.searchsorted(total, targets, right=True).clamp_(max=weights.shape[1] - 1)
    return index, targets - F.pad(total, (1, 0)).gather(1, index)


@torch.no_grad()
def roll_out(
    policy: Policy, sequences: Tensor, reward: Callable[[Tensor], Tensor], num_rollouts: int, rng: torch.Generator
) -> Tensor:
    """Return the action value of each token: the mean reward of sequences completed after it by the policy.

    Parameters
    ----------
    sequences : Tensor
        int64 [N, T].
    reward : callable
        Whole sequences [M, T] to rewards [M].
    num_rollouts : int
        Completions of each prefix; the last token ends the sequence, so its value is the reward itself.

    Returns
    -------
    Tensor
        [N, T]: column t - 1 estimates Q(y_1 ... y_t-1, y_t) without bias.

    Notes
    -----
    All prefixes of all sequences go on in lockstep from the states of one pass over the sequences.
    """
    count, length = sequences.shape
    states, table = policy.states(sequences), policy.gates()
    copies = sequences.repeat(num_rollouts, 1)
    # [T - 1, R N, T]: row p keeps p + 1 tokens.
    completed = copies.repeat(length - 1, 1, 1)
    h = c = sequences.new_zeros(0, policy.dim, dtype=table.dtype)
    for step in range(1, length):
        if step > 1:
            h, c = policy.advance(table[completed[: step - 1, :, step - 1].flatten()], (h, c))
        joined = (values.repeat(num_rollouts, 1) for values in states[step])
        h, c = (torch.cat(pair) for pair in zip((h, c), joined, strict=True))
        uniforms = torch.rand(len(h), generator=rng).to(h.device)
        completed[:step, :, step] = policy.draw(h, uniforms).view(step, -1)
    values = reward(completed.flatten(0, 1)).view(length - 1, num_rollouts, count).mean(dim=1)
    return torch.cat([values, reward(sequences)[None]]).T


class Highway(nn.Module):
    """t * H(x) + (1 - t) * x with a gate t = sigmoid(T(x)) and H an affine map and a rectifier, [N, D] to [N, D]."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.change, self.gate = nn.Linear(dim, dim), nn.Linear(dim, dim)
        # Nearly closed at the start (Srivastava et al. 2015).
        nn.init.constant_(self.gate.bias, -2.0)

    def forward(self, x: Tensor) -> Tensor:
        return torch.lerp(x, F.relu(self.change(x)), self.gate(x).sigmoid())


class Discriminator(nn.Module):
    """Sequences int64 [N, T] to one logit each, [N]: positive means real.

    Convolutions over 1 to 20 tokens, each followed by the maximum over all positions, then a highway layer.

    Parameters
    ----------
    vocabulary, length : int
        Filters longer than a sequence are left out.
    embedding_dim : int
    width : float
        Of the paper's number of filters.
    dropout : float
        Of the features that reach the logit.
    """

    def __init__(self, vocabulary: int, length: int, *, embedding_dim: int, width: float, dropout: float) -> None:
        super().__init__()
        filters = {size: max(1, round(width * count)) for size, count in FILTERS.items() if size <= length}
        total = sum(filters.values())
        self.embedding = nn.Embedding(vocabulary, embedding_dim)
        self.convolutions = nn.ModuleList(nn.Conv2d(embedding_dim, n, (1, size)) for size, n in filters.items())
        self.highway = Highway(total)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(total, 1)
        # Channels last is a fifth faster on a CPU.
        self.convolutions.to(memory_format=torch.channels_last)

    def features(self, sequences: Tensor) -> Tensor:  # [N, T] -> [N, number of filters]
        # [N, embedding, 1, T], channels last in memory.
        x = self.embedding(sequences).transpose(1, 2)[:, :, None]
        return torch.cat([F.relu(convolution(x).amax(dim=(2, 3))) for convolution in self.convolutions], dim=1)

    def forward(self, sequences: Tensor) -> Tensor:
        return self.output(self.dropout(self.highway(self.features(sequences)))).flatten()

    @torch.no_grad()
    def probability_of_real(self, sequences: Tensor) -> Tensor:
        """Return D(Y) of sequences [N, T] without dropout, [N]."""
        self.eval()
        probabilities = torch.cat([self(rows).sigmoid() for rows in sequences.split(EVALUATED)])
        self.train()
        return probabilities
