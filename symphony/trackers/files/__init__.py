"""The files tracker: a folder of Markdown files as the board."""
