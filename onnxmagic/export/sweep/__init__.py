"""The file against PyTorch on the user's own data: streaming, in constant memory, in one process or on many."""
