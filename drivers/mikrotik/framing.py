"""Framing: the API's words and sentences, to bytes and back (pure). Each word follows its length, an empty one ends a
sentence (manual, "API", "Protocol").

librouteros' own reads a byte at a time and decodes each word. Almost all that a router ever sends passes through here.
"""

from collections.abc import Sequence
from sys import intern

from librouteros.protocol import decode_length, determine_length, encode_length

_SIZES = [bytes((size,)) for size in range(0x80)]
_DOT = ord(".")

Words = tuple[str, ...]
Sentence = tuple[bytes, bytes]
"""The word that is its tag (`.tag=7`), empty where it has none, and the whole of it as it came."""


def cut(buffer: bytes) -> tuple[list[Sentence], int]:
    """The sentences that `buffer` holds whole, and where the rest begins: every byte of a read passes through here."""
    said: list[Sentence] = []
    start = at = 0
    tag = b""
    try:
        while True:
            size = buffer[at]
            if size >= 0x80:
                size, at = _long(buffer, at)
            at += 1
            if size:
                if buffer[at] == _DOT:
                    tag = buffer[at : at + size]
                at += size
                continue
            if at > start + 1:
                said.append((tag, buffer[start:at]))
            start, tag = at, b""
    except IndexError:
        return said, start


def _long(buffer: bytes, at: int) -> tuple[int, int]:
    """(size of the word, its length's last byte) for a length of several bytes; IndexError where it is not all here."""
    last = at + int(determine_length(buffer[at : at + 1]))
    if last >= len(buffer):
        raise IndexError
    return decode_length(buffer[at : last + 1]), last


def words_of(raw: bytes) -> list[str]:
    """The words of a whole sentence. In Latin-1 each byte is one character, so that places are the same in both."""
    text, plain = raw.decode("latin-1"), raw.isascii()
    words: list[str] = []
    at = 0
    while size := raw[at]:
        if size >= 0x80:
            size, at = _long(raw, at)
        end = at + 1 + size
        words.append(text[at + 1 : end] if plain else raw[at + 1 : end].decode("utf-8"))
        at = end
    return words


def values_of(words: Sequence[str]) -> dict[str, str]:
    """The `=name=value` words after the first, without the tag; ValueError for what is neither."""
    values: dict[str, str] = {}
    for word in words[1:]:
        cut = word.find("=", 1)
        if cut > 0 and word[0] == "=":
            values[intern(word[1:cut])] = word[cut + 1 :]
        elif not word.startswith(".tag="):
            raise ValueError(f"unexpected word {word[:40]!r}")
    return values


def encoded(*words: str) -> bytes:
    """A sentence; librouteros' encoding, by hand for the words of up to 127 bytes that almost all are."""
    parts: list[bytes] = []
    for word in words:
        data = word.encode("utf-8")
        parts += ((_SIZES[len(data)] if len(data) < 0x80 else encode_length(len(data))), data)
    parts.append(b"\0")
    return b"".join(parts)
