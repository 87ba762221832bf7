"""SeqGAN: roll-outs and policy gradient against enumeration, exact sampling, the oracle, phases and resumption."""

from __future__ import annotations

import dataclasses
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ganmetrics.generators import seqgan
from ganmetrics.generators.seqgan_nets import Discriminator, Highway, Policy, roll_out
from ganmetrics.generators.system import Recipe
from ganmetrics.generators.training import resume, save_checkpoint

V, T = 3, 3
SEQUENCES = torch.tensor(list(itertools.product(range(V), repeat=T)))  # all 27
SMALL = seqgan.Settings(
    vocabulary=12,
    length=6,
    dim=4,
    num_real=50,
    batch_size=8,
    mle_steps=4,
    pretraining_steps=2,
    policy_every=2,
    num_rollouts=2,
    d_embedding=4,
    d_width=0.02,
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """For networks as small as these a second thread costs more than it brings."""
    torch.set_num_threads(1)


def tiny_policy(seed: int = 0, *, vocabulary: int = V) -> Policy:
    return Policy(vocabulary, 4, std=1.0, rng=torch.Generator().manual_seed(seed)).double()


def table_reward(sequences: Tensor) -> Tensor:
    """An arbitrary reward of each of the 27 sequences, in 0..1."""
    table = torch.rand(V**T, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return table[sequences @ torch.tensor([V * V, V, 1])]


def enumerated_values(policy: Policy, power: int = 1) -> Tensor:
    """E[reward ** power | y_1 ... y_t] for every sequence and t, [27, T], by summing over all completions."""
    steps, reward = policy.log_probabilities(SEQUENCES), table_reward(SEQUENCES) ** power
    columns = []
    for t in range(1, T + 1):
        same = (SEQUENCES[:, None, :t] == SEQUENCES[None, :, :t]).all(dim=2)  # [27, 27]
        columns.append((same * steps[:, t:].sum(dim=1).exp() * reward).sum(dim=1))
    return torch.stack(columns, dim=1)


def training_of(settings: seqgan.Settings = SMALL, iteration: int = 0) -> seqgan.SeqGANTraining:
    recipe = Recipe("seqgan-oracle", "", "oracle", settings, 20)
    training = seqgan.SeqGANTraining(recipe, None, 0, torch.device("cpu"))
    training.iteration = iteration
    return training


def run(training: seqgan.SeqGANTraining, steps: int) -> dict[str, float]:
    for _ in range(steps):
        found = training.step()
        training.iteration += 1
    return found


def state_of(training: seqgan.SeqGANTraining, part: str) -> Tensor:
    return torch.cat([p.detach().flatten().clone() for p in training.parts[part].parameters()])


# roll-outs and the policy gradient


@torch.no_grad()
def test_roll_outs_are_unbiased_against_enumeration() -> None:
    policy, rollouts = tiny_policy(), 5000
    exact = enumerated_values(policy)
    deviation = (enumerated_values(policy, 2) - exact**2).clamp(min=0).sqrt() / math.sqrt(rollouts)
    found = roll_out(policy, SEQUENCES, table_reward, rollouts, torch.Generator().manual_seed(2))
    assert (deviation[:, :-1] > 0.0005).all()  # the test can tell
    assert ((found - exact).abs() <= 4 * deviation + 1e-9).all()


@torch.no_grad()
def test_the_last_token_has_the_reward_itself() -> None:
    found = roll_out(tiny_policy(), SEQUENCES, table_reward, 1, torch.Generator().manual_seed(0))
    assert torch.equal(found[:, -1], table_reward(SEQUENCES))


@torch.no_grad()
def test_roll_outs_keep_every_prefix() -> None:
    seen: list[Tensor] = []

    def reward(sequences: Tensor) -> Tensor:
        seen.append(sequences)
        return torch.zeros(len(sequences))

    roll_out(tiny_policy(), SEQUENCES, reward, 2, torch.Generator().manual_seed(0))
    completed = seen[0].view(T - 1, 2, len(SEQUENCES), T)
    for t in range(1, T):
        assert torch.equal(completed[t - 1, :, :, :t], SEQUENCES[None, :, :t].expand(2, -1, -1))
        assert not torch.equal(completed[t - 1, 0, :, t:], completed[t - 1, 1, :, t:])


@pytest.mark.slow
def test_policy_gradient_is_that_of_the_enumerated_expected_reward() -> None:
    policy, batches, size = tiny_policy(), 400, 200
    expected_reward = (policy.log_probabilities(SEQUENCES).sum(dim=1).exp() * table_reward(SEQUENCES)).sum()
    exact = torch.cat([g.flatten() for g in torch.autograd.grad(expected_reward, list(policy.parameters()))])
    rng, estimates = torch.Generator().manual_seed(3), []
    for _ in range(batches):
        sequences = policy.sample(torch.rand(size, T, generator=rng))
        values = roll_out(policy, sequences, table_reward, 1, rng)
        loss = seqgan.policy_loss(policy.log_probabilities(sequences), values)
        slopes = torch.autograd.grad(loss, list(policy.parameters()))
        estimates.append(-torch.cat([g.flatten() for g in slopes]))
    found = torch.stack(estimates)
    error = found.std(dim=0) / math.sqrt(batches)
    assert error.norm() < 0.15 * exact.norm()  # the test can tell
    assert ((found.mean(dim=0) - exact).abs() <= 4.5 * error + 1e-9).all()


def test_the_loss_weighs_each_log_probability_by_its_value() -> None:
    values = torch.tensor([[1.0, 0.5], [2.0, 0.0]])
    log_probabilities = torch.zeros(2, 2, requires_grad=True)
    seqgan.policy_loss(log_probabilities, values).backward()
    assert torch.equal(log_probabilities.grad, -values / 2)


# sampling


@pytest.mark.parametrize("vocabulary", [3, 7, 12, 5000])
def test_inversion_gives_every_token_its_share(vocabulary: int) -> None:
    policy = Policy(vocabulary, 4, std=1.0, rng=torch.Generator().manual_seed(0))
    hidden, count = torch.full((1, 4), 0.5), 4 * vocabulary
    evenly = (torch.arange(count) + 0.5) / count
    tokens = policy.draw(hidden.expand(count, -1), evenly)
    shares = torch.softmax(policy.output_bias + hidden @ policy.output, dim=1)[0].detach()
    assert ((torch.bincount(tokens, minlength=vocabulary) - count * shares).abs() <= 1.01).all()
    assert tokens.diff().min() >= 0  # the order of the cumulative sum


def test_sequences_have_the_probabilities_of_the_policy() -> None:
    policy, count = tiny_policy(5), 20_000
    drawn = policy.sample(torch.rand(count, T, generator=torch.Generator().manual_seed(0)))
    shares = policy.log_probabilities(SEQUENCES).sum(dim=1).exp().detach()
    assert shares.sum() == pytest.approx(1, abs=1e-12)
    counts = torch.bincount(drawn @ torch.tensor([9, 3, 1]), minlength=27)
    assert (((counts - count * shares) ** 2) / (count * shares)).sum() < 54.1  # chi-square, 26 degrees, p = 0.001


def test_numbers_at_the_edges_are_tokens() -> None:
    policy = tiny_policy(vocabulary=12)
    tokens = policy.draw(torch.zeros(3, 4).double(), torch.tensor([0.0, 1.0 - 2**-24, 1.0]))
    assert tokens[0] == 0 and tokens[1] == tokens[2] == 11


def test_a_seed_means_the_same_sequences_however_many() -> None:
    sampler = seqgan.sampler(SMALL, training_of().weights())
    many = sampler(300, seed=4)
    assert many.shape == (300, 6) and many.dtype == torch.int64
    assert many.min() >= 0 and many.max() < 12
    assert torch.equal(sampler(7, seed=4), many[:7])
    assert not torch.equal(sampler(7, seed=5), many[:7])


# likelihood


def test_log_probabilities_by_hand() -> None:
    policy = tiny_policy()
    weights = {name: value.numpy() for name, value in policy.state_dict().items()}
    h = c = np.zeros(4)
    token, expected = 0, []
    for following in (2, 0, 1):
        gates = weights["embedding"][token] @ weights["token_gates"] + h @ weights["state_gates"] + weights["gate_bias"]
        i, f, o = (1 / (1 + np.exp(-gates[4 * k : 4 * k + 4])) for k in range(3))
        c = f * c + i * np.tanh(gates[12:])
        h = o * np.tanh(c)
        logits = h @ weights["output"] + weights["output_bias"]
        expected.append(logits[following] - np.log(np.exp(logits).sum()))
        token = following
    found = policy.log_probabilities(torch.tensor([[2, 0, 1]])).detach()
    np.testing.assert_allclose(found[0], expected, rtol=1e-12)
    assert seqgan.nll(policy, torch.tensor([[2, 0, 1]])) == pytest.approx(-np.mean(expected), rel=1e-12)


def test_a_uniform_policy_has_the_logarithm_of_the_vocabulary() -> None:
    assert seqgan.nll(Policy(50, 4, std=0.0), torch.randint(50, (9, 5))) == pytest.approx(math.log(50), rel=1e-6)


def test_cross_entropy_exceeds_entropy_by_the_divergence() -> None:
    oracle, uniform = tiny_policy(1), Policy(V, 4, std=0.0).double()
    own, even = (policy.log_probabilities(SEQUENCES).sum(dim=1).detach() for policy in (oracle, uniform))
    entropy, crossed = -(own.exp() * own).sum(), -(even.exp() * own).sum()
    assert -(own.exp() * even).sum() == pytest.approx(T * math.log(V))  # uniform assigns the same to all
    assert crossed == pytest.approx(float(T * math.log(V) + (even.exp() * (even - own)).sum()))
    assert entropy < T * math.log(V) < crossed


# the oracle


def test_the_oracle_comes_from_its_seed_alone() -> None:
    torch.manual_seed(99)
    first = seqgan.oracle_of(seqgan.Settings())
    torch.manual_seed(7)
    second = seqgan.oracle_of(seqgan.Settings())
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    other = seqgan.oracle_of(seqgan.Settings(oracle_seed=1))
    assert not torch.equal(first.embedding, other.embedding)
    assert float(first.output.std()) == pytest.approx(1, abs=0.01)


def test_golden_oracle() -> None:
    """The parameters of seed 0 and what they say of their own sequences; measured with torch 2.15 on x86-64."""
    oracle = seqgan.oracle_of(seqgan.Settings())
    np.testing.assert_allclose(oracle.embedding[0, :4], [-1.1258, -1.1524, -0.2506, -0.4339], atol=5e-5)
    np.testing.assert_allclose(oracle.output_bias[-3:], [1.5617515, 0.6304271, -0.1541826], atol=5e-5)
    own = seqgan.SequenceSampler(oracle, 20)(500)
    assert own[0, :6].tolist() == [2341, 2526, 411, 480, 480, 3164]
    assert seqgan.nll(oracle, own) == pytest.approx(5.923979, abs=2e-3)
    even = torch.randint(5000, (200, 20), generator=torch.Generator().manual_seed(0))
    assert seqgan.nll(oracle, even) == pytest.approx(11.306225, abs=2e-3)


# the discriminator


def test_discriminator_has_one_logit_for_each_sequence() -> None:
    net = Discriminator(5000, 20, embedding_dim=64, width=1, dropout=0.25)
    assert [c.out_channels for c in net.convolutions] == [100, 200, 200, 200, 200, 100, 100, 100, 100, 100, 160, 160]
    assert [c.kernel_size[1] for c in net.convolutions] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20]
    sequences = torch.randint(5000, (5, 20))
    assert net(sequences).shape == (5,)
    assert net.features(sequences).shape == (5, 1720)
    assert len(Discriminator(12, 6, embedding_dim=4, width=0.02, dropout=0).convolutions) == 6


def test_features_are_the_largest_response_over_positions() -> None:
    net = Discriminator(12, 4, embedding_dim=3, width=0.01, dropout=0)
    sequence = torch.tensor([[3, 1, 4, 1]])
    pairs = net.convolutions[1]
    x = net.embedding(sequence)[0]  # [T, embedding]
    responses = [
        (pairs.weight[:, :, 0] * x[i : i + 2].T).sum(dim=(1, 2)) + pairs.bias for i in range(3)
    ]  # [filters] each
    first = net.convolutions[0].out_channels
    expected = torch.stack(responses).amax(dim=0).relu()
    assert torch.allclose(net.features(sequence)[0, first : first + pairs.out_channels], expected, atol=1e-6)


def test_probability_of_real_is_without_dropout_and_leaves_the_mode() -> None:
    net = Discriminator(12, 6, embedding_dim=4, width=0.02, dropout=0.5)
    sequences = torch.randint(12, (40, 6))
    assert torch.equal(net.probability_of_real(sequences), net.probability_of_real(sequences))
    assert net.training and not torch.equal(net(sequences), net(sequences))


def test_a_closed_highway_is_the_identity_and_an_open_one_its_change() -> None:
    highway, x = Highway(5), torch.randn(4, 5)
    torch.nn.init.zeros_(highway.gate.weight)
    torch.nn.init.constant_(highway.gate.bias, -200.0)
    assert torch.equal(highway(x), x)
    torch.nn.init.constant_(highway.gate.bias, 200.0)
    assert torch.allclose(highway(x), highway.change(x).relu(), atol=1e-6)


# the training


def test_phases_follow_from_the_iteration_alone() -> None:
    assert [seqgan.phase(i, SMALL) for i in (0, 3, 4, 5, 6, 1000)] == [
        "mle",
        "mle",
        "discriminator",
        "discriminator",
        "adversarial",
        "adversarial",
    ]
    assert seqgan.mle_decay(0, 100) == seqgan.mle_decay(50, 100) == 1
    assert seqgan.mle_decay(75, 100) == pytest.approx(0.55) and seqgan.mle_decay(100, 100) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("iteration", "moved", "logged"),
    [
        (0, {"generator", "mle"}, {"mle_loss"}),
        (3, {"generator", "mle"}, {"mle_loss", "nll_oracle"}),
        (4, {"discriminator"}, {"d_loss", "d_accuracy"}),
        (6, {"discriminator"}, {"d_loss", "d_accuracy"}),
        (7, {"generator", "discriminator"}, {"d_loss", "d_accuracy", "reward", "reward_std", "g_gradient"}),
    ],
)
def test_a_step_changes_the_networks_of_its_phase(iteration: int, moved: set[str], logged: set[str]) -> None:
    training = training_of(iteration=iteration)
    before = {part: state_of(training, part) for part in ("generator", "mle", "discriminator")}
    found = training.step()
    assert {part for part, values in before.items() if not torch.equal(values, state_of(training, part))} == moved
    assert found.keys() == logged


