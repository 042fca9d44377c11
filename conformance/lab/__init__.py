"""What a scenario works with: the implementation under test, the fakes around it, and the taps."""
