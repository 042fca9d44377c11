"""A GitHub on loopback: REST and GraphQL over one world of repositories, issues and boards.

`server.GitHubFake` serves a `hub.Hub`. Which fields and rules it has are GitHub's own, as far as a
client of issues needs them; what it does not know is refused as GitHub would.
"""
