"""Drivers: how one kind of device is read and changed. Only agents import them; none imports another."""
