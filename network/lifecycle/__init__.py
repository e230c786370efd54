"""Chaincode on the channel, step by step as organisations take them: package, install, approve, commit.

Every organisation takes its steps for itself, as its admin and at its own peer. `network.deployment` takes them for all
organisations of a network on one machine.
"""
