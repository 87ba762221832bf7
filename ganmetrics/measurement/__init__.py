"""One set of images becomes statistics: read in one pass, kept under one recipe, saved, cached and merged."""
