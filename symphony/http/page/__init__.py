"""The page for the person in front of the box: everything at `/`, one issue at `/issues/...`.

Rendered here, from the same snapshots as the JSON interface, and complete without a script. The
script only asks for the page again when the event stream tells of a change, and lets times tick.
"""
