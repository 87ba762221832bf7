"""From measured sets to numbers: the plan of a run, scores, intervals, cautions and the result."""
