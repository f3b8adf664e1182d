"""Recorded calls, read as one example, the axes that vary in it, and the calls to replay."""
