"""Limits of the signs that a GAN's training goes wrong; of a pair, the first is where *some* begins, then *severe*."""

from __future__ import annotations

# Entries before anything but a divergence is judged.
LEAST = 8
# Limits, some and severe, of the discriminator's accuracy.
CERTAIN = (0.985, 0.995)
# Up to this accuracy the discriminator is undecided, and a small gradient is the good end of a training.
AT_CHANCE = 0.6
# An accuracy may leave 0..1 by rounding.
ROUNDING = 1e-6
# Limits of the discriminator's loss, in nats.
SMALL_LOSS = (0.05, 0.01)
# The losses are a logarithmic GAN's where the generator's is at least this share of the least that fits.
FIT = 0.7
# A smaller discriminator's loss is 0 in float32.
LEAST_LOSS = 1e-6
# Limits of the share that is left of the generator's largest gradient.
FADED = (0.05, 0.02)
# Limits of a loss or gradient as a multiple of its typical size.
EXPLODED = (100.0, 10_000.0)
# Smaller losses and gradients are no measure of growth: against the first half, against the start.
FLOORS = (0.1, 1.0)
# Critics' losses have no scale, so that their floors are higher.
CRITIC_FLOORS = (10.0, 10.0)
# No sound loss or gradient is so large.
HUGE = (1e8, 1e12)
# Limits of the share of a loss's variance in one period and its overtone.
PERIODIC = (0.6, 0.75)
# Limits of the chance of so strong a period in noise.
CHANCE = (1e-4, 1e-6)
# A period that swings by less than this share of the loss's mean does no harm.
SWING = 0.25
# Limits of the share that is left of the largest variety.
POORER = (0.5, 0.2)
# Limits of the share that is left of the different samples.
FEWER = (0.6, 0.25)
# Limits of the number of different samples, of 64.
FEW = (16.0, 6.0)
# Numbers of different samples are compared within this factor of the present spread.
ALIKE = 2.0
# Gradients in a row that may overflow while a scaler of mixed precision finds its scale: it halves 65,536 each time.
SKIPPED = 24
