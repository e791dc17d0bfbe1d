"""What each reason code of a returned collection says about the payer, as data.

The codes are ISO 20022's external return reasons, as SEPA's rulebooks use them (EPC173-14). The classes are the
product's own reading of them: only what says that the payer did not pay counts towards anything.
"""

from enum import StrEnum


class ReturnClass(StrEnum):
    """What a return says. The order is from the most careful reading to the least."""

    DECEASED = "deceased"
    """The payer has died: everything stops until a person has looked."""
    REVIEW = "review"
    """The mandate may be wrong, or the code is unknown: a person looks at it, and it counts for nothing."""
    OPERATOR = "operator"
    """Our own mistake, such as collecting twice."""
    TECHNICAL = "technical"
    """The data were wrong: it is mended and collected again, and says nothing about the payer."""
    PAYER = "payer"
    """The payer told the bank not to pay: it counts once the customer was reached after it."""
    COUNTS = "counts"
    """The payer did not pay."""


_CLASSES = {
    ReturnClass.COUNTS: ("AM04", "MS02", "MS03", "MD06"),
    ReturnClass.PAYER: ("SL01", "SL11", "SL12", "SL13", "SL14", "AC06"),
    ReturnClass.TECHNICAL: (
        *("AC01", "AC13", "AG01", "AG02", "BE05", "FF01", "FF05", "RC01", "RR01", "RR02", "RR03", "RR04"),
        *("DNOR", "CNOR", "MD02", "ED05", "TM01"),
    ),
    ReturnClass.OPERATOR: ("AM05", "DUPL"),
    ReturnClass.REVIEW: ("AC04", "MD01"),
    ReturnClass.DECEASED: ("MD07",),
}
"""MS03 gives no reason: banks that may not say "insufficient funds" say it. MD06 is a refund that the payer wanted."""

_CLASS_OF = {code: known for known, codes in _CLASSES.items() for code in codes}


def class_of(code: str) -> ReturnClass:
    """The class of a reason code; one that is not known here is for a person to look at."""
    return _CLASS_OF.get(code.strip().upper(), ReturnClass.REVIEW)
