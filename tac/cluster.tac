"""
A name server and a pair of storage servers in one process: C{twistd -ny tac/cluster.tac}.

For trying things out; one process is one fate, so it protects nobody from a crash.  The environment
takes the place of options: C{DFS_LISTEN} is where the name server listens and C{DFS_NM} how the
storage servers reach it, port 5000 both; data is kept in the current directory.  C{DFS_LOG_FILE} is
the log file; without it the log goes to standard output.
"""

import os

from twisted.application.service import Application

import dfs.nm.tap
import dfs.ss.tap
from dfs.daemon import observe, read_environment

application = Application("dfs-cluster")

nm_options = dfs.nm.tap.Options()
read_environment(nm_options, os.environ)
dfs.nm.tap.makeService(nm_options).setServiceParent(application)

for name in ("ss1", "ss1_backup"):
    options = dfs.ss.tap.Options()
    # Each on ports and in a folder of its own: those settings are the name server's alone.
    own = {"DFS_LISTEN": "", "DFS_STORAGE": "", "DFS_CONSOLE": ""}
    read_environment(options, {**os.environ, **own}, "--name", name)
    dfs.ss.tap.makeService(options).setServiceParent(application)

observe(application, nm_options, os.environ.get("DFS_LOG_FILE"))
