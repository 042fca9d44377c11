"""Issue trackers: one port, and one folder for each provider."""
