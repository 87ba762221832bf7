"""Where images lie: paths, remote file systems, archives and shards, and which names are those of images."""
