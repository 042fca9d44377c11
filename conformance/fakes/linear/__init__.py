"""A fake of Linear: its GraphQL over HTTP on loopback, executed for real.

world = World()
with LinearFake(world, keys={KEY: Rights(user_id=world.add_user("Ada").id)}) as linear:
    ...  # linear.url, linear.requests, linear.faults
"""
