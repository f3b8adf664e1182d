"""One file a rewrite; what they share is beside this folder."""
