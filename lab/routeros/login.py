"""Logins: name and password in one sentence (6.43 and later), and the MD5 challenge of older clients.

A wrong password is a trap, and the connection stays; any other command before the login ends it.
"""

import hashlib
import secrets
from collections.abc import Mapping

from lab.routeros.device import Device, User
from lab.routeros.traps import Trap


class Login:
    """One connection's way in."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._challenge = b""

    def attempt(self, args: Mapping[str, str]) -> User | str:
        """The user who is now in, or the challenge to answer (hexadecimal). Raises Trap."""
        if "name" not in args:
            self._challenge = secrets.token_bytes(16)
            return self._challenge.hex()
        user = self._device.user(args["name"])
        if "response" in args:
            if user is None or not self._answered(user, args["response"]):
                raise Trap("cannot log in")
        elif user is None or not secrets.compare_digest(args.get("password", "").encode(), user.password.encode()):
            raise Trap("invalid user name or password (6)")
        if "api" not in self._device.policy(user):
            raise Trap("not enough permissions (9)")
        return user

    def _answered(self, user: User, response: str) -> bool:
        """`00` and the MD5 of a zero byte, the password and the challenge, which serves once."""
        challenge, self._challenge = self._challenge, b""
        digest = hashlib.md5(b"\0" + user.password.encode() + challenge).hexdigest()
        return bool(challenge) and secrets.compare_digest(response.encode(), f"00{digest}".encode())
