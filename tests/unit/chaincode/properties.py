"""How properties are tried: by count alone, for a busy machine is no failure."""

from hypothesis import HealthCheck, settings

tried = settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
