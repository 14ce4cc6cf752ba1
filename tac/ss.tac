"""
A storage server composed by hand: C{DFS_NAME=ss1 twistd -ny tac/ss.tac}.

The environment takes the place of options: C{DFS_NAME} is C{--name} (C{ss1} without it), C{DFS_NM}
is C{--nm}, and so on.  C{DFS_LOG_FILE} is the log file; without it the log goes to standard output.
"""

import os

from twisted.application.service import Application

from dfs.daemon import observe, read_environment
from dfs.ss import tap

options = tap.Options()
read_environment(options, {"DFS_NAME": "ss1", **os.environ})

application = Application("dfs-ss")
tap.makeService(options).setServiceParent(application)
observe(application, options, os.environ.get("DFS_LOG_FILE"))
