"""Was this order given before? Answers kept by token and Idempotency-Key, in the transaction of their effect."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from controller.store.tables import idempotency


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a request, and the digest of that request."""

    request_digest: str
    status: int
    body: Any


def answer_given(tx: Connection, token: str, key: str) -> Answer | None:
    """The answer that was given to this token under this key, or None."""
    query = select(idempotency).where(idempotency.c.token == token, idempotency.c.key == key)
    row = tx.execute(query).one_or_none()
    return None if row is None else Answer(row.request_digest, row.status, row.body)


def keep_answer(tx: Connection, token: str, key: str, answer: Answer, now: datetime) -> None:
    """Keep an answer. Raises IntegrityError where a request under the same key was quicker."""
    values = {"request_digest": answer.request_digest, "status": answer.status, "body": answer.body}
    tx.execute(insert(idempotency).values(token=token, key=key, at=now, **values))


def forget_answers(tx: Connection, before: datetime) -> int:
    """Forget answers given before an instant; how many they were."""
    return tx.execute(delete(idempotency).where(idempotency.c.at < before)).rowcount
