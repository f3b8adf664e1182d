"""The graph view: a graph as data for a script, as a still picture, and as a section of a report."""
