"""The wire: words with a length before them, sentences ended by an empty word (manual, API, "API words").

Text crosses as the bytes it came in: UTF-8 where it is, and any other byte by `surrogateescape`, since a device
stores what it is given.
"""

from collections.abc import Iterable

RESERVED = 0xF8
"""First bytes from here on are control bytes with no meaning yet: whoever reads one cannot go on."""

_TEXT = ("utf-8", "surrogateescape")


class ReservedByte(Exception):
    """The peer sent a length that starts with a reserved control byte."""


def encode_length(size: int) -> bytes:
    """The 1 to 5 bytes that stand before a word of `size` bytes."""
    if size < 0x80:
        return size.to_bytes(1, "big")
    if size < 0x4000:
        return (size | 0x8000).to_bytes(2, "big")
    if size < 0x200000:
        return (size | 0xC00000).to_bytes(3, "big")
    if size < 0x10000000:
        return (size | 0xE0000000).to_bytes(4, "big")
    return b"\xf0" + size.to_bytes(4, "big")


def encode_word(word: str) -> bytes:
    """One word with its length."""
    data = word.encode(*_TEXT)
    return encode_length(len(data)) + data


def encode(words: Iterable[str]) -> bytes:
    """One whole sentence."""
    return b"".join([encode_word(word) for word in words]) + b"\0"


def _length(buffer: bytes, at: int) -> tuple[int, int] | None:
    """(size of the word, where it starts), or None where the length itself is not here yet."""
    first = buffer[at]
    if first < 0x80:
        return first, at + 1
    if first >= RESERVED:
        raise ReservedByte(f"control byte 0x{first:02x}")
    more = 1 if first < 0xC0 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    start = at + more + 1
    if start > len(buffer):
        return None
    bits = (0, 0x3F, 0x1F, 0x0F, 0)[more]
    return int.from_bytes(bytes([first & bits]) + buffer[at + 1 : start], "big"), start


class Splitter:
    """Cuts a stream of bytes, however it was chopped, into sentences."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def waiting(self) -> int:
        """Bytes of a sentence that has not ended yet."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[list[str]]:
        """The sentences that `data` completes; empty sentences are ignored, as the manual says."""
        buffer = self._rest + data if self._rest else data
        sentences: list[list[str]] = []
        words: list[str] = []
        start = at = 0
        while at < len(buffer):
            found = _length(buffer, at)
            if found is None or found[1] + found[0] > len(buffer):
                break
            size, at = found
            if size:
                words.append(buffer[at : at + size].decode(*_TEXT))
                at += size
                continue
            if words:
                sentences.append(words)
            words, start = [], at
        self._rest = buffer[start:]
        return sentences
