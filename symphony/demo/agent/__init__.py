"""A coding agent without a model: it speaks the app-server protocol and knows a few tasks by heart.

It reads its task from the prompt, edits and commits real files of its workspace, and moves its
issue through the tool that the client offers. It uses the standard library only, needs no network,
and is started as `python -m symphony.demo.agent`.
"""
