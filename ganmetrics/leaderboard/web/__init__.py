"""The board on the web: pages that read without JavaScript, ``/api/v1``, uploads with tokens, the organiser's pages."""
