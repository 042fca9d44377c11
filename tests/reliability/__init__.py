"""Promises that hold while everything around the daemon fails."""
