"""Legal variants: the daemon with one change that SPEC.md permits, which the suite has to pass."""
