"""
A fault-tolerant store for shared text documents: name server, storage servers, client.

Decides the version.  Must not import anything: every part of the system imports this package.
"""

__version__ = "0.1.0"
