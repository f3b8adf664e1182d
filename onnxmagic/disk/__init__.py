"""Models on their way to the disk: written weight by weight beside the target, and moved over it whole.

An export and a mended file take the same way, so that a full disk or an interrupt leaves what was there before.
"""
