"""How properties are tried: the same examples on every machine and every run, few enough for the fast gate.

How long a machine takes to make an example says nothing about the product: a loaded one must not fail for it.
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "grifo",
    derandomize=True,
    deadline=None,
    max_examples=60,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("grifo")
