"""Side-by-side measurements against the peers; ``python -m benchmarks run`` makes all of them."""
