"""Mutants: the daemon with one small defect each, to see whether the conformance suite notices."""