def test_maximum_likelihood_learns_and_leaves_a_copy() -> None:
    training = training_of(dataclasses.replace(SMALL, mle_steps=150, num_real=400))
    first = run(training, 1)["mle_loss"]
    last = run(training, 149)["mle_loss"]
    assert last < first - 0.2
    assert torch.equal(state_of(training, "generator"), state_of(training, "mle"))
    learnt = state_of(training, "mle")
    run(training, 6)
    assert torch.equal(state_of(training, "mle"), learnt)
    assert not torch.equal(state_of(training, "generator"), learnt)


@pytest.mark.slow
def test_policy_gradient_raises_a_known_reward(monkeypatch: pytest.MonkeyPatch) -> None:
    training = training_of(dataclasses.replace(SMALL, batch_size=32))

    def even_tokens(sequences: Tensor) -> Tensor:
        return (sequences % 2 == 0).float().mean(dim=1)

    monkeypatch.setattr(training.discriminator, "probability_of_real", even_tokens)
    first = training.step_policy()["reward"]
    for _ in range(150):
        last = training.step_policy()["reward"]
    assert first < 0.65 and last > 0.85


@pytest.mark.parametrize("first", [2, 5, 7])
def test_a_resumed_training_goes_on_bit_for_bit(tmp_path: Path, first: int) -> None:
    whole = training_of()
    run(whole, 10)
    begun = training_of()
    run(begun, first)
    save_checkpoint(begun, tmp_path)
    resumed = training_of()
    torch.rand(5)  # dropout draws from the global stream, which is restored too
    resume(resumed, tmp_path)
    run(resumed, 10 - first)
    for part in ("generator", "mle", "discriminator"):
        assert torch.equal(state_of(whole, part), state_of(resumed, part))


