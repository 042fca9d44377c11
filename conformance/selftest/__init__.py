"""The suite against programs that mean it no good."""
