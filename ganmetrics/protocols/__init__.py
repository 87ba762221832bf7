"""The literature's protocols: one file each, a named set of choices, no code paths."""

from __future__ import annotations

from ganmetrics.protocols.protocol import Protocol
from ganmetrics.registry import Registry

PROTOCOLS: Registry[Protocol] = Registry("ganmetrics.protocols", "PROTOCOL", "protocol")

__all__ = ["PROTOCOLS", "Protocol"]
