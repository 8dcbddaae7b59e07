"""What is known of phone numbers, ids, cards, accounts and addresses: `data/personal-data.yaml`, ready for search."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import yaml

from provenance.core.package_data import DATA_FOLDER


@dataclass(frozen=True, slots=True)
class PersonalDataFacts:
    """What `data/personal-data.yaml` says of numbers and addresses, in the form in which a search asks for it.

    Args:
        email: parts of addresses by what they tell, such as the names of roles.
        areas: North American area codes of toll-free and other numbers that are nobody's own.
        lengths: country code -> least and most digits of a national number.
        fiction: what numbers reserved for fiction begin with, country code first.
        phones: Chinese mobile numbers that examples use.
        provinces: the first two digits of Chinese resident ids.
        ids: resident ids that examples use.
        issuers: of cards: first and last of a range of leading digits, and how many digits its cards have.
        cards: card numbers that examples use.
        structures: country -> pattern of its account numbers (IBAN registry).
        ibans: account numbers that examples use.
        hosts: addresses of machines that serve everybody, such as name servers.
        networks: networks that are reserved for documentation or private use.
        made_up: addresses that examples use.
    """

    email: dict[str, frozenset[str]]
    areas: frozenset[str]
    lengths: dict[str, tuple[int, int]]
    fiction: tuple[str, ...]
    phones: frozenset[str]
    provinces: frozenset[str]
    ids: frozenset[str]
    issuers: tuple[tuple[str, str, frozenset[int]], ...]
    cards: frozenset[str]
    structures: dict[str, re.Pattern[str]]
    ibans: frozenset[str]
    hosts: frozenset[IPv4Address | IPv6Address]
    networks: tuple[IPv4Network | IPv6Network, ...]
    made_up: frozenset[IPv4Address | IPv6Address]


@cache
def load_facts() -> PersonalDataFacts:
    """Read `data/personal-data.yaml`, once a process."""
    facts = yaml.safe_load((DATA_FOLDER / "personal-data.yaml").read_text(encoding="utf-8"))
    phone, card, iban, ip = facts["phone"], facts["payment-card"], facts["iban"], facts["ip"]
    otherwise = tuple(phone["otherwise"])
    return PersonalDataFacts(
        email={name: frozenset(each) for name, each in facts["email"].items()},
        areas=frozenset(phone["role-areas"]),
        lengths={str(code): otherwise for code in phone["codes"]} | {k: tuple(v) for k, v in phone["lengths"].items()},
        fiction=tuple(phone["example-starts"]),
        phones=frozenset(phone["examples"]),
        provinces=frozenset(facts["cn-resident-id"]["provinces"]),
        ids=frozenset(facts["cn-resident-id"]["examples"]),
        issuers=tuple((str(first), str(last), frozenset(digits)) for first, last, digits in card["ranges"]),
        cards=frozenset(card["examples"]),
        structures={country: _account_pattern(shape) for country, shape in iban["structures"].items()},
        ibans=frozenset(iban["examples"]),
        hosts=frozenset(map(ip_address, ip["role"])),
        networks=tuple(map(ip_network, ip["example-networks"])),
        made_up=frozenset(map(ip_address, ip["examples"])),
    )


def _account_pattern(shape: str) -> re.Pattern[str]:
    """Compile the structure of an account number: 'a4n14' is four letters and fourteen digits."""
    classes = {"n": "[0-9]", "a": "[A-Z]", "c": "[0-9A-Z]"}
    parts = re.findall("([nac])([0-9]+)", shape)
    return re.compile("".join(f"{classes[kind]}{{{count}}}" for kind, count in parts))
