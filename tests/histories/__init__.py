"""Histories that went wrong elsewhere, each through a whole cluster."""
