"""The daemon: one mailbox, one loop, and the effects that the scheduler asks for."""
