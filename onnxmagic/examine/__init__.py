"""The verb behind ``onnxmagic.check``: what is looked at for each kind of target, and what is said of it.

The rules are in ``check``, which knows nothing of exporting; this package brings a model, an export or a file to them.
"""
