"""Weights of pretrained networks: where they lie, how they are fetched and verified, and how networks are filled."""
