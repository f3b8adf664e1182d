"""Arguments that torch's exporter does not take apart, such as a key-value cache, given to it as plain tensors."""
