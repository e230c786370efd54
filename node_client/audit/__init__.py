"""Auditing a channel: every block judged anew, every record computed anew, and both compared with what peers say."""
