"""From files, members of archives and items to batches of uint8 RGB images."""
