"""The language that controller, agents and drivers share: what is wanted, what is seen, what is to be changed.

Standard library only; no clock, no randomness, no I/O. Everything else may import it; it imports nothing of ours.
"""
