"""Figures, each beside its floor or its peer in the same run. `make bench` prints them all."""
