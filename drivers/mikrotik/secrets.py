"""Secrets: the router's own `/ppp/secret` of users whom it does not restrict by them (pure).

A user's own secret decides before RADIUS is asked (manual, "PPP AAA"): who is disabled there is out, who is enabled is
in whatever RADIUS says. A disabled one is taken for none where RADIUS is asked: an operator who has moved to RADIUS
leaves his old secrets so.
"""

from collections.abc import Iterable, Mapping

from drivers.mikrotik.entries import either_of
from drivers.mikrotik.framing import Words
from drivers.mikrotik.identities import Answers
from drivers.mikrotik.values import yes
from drivers.mikrotik.ways import Way
from enforcement.keys import Key, KeyType

AAA, SECRET = "/ppp/aaa", "/ppp/secret"


def questions(ways: Mapping[KeyType, Way], keys: Iterable[Key] | None, whole: bool) -> list[Words]:
    """The commands that tell the secrets of `keys`, of everybody where None; none where users are restricted by them,
    since they are read as records then. A `whole` look asks in any case: RADIUS may know users that no way here names.
    """
    aaa = (f"{AAA}/print", "=.proplist=use-radius")
    way = ways.get(KeyType.USERNAME)
    if way is Way.PPP_SECRET:
        return [aaa] if whole else []
    if way is not Way.ADDRESS_LIST and not whole:
        return []
    its = [f"?name={key.value}" for key in keys or () if key.type is KeyType.USERNAME]
    return [aaa, (f"{SECRET}/print", "=.proplist=name,disabled", *either_of(its))]


def enabled(answers: Answers) -> dict[Key, bool]:
    """Whether each user that has a secret has one that is enabled."""
    found: dict[Key, bool] = {}
    for row in answers.get(SECRET, ()):
        try:
            key = Key.of(KeyType.USERNAME, row.get("name", ""))
        except ValueError:
            continue
        found[key] = found.get(key, False) or not yes(row.get("disabled", "false"))
    return found


def asks_radius(answers: Answers) -> bool:
    return any(yes(row.get("use-radius", "")) for row in answers.get(AAA, ()))
