"""Policies from the operator's TOML files: rules that a lawyer can read, checked before they count."""

from controller.policies.errors import BadPolicy
from controller.policies.reading import load_policies, load_policy, policy_files, policy_schema, read_policy

__all__ = ["BadPolicy", "load_policies", "load_policy", "policy_files", "policy_schema", "read_policy"]
