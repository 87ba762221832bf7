"""A board on the web: pages that need no JavaScript, ``/api/v1``, uploads with tokens, the organiser's pages."""
