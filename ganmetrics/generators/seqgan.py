"""SeqGAN: sequences of tokens from an LSTM that is trained by policy gradient against a discriminator.

As in the synthetic experiment of Yu et al. (2017): an oracle, an LSTM whose parameters are drawn from N(0, 1), writes
10,000 sequences of 20 tokens out of a vocabulary of 5,000; a generator of the same architecture learns them, first by
maximum likelihood (MLE), then by policy gradient, where the reward of a token is the discriminator's mean output over
Monte-Carlo roll-outs from it. NLL_oracle, the mean negative log-likelihood of generated tokens under the oracle, tells
how good the generator is. The roll-out policy is the generator itself.

An iteration is one batch of maximum likelihood, then one batch of the discriminator, and in the adversarial phase one
batch of the discriminator with, every ``policy_every``-th time, one step of the policy.

Deviations, for a training of minutes: a quarter of the discriminator's filters and half of its embedding, a learning
rate of 1e-3 in place of 1e-4; 38 epochs of maximum likelihood in place of 120, the learning rate falling in the second
half; batches of 16 sequences in place of 64 for the policy; the discriminator moves in single batches between steps of
the policy, and after 50 of these the training ends, because NLL_oracle rises again later.

Read the fall of NLL_oracle with care: a policy gradient with a constant reward of 1 lowers it as well, from 8.36 to
7.89 in 75 steps of these batches, by sharpening the distribution alone (distinct_2 falls and self-BLEU rises with it).

References
----------
Yu, Zhang, Wang, Yu: SeqGAN: Sequence generative adversarial nets with policy gradient. AAAI 2017, arXiv:1609.05473.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from ganmetrics.extractors.weights.fill import filled_from
from ganmetrics.generators import losses
from ganmetrics.generators import setting_rules as allowed
from ganmetrics.generators.sampler import drawn, in_chunks
from ganmetrics.generators.seqgan_nets import Discriminator, Policy, roll_out
from ganmetrics.generators.system import Measured, Recipe, System, Target
from ganmetrics.generators.training import Training, averaged, set_learning_rate, update
from ganmetrics.metrics.sequences import distinct_n, self_bleu, sequence_nll

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.generators.system import Sampler

NUM_SEQUENCES = 2_000
NUM_BLEU = 500
# Sequences whose likelihood a training logs.
WATCHED = 1_000
# Iterations between them.
WATCH_EVERY = 250


@dataclass(frozen=True)
class Settings:
    """Settings of a training; the defaults are the paper's but for the deviations that the module states.

    Attributes
    ----------
    dim : int
        Size of the embedding and of the LSTM's state, in the generator and in the oracle.
    oracle_seed : int
        What the oracle's parameters and the real sequences are drawn from.
    mle_steps : int
        Iterations of maximum likelihood, whose learning rate falls linearly to a tenth in the second half.
    pretraining_steps : int
        Iterations of the discriminator before the adversarial phase.
    policy_every : int
        Iterations of the discriminator for one of the policy.
    policy_batch : int
        Sequences of one step of the policy.
    num_rollouts : int
        Completions of each prefix.
    clip : float
        The largest norm of the generator's gradient.
    d_width : float
        Filters of the discriminator over those of the paper.
    decay : float
        Weight of half the squared norm of the discriminator's output layer in its loss.
    """

    vocabulary: int = allowed.whole(5000, 2, 1_000_000)
    length: int = allowed.whole(20, 2, 1000)
    dim: int = allowed.whole(32, 1, allowed.WIDEST)
    oracle_seed: int = allowed.whole(0, 0, 2**63 - 1)
    num_real: int = allowed.whole(10_000, 1, allowed.LONGEST)
    batch_size: int = allowed.whole(64, 1, allowed.LARGEST_BATCH)
    mle_steps: int = allowed.whole(6_000, 0, allowed.LONGEST)
    mle_rate: float = allowed.rate(0.01)
    pretraining_steps: int = allowed.whole(1_000, 0, allowed.LONGEST)
    policy_every: int = allowed.whole(10, 1, allowed.LONGEST)
    policy_batch: int = allowed.whole(16, 2, allowed.LARGEST_BATCH)
    policy_rate: float = allowed.rate(0.01)
    num_rollouts: int = allowed.whole(16, 1, 1000)
    clip: float = allowed.real(5.0, 0, 1e6, is_open="low")
    d_embedding: int = allowed.whole(32, 1, allowed.WIDEST)
    d_width: float = allowed.real(0.25, 0, 16, is_open="low")
    d_rate: float = allowed.rate(1e-3)
    dropout: float = allowed.real(0.25, 0, 1, is_open="high")
    decay: float = allowed.real(0.2, 0, 1e6)


def phase(iteration: int, settings: Settings) -> str:
    """Return the phase of an iteration, counted from 0: "mle", "discriminator" or "adversarial"."""
    if iteration < settings.mle_steps:
        return "mle"
    return "discriminator" if iteration < settings.mle_steps + settings.pretraining_steps else "adversarial"


def oracle_of(settings: Settings) -> Policy:
    """Return the oracle of a seed, which is always the same."""
    rng = torch.Generator().manual_seed(settings.oracle_seed)
    # N(0, 1) parameters, as in the paper: the oracle's distribution is far from uniform.
    return Policy(settings.vocabulary, settings.dim, std=1.0, rng=rng).eval().requires_grad_(False)


def real_sequences(settings: Settings) -> Tensor:  # -> int64 [num_real, T]
    return SequenceSampler(oracle_of(settings), settings.length)(settings.num_real, seed=settings.oracle_seed)


def nll(policy: Policy, sequences: Tensor) -> float:
    """Return the mean negative log-likelihood of a token of sequences [N, T], in nats."""
    return sequence_nll(in_chunks(policy.log_probabilities, sequences))


def policy_loss(log_probabilities: Tensor, values: Tensor) -> Tensor:
    """Return a loss whose gradient is minus the policy gradient, for log-probabilities and action values [N, T].

    As in the paper no baseline is subtracted: every reward is positive, so a step also makes what was sampled likelier.
    """
    return -(values * log_probabilities).sum(dim=1).mean()


class SeqGANTraining(Training):
    """Generator and discriminator, the generator as maximum likelihood left it, and an optimiser for each phase."""

    def __init__(self, recipe: Recipe, root: str | None, seed: int, device: torch.device) -> None:
        super().__init__(seed, device)
        self.settings: Settings = recipe.settings
        s = self.settings
        self.oracle = oracle_of(s).to(device)
        self.real = real_sequences(s).to(device)
        self.generator = Policy(s.vocabulary, s.dim, rng=self.rng).to(device)
        self.mle = averaged(self.generator)
        self.discriminator = Discriminator(
            s.vocabulary, s.length, embedding_dim=s.d_embedding, width=s.d_width, dropout=s.dropout
        ).to(device)
        self.mle_optimizer = torch.optim.Adam(self.generator.parameters())
        self.policy_optimizer = torch.optim.Adam(self.generator.parameters(), lr=s.policy_rate)
        self.d_optimizer = torch.optim.Adam(self.discriminator.parameters(), lr=s.d_rate)
        self.parts = {
            "generator": self.generator,
            "mle": self.mle,
            "discriminator": self.discriminator,
            "mle_optimizer": self.mle_optimizer,
            "policy_optimizer": self.policy_optimizer,
            "d_optimizer": self.d_optimizer,
        }

    def step(self) -> dict[str, float]:
        s, now = self.settings, phase(self.iteration, self.settings)
        entry = self.step_mle() if now == "mle" else self.step_discriminator()
        if now == "adversarial" and (self.iteration + 1) % s.policy_every == 0:
            entry |= self.step_policy()
        # Also at the end of maximum likelihood, which the adversarial phase is measured against.
        if (self.iteration + 1) % WATCH_EVERY == 0 or self.iteration + 1 == s.mle_steps:
            entry["nll_oracle"] = self.nll_oracle()
        return entry

    def step_mle(self) -> dict[str, float]:
        s = self.settings
        set_learning_rate(self.mle_optimizer, s.mle_rate * mle_decay(self.iteration, s.mle_steps))
        loss = -self.generator.log_probabilities(self.draw(self.real, s.batch_size)).mean()
        self.update_generator(self.mle_optimizer, loss)
        # The generator before its adversarial phase, which the scores compare with.
        self.mle.load_state_dict(self.generator.state_dict())
        return {"mle_loss": loss.item()}

    def step_discriminator(self) -> dict[str, float]:
        s = self.settings
        real, fake = self.draw(self.real, s.batch_size), self.fakes(s.batch_size)
        real_logits, fake_logits = self.discriminator(torch.cat([real, fake])).split(s.batch_size)
        output = self.discriminator.output
        # L2 on the output layer alone, as in the authors' program.
        penalty = output.weight.square().sum() + output.bias.square().sum()
        loss = losses.discriminator_loss(real_logits, fake_logits)
        update(self.d_optimizer, loss + s.decay / 2 * penalty)
        accuracy = torch.cat([real_logits > 0, fake_logits < 0]).float().mean()
        return {"d_loss": loss.item(), "d_accuracy": accuracy.item()}

    def step_policy(self) -> dict[str, float]:
        s = self.settings
        sequences = self.fakes(s.policy_batch)
        reward = self.discriminator.probability_of_real
        # The reward of an unfinished sequence is the mean over its completions.
        values = roll_out(self.generator, sequences, reward, s.num_rollouts, self.rng)
        loss = policy_loss(self.generator.log_probabilities(sequences), values)
        norm = self.update_generator(self.policy_optimizer, loss)
        return {"reward": values[:, -1].mean().item(), "reward_std": values[:, -1].std().item(), "g_gradient": norm}

    def update_generator(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> float:
        """Take one step with the clipped gradient; return its norm before clipping."""
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        # LSTM gradients explode now and then.
        norm = nn.utils.clip_grad_norm_(self.generator.parameters(), self.settings.clip)
        optimizer.step()
        return norm.item()

    def fakes(self, count: int) -> Tensor:  # -> int64 [count, T]
        return self.generator.sample(torch.rand(count, self.settings.length, generator=self.rng).to(self.device))

    def nll_oracle(self) -> float:
        """Return NLL_oracle of sequences that are drawn from the same uniform numbers every time."""
        return nll(self.oracle, SequenceSampler(self.generator, self.settings.length)(WATCHED))

    def weights(self) -> dict[str, Tensor]:
        stages = {"generator": self.generator, "mle": self.mle}
        return {f"{stage}.{name}": x for stage, net in stages.items() for name, x in net.state_dict().items()}


def mle_decay(iteration: int, iterations: int) -> float:
    """Return the learning rate's factor: 1 in the first half, then linearly down to a tenth."""
    return min(1.0, 0.1 + 1.8 * (1 - iteration / iterations))


