"""What people and other programs read of a run, all derived from its records."""
