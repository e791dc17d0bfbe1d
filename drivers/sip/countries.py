"""What each country dials: the numbers that no barring may reach there, and what its dial plan is to be told. Data.

Compiled in, so that no settings file can take one away; `emergency_numbers` adds to them. How sure each list is stands
beside it. A number too many costs nothing: where nobody has it, nobody reaches it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    """One country's numbers, as dialled inside it.

    `code` is its country code. `emergency` are its short numbers besides 112; those of `prefixed` are tried after the
    country code too, as telephones dial that add it. `premium` holds a number of each range of `premium_pattern`, and
    `control` is an ordinary number. The patterns are the dial plan's: see configs/sip/kamailio/grifo-routes.cfg.
    """

    code: str
    emergency: tuple[str, ...]
    prefixed: tuple[str, ...]
    subscriber_pattern: str
    premium: tuple[str, ...]
    premium_pattern: str
    control: str

    @property
    def defines(self) -> dict[str, str]:
        """What to define before the dial plan's fragment is included, by name."""
        return {
            "GRIFO_CC": self.code,
            "GRIFO_SUBSCRIBER": self.subscriber_pattern,
            "GRIFO_NATIONAL": national_pattern(self.emergency),
            "GRIFO_PREMIUM": self.premium_pattern,
        }


def national_pattern(numbers: tuple[str, ...]) -> str:
    """The value of GRIFO_NATIONAL by which exactly these numbers pass, besides 112 and 116xxx; "-" is no number."""
    return f"^({'|'.join(number for number in numbers if number.isdigit()) or '-'})$"


_ABROAD = "[+](979|88[123])[0-9]+"
"""International premium rate and satellite networks (ITU-T E.164.1, list of assigned codes)."""

# Spain: Plan nacional de numeracion (RD 2296/2004, annex) and the resolutions that attribute short numbers to police,
# fire, ambulance, civil protection, violence (016) and suicide (024). Tariffs: Orden PRE/361/2002, Orden CTE/711/2002.
_SPAIN = Country(
    code="34",
    emergency=("016", "024", "061", "062", "080", "085", "088", "091", "092", "1006"),
    prefixed=("112",),
    subscriber_pattern="^[5-9][0-9]{8}$",
    premium=("803123456", "806123456", "807123456", "905123456", "11822"),
    premium_pattern=f"^((803|806|807|905)[0-9]{{6}}|118[0-9]{{2,3}}|{_ABROAD})$",
    control="+34600000000",
)

# Portugal: ANACOM's Plano Nacional de Numeracao: 112 and its forerunner 115, forest fires (117), social emergency
# (144); audiotext of DL 177/99 (601, 607, 646, 648) and 76x. From memory, not read again in the law.
_PORTUGAL = Country(
    code="351",
    emergency=("115", "117", "144"),
    prefixed=("112",),
    subscriber_pattern="^[2-9][0-9]{8}$",
    premium=("601123456", "607123456", "646123456", "648123456", "760123456", "761123456", "762123456", "11889"),
    premium_pattern=f"^((601|607|646|648|760|761|762)[0-9]{{6}}|118[0-9]{{2,3}}|{_ABROAD})$",
    control="+351910000000",
)

# Brazil: Anatel's codes of public utility and emergency (tridigit services: Resolucao 749/2022, before it Ato 43.151):
# police 190, highway police 191 and 198, ambulance 192, fire 193, federal police 194, civil police 197, civil defence
# 199, women 180, reports 181, human rights 100, life line 188, coast guard 185, municipal guard 153; 112 and 911 lead
# to 190. From memory, not read again in the resolution. 0900, 0500 (donations) and 0300 are charged specially.
_BRAZIL = Country(
    code="55",
    emergency=(
        *("100", "153", "180", "181", "185", "188", "190", "191", "192", "193", "194", "197", "198", "199"),
        "911",
    ),
    prefixed=("112", "190"),
    subscriber_pattern="^[1-9][1-9][2-9][0-9]{7,8}$",
    premium=("09001234567", "05001234567", "03001234567"),
    premium_pattern=f"^(0(900|500|300)[0-9]{{6,7}}|(900|500|300)[0-9]{{7}}|{_ABROAD})$",
    control="+551130000000",
)

# Germany: 110 and 112 (Notrufverordnung, section 1). 115 is the authorities' switchboard, no emergency number. Tariffs:
# the Bundesnetzagentur's ranges 0900, 0137 and 118. From memory. A subscriber's name in national form has no certain
# length there, and nothing tells it from one with the country code: names are taken for international numbers.
_GERMANY = Country(
    code="49",
    emergency=("110",),
    prefixed=("112", "110"),
    subscriber_pattern="^-$",
    premium=("09001234567", "01371234567", "11833"),
    premium_pattern=f"^(0(900|137)[0-9]{{6,8}}|(900|137)[0-9]{{7}}|118[0-9]{{2,3}}|{_ABROAD})$",
    control="+493023125000",
)

COUNTRIES = {"es": _SPAIN, "pt": _PORTUGAL, "br": _BRAZIL, "de": _GERMANY}
"""By ISO 3166-1 code, in lower case."""
