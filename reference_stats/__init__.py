"""Bundled reference statistics: ``index.json`` names them, each is one npz file."""
