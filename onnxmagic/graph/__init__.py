"""A .onnx file as facts: signature, nodes, module tree, shapes. Weights stay on disk."""
