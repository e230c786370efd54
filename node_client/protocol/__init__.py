"""Fabric's data formats and rules: bytes in, values out, no I/O. Protobuf stays in here."""
