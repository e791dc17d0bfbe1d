"""The benches that there are. A driver, a profile or a kind of server counts as supported when its bench is here."""

from tests.drivers.conformance import mikrotik, mikrotik_ways, radius, radius_several, sip, sip_profiles, sip_shell

KINDS = (
    mikrotik.LISTS,
    mikrotik.PREFIXES,
    *mikrotik_ways.KINDS,
    radius.OFFLINE,
    radius.ONLINE,
    radius.BY_COA,
    radius.ON_POSTGRESQL,
    radius.ON_MARIADB,
    radius.ON_SQLITE,
    radius_several.KIND,
    sip.SIMULATOR,
    sip.KAMAILIO,
    sip_shell.KIND,
    *sip_profiles.KINDS,
)
