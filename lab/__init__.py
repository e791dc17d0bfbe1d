"""The lab: an operator in a box. Simulated devices that behave, sample billing data, and a story told with them.

Nothing in the product knows of the lab. The devices (`routeros`, `nas`, `switch`) are for anyone's tools.
"""
