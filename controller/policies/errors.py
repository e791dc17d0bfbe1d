"""What is said of a policy that can't be used."""


class BadPolicy(ValueError):
    """A policy file can't be used; `str()` has a line for each mistake: file, key, what it is, what is allowed."""
