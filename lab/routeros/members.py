"""Members: which addresses a device itself puts into address lists while a session lasts (pure).

The profile of a PPP or hotspot user names one list, a DHCP lease any number (manual, "PPP AAA", "HotSpot user
profile", "DHCP server / Leases"). A profile is taken at login: `login-list` on the session is what it gave then.
"""

from collections.abc import Iterable, Mapping

Row = Mapping[str, str]
Tables = Mapping[str, Iterable[Row]]

_USERS = {
    "/ppp/active": ("/ppp/secret", "/ppp/profile"),
    "/ip/hotspot/active": ("/ip/hotspot/user", "/ip/hotspot/user/profile"),
}


def members(tables: Tables, path: str) -> set[tuple[str, str]]:
    """(list, address) of what the rows of `path` put into lists now."""
    if path in _USERS:
        given = [(row.get("login-list", ""), row.get("address", "")) for row in tables[path]]
        return {place for place in given if all(place)}
    return {
        (name, row.get("active-address", ""))
        for row in tables[path]
        if row.get("status") == "bound" and row.get("disabled") != "true"
        for name in row.get("address-lists", "").split(",")
        if name
    }


def login_list(tables: Tables, path: str, user: str) -> str | None:
    """The list that a user's profile gives at login; None where no such user may log in."""
    users, profiles = _USERS[path]
    for row in tables[users]:
        if row["name"] == user and row.get("disabled") != "true":
            profile = row.get("profile", "default")
            return next((its.get("address-list", "") for its in tables[profiles] if its["name"] == profile), "")
    return None
