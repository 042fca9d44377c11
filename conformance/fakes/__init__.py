"""Trackers that a daemon under test talks to: real servers on loopback over one world of issues.

Nothing here knows any implementation. Only the standard library and graphql-core are used, so that
a fake can stand on its own in any environment.
"""
