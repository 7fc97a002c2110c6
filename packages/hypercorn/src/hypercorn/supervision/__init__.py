"""The supervisor and its worker processes: what keeps a server up.

Knows: :mod:`.supervisor` decides, :mod:`.pool` keeps the workers, :mod:`.process` starts one,
:mod:`.channel` is what they say to each other, and :mod:`.worker` what a worker process does.
Must not know: how a connection is served, or where the configuration came from.
"""
