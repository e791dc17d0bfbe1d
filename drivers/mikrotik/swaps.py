"""Swaps: a record on the customer's own item: our value in, the former one kept in the mark; and back (pure).

One `set` writes value and mark, so that no crash can part them. What is no longer ours at a restore is left.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.mikrotik.framing import Words
from drivers.mikrotik.notes import Note, written
from drivers.mikrotik.reading import Item
from drivers.mikrotik.ways import Holder
from enforcement.access import Access
from enforcement.entries import Mark
from enforcement.keys import Key


@dataclass(frozen=True, slots=True)
class Write:
    """What to send (nothing where it is so already), what to tell of it, and why it cannot be done."""

    words: Words = ()
    detail: str = ""
    refusal: str = ""


def restricted(key: Key, items: list[Item], mark: Mark, ours: str, names: frozenset[str], holder: Holder) -> Write:
    """Give the customer's item our value `ours`; `names` are all of ours, of whatever access."""
    if len(items) != 1:
        return Write(refusal=f"{holder.path} has {len(items) or 'no'} items for {key}; one is needed")
    [item] = items
    if item.dynamic:
        return Write(refusal=f"{item.path} {item.id} of {key} is dynamic: make it static, or use way address_list")
    note = item.note
    if note is not None and note.mark != mark:
        return Write(refusal=f"{item.path} {item.id} is marked {note.mark}")
    was = _former(item, note, names, holder)
    wanted = _with(was[holder.value], ours) if holder.added else ours
    comment = written(Note(mark, None, was))
    if (item.value, item.comment) == (wanted, comment):
        return Write()
    return Write((f"{item.path}/set", f"=.id={item.id}", f"={holder.value}={wanted}", f"=comment={comment}"))


def _former(item: Item, note: Note | None, names: frozenset[str], holder: Holder) -> Mapping[str, str]:
    """What stood there before us: in our mark while our value does, else what another hand has put there since."""
    comment = note.was.get("comment", "") if note is not None and note.was is not None else item.comment
    if note is not None and note.was is not None and _is_ours(item, names):
        return {holder.value: note.was.get(holder.value, ""), "comment": comment}
    return {holder.value: _without(item.value, names) if holder.added else item.value, "comment": comment}


def restored(item: Item, names: frozenset[str], holder: Holder) -> Write:
    """Give an item of ours back what it had; a value that is no longer ours stays, and that is told."""
    was = item.note.was if item.note is not None and item.note.was is not None else {}
    words = (f"{item.path}/set", f"=.id={item.id}", f"=comment={was.get('comment', '')}")
    if not _is_ours(item, names):
        return Write(words, f"{holder.value} of {item.path} {item.id} is {item.value!r}, not ours: left as it is")
    value = _without(item.value, names) if holder.added else was.get(holder.value, "default")
    return Write((*words, f"={holder.value}={value}"))


def _is_ours(item: Item, names: frozenset[str]) -> bool:
    return bool(names & set(item.value.split(",")))


def _with(value: str, name: str) -> str:
    return f"{value},{name}" if value else name


def _without(value: str, names: frozenset[str]) -> str:
    return ",".join(part for part in value.split(",") if part not in names)


def bound(key: Key, items: list[Item], mark: Mark, target: Access, holder: Holder) -> Write:
    """Block a MAC address by a binding of ours."""
    if target is not Access.BLOCKED:
        return Write(refusal=f"{holder.path} blocks or does not: it cannot give {key} {target}")
    own = [item for item in items if item.note is not None and item.note.mark == mark]
    if any(item.enabled and item.value == "blocked" for item in own):
        return Write()
    if own:
        return Write((f"{holder.path}/set", f"=.id={own[0].id}", "=type=blocked", "=disabled=no"))
    return Write((f"{holder.path}/add", f"={holder.name}={key.value}", "=type=blocked", f"=comment={mark}"))


def unbound(item: Item) -> Write:
    """Take a binding of ours away."""
    return Write((f"{item.path}/remove", f"=.id={item.id}"))
