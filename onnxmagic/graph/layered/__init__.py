"""The steps of ``onnxmagic.graph.layout``, a file a step: rows, the order in a row, x, lines."""