def test_weights_hold_both_generators() -> None:
    training = training_of()
    run(training, 8)
    stored = {name: value.half() for name, value in training.weights().items()}
    sampler = seqgan.sampler(SMALL, stored)
    for sample, net in ((sampler, training.generator), (sampler.mle, training.mle)):
        assert torch.equal(sample.policy.output, net.output.detach().half().float())
    assert not torch.equal(sampler(200), sampler.mle(200))
    assert training.parameters().keys() == {"generator", "discriminator"}


def test_scores_of_both_stages() -> None:
    training = training_of()
    run(training, 8)
    recipe, sampler = Recipe("seqgan-oracle", "", "oracle", SMALL, 20), seqgan.sampler(SMALL, training.weights())
    scores = {each.name: each for each in seqgan.sequence_scores(recipe, sampler, 3)}
    names = ["nll_oracle", "self_bleu_2", "distinct_2"]
    assert list(scores) == [*names, *(f"{name}_mle" for name in names), "nll_fall"]
    oracle = seqgan.oracle_of(SMALL)
    assert scores["nll_oracle"].value == seqgan.nll(oracle, sampler(2000, seed=3))
    assert scores["nll_oracle_mle"].value == seqgan.nll(oracle, sampler.mle(2000, seed=3))
    assert scores["nll_fall"].value == scores["nll_oracle_mle"].value - scores["nll_oracle"].value
    assert scores["distinct_2"].higher_is_better and not scores["self_bleu_2"].higher_is_better
