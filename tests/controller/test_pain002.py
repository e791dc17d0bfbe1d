"""A bank's file of returned debits: read twice it counts once, and it is read whole or refused with the place."""

from datetime import timedelta
from io import BytesIO

import pytest
from sqlalchemy import select

from controller.intake.pain002 import read_pain002, take_pain002
from controller.intake.reader import EventRefused
from controller.store.engine import Database
from controller.store.queries.facts import facts_of
from controller.store.queries.unmatched import returns_of_nobody
from controller.store.tables import accounts, returns
from tests.controller.billing import DAY, NOW, Billing, outcomes, review, tell
from tests.controller.dump import dump


def _transaction(end_to_end: str, code: str = "AM04", amount: str = "30.00", status: str = "RJCT") -> str:
    return f"""<TxInfAndSts><OrgnlEndToEndId>{end_to_end}</OrgnlEndToEndId><TxSts>{status}</TxSts>
    <StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>
    <OrgnlTxRef><Amt><InstdAmt Ccy="EUR">{amount}</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>"""


def _file(*transactions: str, message: str = "M1", version: str = "03", head: str = "", status: str = "") -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>{head}
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.{version}"><CstmrPmtStsRpt>
<GrpHdr><MsgId>{message}</MsgId><CreDtTm>2026-03-02T06:00:00</CreDtTm></GrpHdr>
<OrgnlGrpInfAndSts><OrgnlMsgId>O1</OrgnlMsgId></OrgnlGrpInfAndSts>
<OrgnlPmtInfAndSts><OrgnlPmtInfId>P1</OrgnlPmtInfId>{status}{"".join(transactions)}</OrgnlPmtInfAndSts>
</CstmrPmtStsRpt></Document>""".encode()


def _collected(account: str, collection: str) -> dict[str, object]:
    data = {"collection": collection, "account": account, "invoice": "f1", "amount": 3000, "collected_on": "2026-02-27"}
    return Billing(source=collection).event("collection", data)


def test_a_return_becomes_a_fact_of_the_account_whose_collection_it_names(database: Database) -> None:
    tell(database, _collected("a1", "c1"), now=NOW - DAY)
    review(database, NOW - DAY)
    answers = take_pain002(database, BytesIO(_file(_transaction("c1", "MD06"))), NOW)
    assert outcomes(answers) == ["accepted"]
    with database.read() as tx:
        (found,) = facts_of(tx, ["a1"])["a1"].returns  # type: ignore[index]
        (account,) = tx.execute(select(accounts))
    assert (found.collection, found.code, found.amount, found.returned_on.isoformat()) == (
        "c1",
        "MD06",
        3000,
        "2026-03-02",
    )
    assert account.review_at == NOW


def test_a_file_read_twice_counts_once(database: Database) -> None:
    file = _file(_transaction("c1"), _transaction("c2", amount="0.10"))
    assert outcomes(take_pain002(database, BytesIO(file), NOW)) == ["accepted", "accepted"]
    before = dump(database)
    assert outcomes(take_pain002(database, BytesIO(file), NOW + DAY)) == ["duplicate", "duplicate"]
    assert dump(database) == before


def test_only_what_was_rejected_is_a_return(database: Database) -> None:
    answers = take_pain002(database, BytesIO(_file(_transaction("c1", status="ACSC"), _transaction("c2"))), NOW)
    assert len(answers) == 1
    with database.read() as tx:
        assert [row.collection_id for row in tx.execute(select(returns))] == ["c2"]


def test_a_return_of_an_unknown_collection_is_kept_and_shown_until_somebody_tells_of_it(database: Database) -> None:
    take_pain002(database, BytesIO(_file(_transaction("c1"))), NOW)
    with database.read() as tx:
        assert [row["collection"] for row in returns_of_nobody(tx)] == ["c1"]
    tell(database, _collected("a1", "c1"))
    with database.read() as tx:
        assert returns_of_nobody(tx) == []
        assert len(facts_of(tx, ["a1"])["a1"].returns) == 1  # type: ignore[index]


_ENTITY = '<!DOCTYPE d [<!ENTITY x "y">]>'


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (_file(_transaction("c1"))[:-20], "not well-formed XML: .* line 8"),
        (_file(_transaction("c1"), _transaction("")), "transaction 2 \\(OrgnlEndToEndId missing\\)"),
        (
            _file(_transaction("c1"), _transaction("c2", code="")),
            "transaction 2 \\(OrgnlEndToEndId c2\\): StsRsnInf/Rsn/Cd",
        ),
        (
            _file(_transaction("c1"), _transaction("c2", amount="1,50")),
            "transaction 2 .* '1,50'; expected euro and cents",
        ),
        (_file(_transaction("c1", amount="0.005")), "'0.005'"),
        (_file(_transaction("c1").replace("EUR", "USD")), "'USD'; expected EUR"),
        (_file(_transaction("c1"), message=""), "GrpHdr/MsgId is missing"),
        (_file(_transaction("c1"), version="10"), "expected urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"),
        (_file(_transaction("c1"), head=_ENTITY), "document type or entities"),
        (_file(status="<PmtInfSts>RJCT</PmtInfSts>"), "the bank rejected all of payment information P1"),
        (b"", "not well-formed"),
        (_file(_transaction("c" * 65)), "data.collection"),
    ],
)
def test_a_file_with_an_error_is_refused_whole_with_its_place(
    sqlite_database: Database, file: bytes, words: str
) -> None:
    before = dump(sqlite_database)
    with pytest.raises(EventRefused, match=words):
        take_pain002(sqlite_database, BytesIO(file), NOW)
    assert dump(sqlite_database) == before


def test_a_file_of_the_day_that_has_begun_further_east_is_no_file_of_the_future(sqlite_database: Database) -> None:
    late = NOW.replace(month=3, day=1, hour=22)
    assert outcomes(take_pain002(sqlite_database, BytesIO(_file(_transaction("c1"))), late + timedelta(hours=1))) == [
        "accepted"
    ]


def test_a_group_of_which_some_came_back_is_read() -> None:
    status = "<PmtInfSts>PART</PmtInfSts>"
    assert len(read_pain002(BytesIO(_file(_transaction("c1"), _transaction("c2"), status=status)))) == 2
