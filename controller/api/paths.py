"""What endpoints share: the context, and the ids that stand in their paths."""

from typing import Annotated

from fastapi import Depends, Path

from controller.api.context import Context, context_of
from controller.api.problems import Problem

Given = Annotated[Context, Depends(context_of)]
ServiceId = Annotated[str, Path(max_length=64, description="The service's id in the billing system.")]
AccountId = Annotated[str, Path(max_length=64, description="The account's id in the billing system.")]
DeviceName = Annotated[str, Path(max_length=64, description="The device's name.")]


def unknown_service(service: str) -> Problem:
    """The answer where nobody has told of a service."""
    return Problem(404, f"No service has the id {service!r}. Look for it with GET /v1/find?key={service}.")


def unknown_account(account: str) -> Problem:
    """The answer where nobody has told of an account."""
    return Problem(404, f"No account has the id {account!r}. Look for it with GET /v1/find?key={account}.")


def unknown_device(device: str) -> Problem:
    """The answer where neither a binding nor an agent has named a device."""
    return Problem(404, f"No device is named {device!r}. GET /v1/devices lists them.")
