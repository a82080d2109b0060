"""What is known of a store besides the settings that its figures depend on: its name, place, hours, size and labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any

from metrica.dashboard.kpis.hours import OpeningHours
from metrica.dashboard.people.organisations import checked_title

MOST_LABELS = 50
"""Most tags, and most groups, of one store."""

# The currencies in use, by ISO 4217 (https://www.iso.org/iso-4217-currency-codes.html), without those of banks only.
_CODES = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP "
    "CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG "
    "HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL "
    "MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR "
    "RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS "
    "UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
)
_CURRENCIES = frozenset(_CODES.split())
_LABEL = re.compile(r"[^\W_]([\w .&'+-]{0,38}[\w.+])?")


@dataclass(frozen=True, slots=True)
class StoreDetails:
    """What is known of a store. Raises ValueError, as one sentence, for what cannot be."""

    name: str = ""
    """As people call it; empty: its id."""
    address: str = ""
    """Up to 300 characters; may have several lines."""
    country: str = ""
    """ISO 3166-1, two letters; empty: not known."""
    currency: str = ""
    """ISO 4217, three letters; empty: not known."""
    hours: OpeningHours | None = None
    """When it is open; None: not known."""
    floor_area: float | None = None
    """Square metres; None: not known."""
    capacity: int | None = None
    """Most people at a time; None: not known."""
    tags: tuple[str, ...] = ()
    """Words by which stores are found, in order."""
    groups: tuple[str, ...] = ()
    """The groups that it is counted in, in order, such as a region."""

    def __post_init__(self) -> None:
        checked_title(self.name)
        if len(self.address) > 300 or not all(line.isprintable() for line in self.address.split("\n")):
            raise ValueError("the address cannot be kept: use up to 300 characters")
        if self.country and self.country not in _countries():
            raise ValueError(f"there is no country {self.country!r}: use its two letters in ISO 3166, such as TN")
        if self.currency and self.currency not in _CURRENCIES:
            raise ValueError(f"there is no currency {self.currency!r}: use its three letters in ISO 4217, such as TND")
        if self.floor_area is not None and not 1 <= self.floor_area <= 1_000_000:
            raise ValueError(f"a floor area of {self.floor_area} m² cannot be: give 1 to 1000000 square metres")
        if self.capacity is not None and not 1 <= self.capacity <= 1_000_000:
            raise ValueError(f"a capacity of {self.capacity} people cannot be: give a number from 1 to 1000000")
        for what, labels in (("tag", self.tags), ("group", self.groups)):
            if len(labels) > MOST_LABELS:
                raise ValueError(f"{len(labels)} {what}s are too many: give at most {MOST_LABELS}")
            for label in labels:
                if not _LABEL.fullmatch(label):
                    raise ValueError(f"{label!r} cannot be a {what}: use up to 40 letters, digits, blanks and dashes")


NAMES = tuple(field.name for field in fields(StoreDetails))
"""The names of the details."""


def told_apart(stores: Sequence[str], names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return stores, each with what people call it: its id without a name, and both where two would look the same.

    names: by id, see `DetailsTable.names`.
    """
    called = [names.get(store, store) for store in stores]
    often = Counter(called)
    return [
        (store, name if often[name] == 1 or name == store else f"{name} ({store})")
        for store, name in zip(stores, called, strict=True)
    ]


def read_details(document: dict[str, Any]) -> dict[str, Any]:
    """Return details as `StoreDetails` takes them: names trimmed, codes in capitals, labels in order, hours read.

    document: some of them, as JSON has them. Raises ValueError, as one sentence.
    """
    made = dict(document)
    for name in set(made) - set(NAMES):
        raise ValueError(f"a store has no {name!r}: it has {', '.join(NAMES)}")
    for name in ("name", "address"):
        if name in made:
            made[name] = str(made[name] or "").replace("\r\n", "\n").strip()
    for name in ("country", "currency"):
        if name in made:
            made[name] = str(made[name] or "").strip().upper()
    for name in ("tags", "groups"):
        if name in made:
            made[name] = tuple(sorted({str(label).strip() for label in made[name] or ()}))
    if made.get("hours") is not None and not isinstance(made["hours"], OpeningHours):
        made["hours"] = OpeningHours.of(made["hours"])
    return made


@cache
def _countries() -> frozenset[str]:
    # The list of the time zone database, which is there for the time zones anyway.
    listed = files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text(encoding="utf-8")
    return frozenset(line.split("\t")[0] for line in listed.splitlines() if line and not line.startswith("#"))
