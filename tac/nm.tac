"""
A name server composed by hand: C{twistd -ny tac/nm.tac}.

The environment takes the place of options: C{DFS_LISTEN} is C{--listen}, and so on.
C{DFS_LOG_FILE} is the log file; without it the log goes to standard output.
"""

import os

from twisted.application.service import Application

from dfs.daemon import observe, read_environment
from dfs.nm import tap

options = tap.Options()
read_environment(options, os.environ)

application = Application("dfs-nm")
tap.makeService(options).setServiceParent(application)
observe(application, options, os.environ.get("DFS_LOG_FILE"))
