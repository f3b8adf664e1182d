"""Rules that find mistakes in a model, its example, its graph and its runs; one file a rule in ``rules/``."""
