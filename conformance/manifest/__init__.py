"""What an implementation says of itself, and the workflow files that are made from it."""
