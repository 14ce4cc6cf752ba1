"""The specification as tables, through a whole cluster: library, name server, storage server."""
