"""Administration: what needs an organisation's admin."""
