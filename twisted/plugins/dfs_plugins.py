"""
What C{twistd} offers once this package is installed.

Imported on every run of C{twistd} on this machine, so it names modules by string and imports
nothing of ours.
"""

from twisted.application.service import ServiceMaker

nameServer = ServiceMaker(
    "DFS name server", "dfs.nm.tap", "Know where every document lives.", "dfs-nm"
)
storageServer = ServiceMaker(
    "DFS storage server", "dfs.ss.tap", "Hold documents on this disk.", "dfs-ss"
)
