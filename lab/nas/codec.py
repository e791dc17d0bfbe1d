"""RADIUS packets as bytes (RFC 2865, 2866, 2869, 5176): pure functions, no sockets.

Attributes are a list of (name, value) in the order of the wire; an attribute that the dictionary lacks is named
`Attr-<vendor>-<code>` and its value is octets.
"""

import hashlib
import hmac
import ipaddress
import secrets
import struct
from dataclasses import dataclass
from enum import IntEnum

from lab.nas.dictionary import ATTRIBUTES, BY_NUMBER, Attribute, Type, Value

Attributes = list[tuple[str, Value]]
NO_AUTHENTICATOR = bytes(16)
MESSAGE_AUTHENTICATOR = 80
VENDOR_SPECIFIC = 26


class Code(IntEnum):
    """Packet codes that these devices speak."""

    ACCESS_REQUEST = 1
    ACCESS_ACCEPT = 2
    ACCESS_REJECT = 3
    ACCOUNTING_REQUEST = 4
    ACCOUNTING_RESPONSE = 5
    DISCONNECT_REQUEST = 40
    DISCONNECT_ACK = 41
    DISCONNECT_NAK = 42
    COA_REQUEST = 43
    COA_ACK = 44
    COA_NAK = 45


class Malformed(ValueError):
    """Bytes that are no RADIUS packet; RFC 2865 section 3 wants them silently discarded."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A decoded packet; `raw` is exactly what the length field covers."""

    code: int
    identifier: int
    authenticator: bytes
    attributes: Attributes
    raw: bytes

    def first(self, name: str) -> Value | None:
        return next((value for key, value in self.attributes if key == name), None)

    def text(self, name: str) -> str:
        value = self.first(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> int | None:
        value = self.first(name)
        return value if isinstance(value, int) else None


def decode(data: bytes) -> Packet:
    """Read a packet; octets after its length are padding (RFC 2865, section 3)."""
    if len(data) < 20:
        raise Malformed("shorter than a header")
    code, identifier, length = struct.unpack("!BBH", data[:4])
    if not 20 <= length <= len(data):
        raise Malformed(f"length field says {length}, {len(data)} octets came")
    return Packet(code, identifier, data[4:20], _decode_attributes(data[20:length]), data[:length])


def _decode_attributes(data: bytes) -> Attributes:
    found: Attributes = []
    for code, value in _type_length_values(data):
        if code == VENDOR_SPECIFIC and len(value) >= 6:
            vendor = int.from_bytes(value[:4], "big")
            found += [_decode_value(vendor, sub, inner) for sub, inner in _type_length_values(value[4:])]
        else:
            found.append(_decode_value(0, code, value))
    return found


def _type_length_values(data: bytes) -> list[tuple[int, bytes]]:
    found = []
    while data:
        if len(data) < 2 or not 2 <= data[1] <= len(data):
            raise Malformed("an attribute runs over the end")
        found.append((data[0], data[2 : data[1]]))
        data = data[data[1] :]
    return found


def _decode_value(vendor: int, code: int, value: bytes) -> tuple[str, Value]:
    attribute = BY_NUMBER.get((vendor, code))
    if attribute is None:
        return f"Attr-{vendor}-{code}", value
    match attribute.type:
        case Type.TEXT:
            return attribute.name, value.decode("utf-8", errors="surrogateescape")
        case Type.OCTETS:
            return attribute.name, value
        case Type.INTEGER | Type.ADDRESS if len(value) != 4:
            raise Malformed(f"{attribute.name} has {len(value)} octets, not 4")
        case Type.INTEGER:
            return attribute.name, int.from_bytes(value, "big")
        case Type.ADDRESS:
            return attribute.name, str(ipaddress.IPv4Address(value))


def _encode_attributes(attributes: Attributes) -> bytes:
    return b"".join(_encode_one(ATTRIBUTES[name], value) for name, value in attributes)


def _encode_one(attribute: Attribute, value: Value) -> bytes:
    octets = _encode_value(attribute, value)
    inner = bytes([attribute.code, len(octets) + 2]) + octets
    if not attribute.vendor:
        return inner
    return bytes([VENDOR_SPECIFIC, len(inner) + 6]) + struct.pack("!I", attribute.vendor) + inner


def _encode_value(attribute: Attribute, value: Value) -> bytes:
    if isinstance(value, int):
        return struct.pack("!I", value)
    if isinstance(value, bytes):
        return value
    if attribute.type is Type.ADDRESS:
        return ipaddress.IPv4Address(value).packed
    return value.encode("utf-8", errors="surrogateescape")


def encode_request(code: Code, identifier: int, attributes: Attributes, secret: bytes) -> bytes:
    """A request: Access-Request with a random authenticator, others with RFC 2866's; all but accounting with a
    Message-Authenticator, first of the attributes. User-Password is given in clear and hidden here."""
    if code is Code.ACCESS_REQUEST:
        authenticator = secrets.token_bytes(16)
        hidden = [(name, _hidden(name, value, secret, authenticator)) for name, value in attributes]
        return _with_message_authenticator(code, identifier, authenticator, _encode_attributes(hidden), secret)
    body = _encode_attributes(attributes)
    if code is not Code.ACCOUNTING_REQUEST:
        body = _with_message_authenticator(code, identifier, NO_AUTHENTICATOR, body, secret)[20:]
    return _sealed(code, identifier, NO_AUTHENTICATOR, body, secret)


def encode_reply(code: Code, request: Packet, attributes: Attributes, secret: bytes) -> bytes:
    """A reply to `request`, its Proxy-State copied (RFC 2865, 5.33), with a Message-Authenticator but to accounting."""
    copied = [(name, value) for name, value in request.attributes if name == "Proxy-State"]
    body = _encode_attributes(attributes + copied)
    if code is not Code.ACCOUNTING_RESPONSE:
        body = _with_message_authenticator(code, request.identifier, request.authenticator, body, secret)[20:]
    return _sealed(code, request.identifier, request.authenticator, body, secret)


def _sealed(code: Code, identifier: int, vector: bytes, body: bytes, secret: bytes) -> bytes:
    head = struct.pack("!BBH", code, identifier, 20 + len(body))
    return head + hashlib.md5(head + vector + body + secret).digest() + body


def _with_message_authenticator(code: Code, identifier: int, vector: bytes, body: bytes, secret: bytes) -> bytes:
    blank = bytes([MESSAGE_AUTHENTICATOR, 18]) + bytes(16)
    head = struct.pack("!BBH", code, identifier, 20 + len(blank) + len(body)) + vector
    digest = hmac.digest(secret, head + blank + body, "md5")
    return head + blank[:2] + digest + body


def request_is_authentic(request: Packet, secret: bytes) -> bool:
    """Whether the Request Authenticator of an accounting, CoA or Disconnect request is right (RFC 5176, 2.3)."""
    expected = hashlib.md5(request.raw[:4] + NO_AUTHENTICATOR + request.raw[20:] + secret).digest()
    return hmac.compare_digest(expected, request.authenticator)


def reply_is_authentic(reply: Packet, request_authenticator: bytes, secret: bytes) -> bool:
    """Whether the Response Authenticator is right, and the Message-Authenticator where there is one."""
    expected = hashlib.md5(reply.raw[:4] + request_authenticator + reply.raw[20:] + secret).digest()
    if not hmac.compare_digest(expected, reply.authenticator):
        return False
    return message_authenticator_fits(reply, secret, request_authenticator) is not False


def message_authenticator_fits(packet: Packet, secret: bytes, vector: bytes) -> bool | None:
    """Whether the Message-Authenticator is right (RFC 2869, 5.14); None where the packet has none."""
    place = 20
    for code, value in _type_length_values(packet.raw[20:]):
        if code == MESSAGE_AUTHENTICATOR:
            blanked = packet.raw[:4] + vector + packet.raw[20 : place + 2] + bytes(16) + packet.raw[place + 18 :]
            return hmac.compare_digest(value, hmac.digest(secret, blanked, "md5"))
        place += len(value) + 2
    return None


def _hidden(name: str, value: Value, secret: bytes, authenticator: bytes) -> Value:
    if name != "User-Password" or not isinstance(value, bytes):
        return value
    padded = value.ljust(max(16, -(-len(value) // 16) * 16), b"\0")
    hidden, last = b"", authenticator
    for start in range(0, len(padded), 16):
        last = _xor(padded[start : start + 16], hashlib.md5(secret + last).digest())
        hidden += last
    return hidden


def reveal_password(hidden: bytes, secret: bytes, authenticator: bytes) -> bytes:
    """The password out of User-Password (RFC 2865, 5.2)."""
    clear, last = b"", authenticator
    for start in range(0, len(hidden), 16):
        block = hidden[start : start + 16]
        clear += _xor(block, hashlib.md5(secret + last).digest())
        last = block
    return clear.rstrip(b"\0")


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=False))
