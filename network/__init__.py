"""Runs nodes: keys, configuration, the embedded network, and what starts and stops it."""
