"""Other packages' interfaces on ganmetrics: one file each, named after the package."""
