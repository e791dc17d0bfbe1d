"""The controller: decides, from billing data, what access each service may have."""
