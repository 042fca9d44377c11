"""Child processes: started, recognised as ours, and ended as whole trees.

Linux first: the kernel's process table tells who belongs to whom. Where `/proc` does not exist,
ownership shrinks to the process group, and a child that starts its own session escapes it.
Nothing is imported here, because the warden forks before anything heavy is loaded.
"""
