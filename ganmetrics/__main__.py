"""``python -m ganmetrics``, which is ``ganmetrics``; torchrun starts its ranks so."""

from ganmetrics.cli import main

main()
