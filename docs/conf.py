"""The site: ``pip install '.[docs]' && sphinx-build -W --keep-going -b html docs build/docs``."""

from __future__ import annotations

from ganmetrics.version import __version__

project = "ganmetrics"
author = "The ganmetrics developers"
project_copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc", "sphinx_click"]
exclude_patterns = ["*.in.md"]  # templates of pages that scripts write
myst_heading_anchors = 4
highlight_language = "none"
smartquotes = False  # it would make a dash of --option

autodoc_default_options = {"members": True, "member-order": "bysource"}
maximum_signature_line_length = 80
numpydoc_show_class_members = False

nitpicky = True
nitpick_ignore_regex = [  # types of other packages, and names that only annotations have
    ("py:.*", r"(torch|np|numpy|nn|os|collections|argparse|PIL|Image|pathlib|Path|datetime|typing|diffusers)\b.*"),
    ("py:class", r"ganmetrics\.(data|metrics\.needs|diagnosis\.pair|generators\.system)\..*"),
    ("py:class", r"ganmetrics\.leaderboard\.(recomputation|store)\..*"),
    ("py:class", r"ganmetrics\.(_table|evaluation\.per_image)\..*"),
    ("py:class", r"[A-Z]\w*|optional|(tuple|Mapping)\[str"),
]

html_theme = "furo"
html_domain_indices = False  # the API pages list the modules
html_title = f"ganmetrics {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
