"""
The tests; trial and pytest both import this package first.

Decides how hypothesis draws examples, for both runners: without a deadline, because two busy cores
say nothing about the code; the same examples each time, so that a failure is the change's fault.
C{HYPOTHESIS_PROFILE=search} looks for new ones instead.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_slow = [HealthCheck.too_slow]
settings.register_profile("check", derandomize=True, deadline=None, suppress_health_check=_slow)
settings.register_profile("search", deadline=None, max_examples=2000, suppress_health_check=_slow)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "check"))
