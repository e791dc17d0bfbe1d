"""How properties are tried: the same examples on every machine and every run, few enough for the fast gate."""

from hypothesis import settings

settings.register_profile("grifo", derandomize=True, deadline=None, max_examples=60, database=None)
settings.load_profile("grifo")
