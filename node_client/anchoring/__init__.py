"""Anchoring: many certificates under one record on the ledger, each with a receipt of its own.

Modules are imported by those who need them, so that verifying loads nothing that only issuing needs.
"""
