"""Running a model file somewhere, behind one small protocol; one file a runtime."""
