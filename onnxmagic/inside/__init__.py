"""Looking into one file: a node with all that is known of it, a weight's values, a value of the graph on real inputs.

Exports, checks and what ``%onnx_show`` gives share it. Nothing here knows how a file came about: who has one hands in
its facts, its bytes and a way to run it.
"""
