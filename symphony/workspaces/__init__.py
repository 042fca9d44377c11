"""Workspaces: one directory per issue under one root, the hooks around it, and its removal."""
