"""Two models brought together: told apart, made comparable, compared, run side by side and held at the gate.

The comparison itself is ``diff``'s and knows nothing of exports and checks. Here is what knows where a model comes
from, whether it may run in this process, and on which inputs.
"""
