"""
Real processes under chaos: a cluster behind proxies, people who use it, faults from a seed.
"""
