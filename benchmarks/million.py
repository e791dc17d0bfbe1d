"""A month of an operator with up to a million customers, written into a database of the controller by SQL alone.

Of each hundred accounts 94 have paid their last three invoices, five owe the last one, and one owes all three, was
warned, and is slowed. Each has one internet service, bound to one of fifty devices. What was concluded of those who
paid stands too, as after a review; the others are to be reviewed once. Intake is measured elsewhere.
"""

import json
from datetime import UTC, datetime

from sqlalchemy import text

from controller.store.engine import Database

NOW = datetime(2026, 11, 10, 9, tzinfo=UTC)
"""A Tuesday at ten in Madrid: the window is open."""

DEVICES = 50

_TOLD = "'2026-08-01 00:00+00', 0, 'bench', 'e'"
_ACCESS = json.dumps({"internet": ["throttled", "portal", "blocked"]})
_OPEN = json.dumps({"reasons": [], "evidence": [], "next_stage": "", "blocks": [], "review_at": None})
_KEYS = json.dumps(["username"])

_SCRIPT = (
    """INSERT INTO installation ("only", name) VALUES (1, 'bench')""",
    f"""INSERT INTO devices (name, agent, driver, site, keys, access, epoch, revision, enrolled_at, halted, problems,
        former_boots) SELECT 'd' || n, 'agent', 'radius', '', '{_KEYS}', '{_ACCESS}', 'e1', 1,
        '2026-08-01 00:00+00', '', '[]', '[]' FROM generate_series(0, {DEVICES - 1}) n""",
    """INSERT INTO device_modes (device, kind, mode, set_at, set_by)
        SELECT 'd' || n, 'internet', 'enforce', '2026-08-01 00:00+00', 'bench' FROM generate_series(0, 49) n""",
    f"""INSERT INTO freshness (source, payments_known_until, event_time, event_sequence, event_source, event_id)
        VALUES ('bench', '{NOW.isoformat()}', {_TOLD})""",
    f"""INSERT INTO accounts (id, tags, municipality, concluded, event_time, event_sequence, event_source,
        event_id) SELECT 'a' || lpad(n::text, 7, '0'), '[]', '', CASE WHEN n % 100 < 94 THEN 'open' END,
        {_TOLD} FROM generate_series(0, :last) n""",
    f"""INSERT INTO services (id, account_id, kind, event_time, event_sequence, event_source, event_id)
        SELECT 's' || lpad(n::text, 7, '0'), 'a' || lpad(n::text, 7, '0'), 'internet', {_TOLD}
        FROM generate_series(0, :last) n""",
    f"""INSERT INTO decisions (service_id, account_id, access, stage, body, policy, policy_version, decided_at,
        waits_for) SELECT 's' || lpad(n::text, 7, '0'), 'a' || lpad(n::text, 7, '0'), 'full', '', '{_OPEN}', 'es',
        'before', '2026-11-01 00:00+00', '' FROM generate_series(0, :last) n WHERE n % 100 < 94""",
    """INSERT INTO bindings (service_id, device, key)
        SELECT 's' || lpad(n::text, 7, '0'), 'd' || n % 50, 'username:u' || n FROM generate_series(0, :last) n""",
    f"""INSERT INTO invoices (id, account_id, amount, currency, presented_on, due_on, lines, cancelled,
        event_time, event_sequence, event_source, event_id)
        SELECT 'f' || n || '-' || m, 'a' || lpad(n::text, 7, '0'), 2990, 'EUR', DATE '2026-08-01' + 31 * m,
        DATE '2026-08-06' + 31 * m, '[]', false, {_TOLD} FROM generate_series(0, :last) n, generate_series(0, 2) m""",
    f"""INSERT INTO payments (id, account_id, amount, currency, instrument, received_at, allocations, pending,
        event_time, event_sequence, event_source, event_id)
        SELECT 'p' || n || '-' || m, 'a' || lpad(n::text, 7, '0'), 2990, 'EUR', 'card',
        TIMESTAMPTZ '2026-08-05 10:00:00+00' + 31 * m * INTERVAL '1 day',
        json_build_array(json_build_object('invoice', 'f' || n || '-' || m, 'amount', 2990)), false, {_TOLD}
        FROM generate_series(0, :last) n, generate_series(0, 2) m
        WHERE n % 100 < 94 OR (n % 100 < 99 AND m < 2)""",
    f"""INSERT INTO notices (id, account_id, stage, channel, sent_at, names_date, delivered_at, template,
        event_time, event_sequence, event_source, event_id)
        SELECT 'n' || n, 'a' || lpad(n::text, 7, '0'), 'throttled', 'sms', '2026-10-02 10:00:00+00', '2026-10-21',
        '2026-10-02 10:01+00', '', {_TOLD} FROM generate_series(0, :last) n WHERE n % 100 = 99""",
    """INSERT INTO impositions (service_id, policy, stage, access, at, observed, verified_at)
        SELECT 's' || lpad(n::text, 7, '0'), 'es', 'throttled', 'throttled', '2026-10-21 08:00+00', false,
        '2026-10-21 08:01+00'
        FROM generate_series(0, :last) n WHERE n % 100 = 99""",
    "ANALYZE",
)


def fill(database: Database, accounts: int) -> None:
    """Write the month; the database is PostgreSQL's, migrated and empty."""
    for statement in _SCRIPT:
        with database.write() as tx:
            tx.execute(text(statement), {"last": accounts - 1} if ":last" in statement else {})


def mark(database: Database, which: str = "true") -> None:
    """Have all accounts, or some (an SQL condition), reviewed by the clock, and let the database tidy up after it."""
    with database.write() as tx:
        tx.execute(text(f"UPDATE accounts SET review_at = :now WHERE {which}"), {"now": NOW})
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE accounts"))
