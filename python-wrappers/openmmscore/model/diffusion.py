"""The noise of a model's diffusion."""

from __future__ import annotations

import math

from .model import Model

__all__ = ["noise_variance", "time_of_noise_variance"]


def noise_variance(model: Model, time: float) -> float:
    """sigma^2 = 1 - exp(-L(t)), L = beta_min t + (beta_max - beta_min) t^2 / 2."""
    low, high = model.schedule
    return -math.expm1(-(low * time + (high - low) * time**2 / 2))


def time_of_noise_variance(model: Model, square: float) -> float:
    """The inverse of `noise_variance`, in a form that also holds where beta is constant."""
    low, high = model.schedule
    integral = -math.log1p(-square)
    return 2 * integral / (low + math.sqrt(low**2 + 2 * (high - low) * integral))
