"""Who is calling, and may they: bearer tokens, kept as SHA-256 digests, each with one role.

A token is 256 random bits, so a plain digest is enough: there is nothing to guess, and looking it up by digest leaks
nothing by its timing. Every refusal has the same shape, whether a token is unknown, revoked or badly written.
"""

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from controller.api.context import Context, context_of
from controller.api.problems import Problem
from controller.store.queries import tokens
from enforcement.entries import ID_PATTERN


class Role(StrEnum):
    """What a token may do. `read` < `noc` < `admin`; `billing` and `agent` stand apart."""

    READ = "read"
    NOC = "noc"
    ADMIN = "admin"
    BILLING = "billing"
    AGENT = "agent"


READERS = frozenset({Role.READ, Role.NOC, Role.ADMIN, Role.BILLING})
OPERATORS = frozenset({Role.NOC, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})
BILLERS = frozenset({Role.BILLING, Role.ADMIN})
ORDERERS = frozenset({Role.BILLING, Role.NOC, Role.ADMIN})
AGENTS = frozenset({Role.AGENT})


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose token it is; the name is the author in the timeline, and an agent's name."""

    name: str
    role: Role


_bearer = HTTPBearer(auto_error=False, description="A token made by `grifo controller token add`.")


def new_token() -> str:
    """A token to hand to its owner once; the controller keeps its digest only."""
    return secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """What the controller keeps of a token: its SHA-256, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def checked_name(name: str) -> str:
    """A token's name, which is an agent's name too. Raises ValueError saying what it must look like."""
    if not re.fullmatch(ID_PATTERN, name):
        raise ValueError(
            f"a token's name is 1 to 64 letters, digits or . _ @ + -, beginning with a letter or digit, not {name!r}"
        )
    return name


def caller_of(
    context: Annotated[Context, Depends(context_of)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Caller:
    """The owner of the request's token. Raises Problem 401."""
    if credentials is None:
        raise _unknown('Bearer realm="grifo"')
    with context.database.read() as tx:
        found = tokens.owner_of(tx, digest_of(credentials.credentials))
    if found is None:
        raise _unknown('Bearer realm="grifo", error="invalid_token"')
    return Caller(found[0], Role(found[1]))


def _unknown(challenge: str) -> Problem:
    detail = "This needs a valid token, sent as 'Authorization: Bearer ...'."
    return Problem(401, detail, headers={"WWW-Authenticate": challenge})


def allow(roles: frozenset[Role]) -> Callable[[Request, Caller], Caller]:
    """A dependency that lets only `roles` pass. Raises Problem 403 saying which role is needed."""

    def allowed(request: Request, caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
        if caller.role not in roles:
            raise Problem(403, forbidden(caller, roles, f"{request.method} {request.url.path}"))
        return caller

    return allowed


def forbidden(caller: Caller, roles: frozenset[Role], what: str) -> str:
    """The sentence that a 403 says."""
    needed = " or ".join(sorted(roles))
    return f"{what} needs the role {needed}; the token {caller.name!r} has the role {caller.role}."


Reader = Annotated[Caller, Depends(allow(READERS))]
Operator = Annotated[Caller, Depends(allow(OPERATORS))]
Admin = Annotated[Caller, Depends(allow(ADMINS))]
Biller = Annotated[Caller, Depends(allow(BILLERS))]
Orderer = Annotated[Caller, Depends(allow(ORDERERS))]
Agent = Annotated[Caller, Depends(allow(AGENTS))]
