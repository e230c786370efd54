"""The typed face of the registry: statements, receipts, trust, the register, issuing and verifying.

Modules are imported by those who need them, so that verifying loads nothing that only issuing needs.
"""