class SequenceSampler:
    """Sequences of a policy, each drawn by inversion from its own row of uniform numbers.

    Probabilities are float64: the last digit of a float32 differs between machines and would choose other tokens.
    """

    def __init__(self, policy: Policy, length: int) -> None:
        self.policy, self.length = policy, length

    def __call__(self, num_samples: int, *, seed: int = 0) -> Tensor:
        """Return tokens int64 [num_samples, length]."""
        policy = copy.deepcopy(self.policy).double()
        uniforms = drawn(lambda count, rng: torch.rand(count, self.length, generator=rng), num_samples, seed)
        return in_chunks(policy.sample, uniforms.to(policy.embedding))[:num_samples]


class GeneratorSampler(SequenceSampler):
    """Sequences of the trained generator; ``mle`` draws those of the generator before its adversarial phase."""

    def __init__(self, policy: Policy, mle: Policy, length: int) -> None:
        super().__init__(policy, length)
        self.mle = SequenceSampler(mle, length)


def sampler(settings: Settings, weights: Mapping[str, Tensor]) -> GeneratorSampler:
    generator, mle = (policy_from(settings, weights, stage) for stage in ("generator.", "mle."))
    return GeneratorSampler(generator, mle, settings.length)


def policy_from(settings: Settings, weights: Mapping[str, Tensor], prefix: str) -> Policy:
    own = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    return filled_from(lambda: Policy(settings.vocabulary, settings.dim), own)


