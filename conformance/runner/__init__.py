"""Chooses scenarios, plays them, and keeps what they found."""
