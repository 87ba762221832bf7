"""The verbs that users call, one file each: from images or statistics to a result."""