def sequence_scores(recipe: Recipe, sampler: Sampler, seed: int) -> list[Measured]:
    """Return NLL_oracle, self-BLEU-2 and distinct-2 of 2,000 sequences, after and before the adversarial phase."""
    oracle, mle = oracle_of(recipe.settings), cast(GeneratorSampler, sampler).mle
    after, before = sampler(NUM_SEQUENCES, seed=seed), mle(NUM_SEQUENCES, seed=seed)
    later, earlier = scores_of(oracle, after), scores_of(oracle, before, suffix="_mle", of=" after MLE")
    fall, protocol = earlier[0].value - later[0].value, "NLL_oracle after MLE minus that after the adversarial phase"
    return [*later, *earlier, Measured("nll_fall", "fall of NLL_oracle", fall, True, protocol=protocol)]


def scores_of(oracle: Policy, sequences: Tensor, *, suffix: str = "", of: str = "") -> list[Measured]:
    count, bleu = len(sequences), self_bleu(sequences, n=2, num_samples=NUM_BLEU)
    nats = f"mean over {count:,} sequences, nats a token, under the oracle of the settings' seed"
    among = f"{NUM_BLEU} of {count:,} sequences, each against the others, orders 1 and 2"
    return [
        Measured(f"nll_oracle{suffix}", f"NLL_oracle{of}", nll(oracle, sequences), False, protocol=nats),
        Measured(f"self_bleu_2{suffix}", f"self-BLEU-2{of}", bleu, False, protocol=among),
        Measured(
            f"distinct_2{suffix}", f"distinct-2{of}", distinct_n(sequences), True, protocol=f"{count:,} sequences"
        ),
    ]


TARGETS = (Target("nll_fall", 0.2, "less than the paper's 0.3"),)
SUMMARY = "SeqGAN on the sequences of a random LSTM"
RECIPES = (Recipe("seqgan-oracle", SUMMARY, "oracle", Settings(), 7_500, targets=TARGETS),)

SYSTEM = System(
    name="seqgan",
    title="SeqGAN",
    paper="Yu, Zhang, Wang, Yu 2017, arXiv:1609.05473",
    makes="sequences",
    settings=Settings,
    train=SeqGANTraining,
    sampler=sampler,
    score=sequence_scores,
    recipes=RECIPES,
)
