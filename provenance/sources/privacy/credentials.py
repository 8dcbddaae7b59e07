"""What opens a door, removed from a text: user info and signed queries of addresses, passwords, tokens, private keys.

An address keeps everything else as written: hosts, paths, other parameters and fragments are ids and records of origin.
A parameter keeps its name, its value becomes `[removed]`. A value is read as a program would read it: percent-encoded,
once or twice, in any case, in an address inside an address.

Source: RFC 3986, 3.2.1; AWS Signature Version 4, query; Google Cloud Storage, V2 and V4 signed URLs; Azure Storage,
shared access signatures; CloudFront, signed URLs; RFC 6749 and 6750 (OAuth 2.0); RFC 7519 (JWT); RFC 7468 (PEM); the
published prefixes of tokens of their issuers.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import yaml

from provenance.core.package_data import DATA_FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable

REMOVED = "[removed]"
"""What stands in place of a secret."""

URL = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.\-]{0,30}:[/\\]{2,}|(?<![\w:/\\.])[/\\]{2}(?=[^\s/\\])"
    r"|(?<![A-Za-z])(?i:https?|ftp|wss?):[/\\]?(?=[^\s/\\]))(?P<rest>[^\s<>\"`]*)"
)
"""An address with an authority, as a browser reads one: `https:\\host` and `//host` are addresses too."""

_DEEPEST = 4  # addresses inside addresses, and times percent-encoded
_MACHINES = {"git", "hg", "svn", "cvs", "bzr", "anonymous", "ftp", "anoncvs"}  # accounts of nobody
_ODD = re.compile(r"[^/\\?#@\s\[]*:(?!\d{0,5}(?:[/\\?#]|\Z))[^\s@]*@(?=[\w\[])")  # a password that holds / or ?
_IMAGE = re.compile(r"sha\d{1,3}:[0-9a-f]", re.IGNORECASE)  # what stands before it is an image of containers
_PARAMETER = re.compile(r"(?P<lead>[?&;#])(?P<name>[^=&;#?\s/]{1,100})=(?P<value>[^&;#\s]*)")

_ENDS = re.compile(
    r"(?:(?:access|refresh|auth|api|security|private|session|id|csrf|xsrf|download|share|user|bearer|oauth|sas|request"
    r"|client|hf|github|gitlab)_?token|secret|passw(?:or)?d|passphrase|passkey|signature|api_?key|access_?key(?:_?id)?"
    r"|secret_?key|private_?key|auth_?key|account_?key|subscription_?key|credentials?|_sig|_pwd|_jwt|_hmac)\Z"
)
_MAY_END = re.compile(r"(?:token|_key|_sign|_auth)\Z")
"""Ends of names that are as often a cursor, a column or a topic: their values are looked at."""

_PLAIN = re.compile(r"[a-z]{1,15}|[A-Z]{1,15}|[A-Z][a-z]{1,14}|\d{1,8}")
_LEAST = 6  # characters of a value that could be random
_CATALOGUED = re.compile(r"(?=\d*[A-Z])[A-Z0-9]{1,12}")  # LDC2020T01
_ROUND = re.compile(r"\d{1,3}|[01]?\.\d{1,4}")
_PAGING = re.compile(
    r"(?i)(?:resumption|continuation|continue|(?<![a-z])page|next|prev(?:ious)?|cursor|scroll|start|offset|position|paging|sync"
    r"|search)_?-?(?:page)?_?-?token\Z|(?<![a-z])(?:\w*_)?(?:cursor|cursor_?mark|scroll_?id|search_?after|continuation|marker|next_?marker"
    r"|page|offset|after|before|start_?after)\Z"
)
"""Names of what continues a list: ids of paging, which open nothing."""

_IDS = re.compile(r"(?:id|ids|uuid|guid|hash|digest|checksum|sha\d*|md5|url|uri|path|file|filename|name|q|v|etag)\Z")
_OPAQUE = re.compile(r"[A-Za-z0-9_\-]{40,}={0,2}|[A-Za-z0-9+/]{38,}={1,2}")

_KEYS = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)", re.DOTALL)
_HEADERS = re.compile(
    r"(?i)(?<![?&;#])\b((?:proxy-)?authorization|x-(?:[\w\-]{1,40}-)?(?:api-?key|token|secret|password|pw|bindpw|signature|credential)"
    r"|private-token|set-cookie|cookie)(\s*[:=]\s*[\"']?)"
    r"(?:(?:basic|bearer|token|apikey|digest|negotiate|aws4-hmac-sha256)\s+)?[^\s\"',][^\"'\r\n,]*"
)
_SCHEMES = re.compile(r"(?i)\b(bearer|basic)\s+(?=[A-Za-z0-9_\-.+/=~]*[0-9A-Z=])[A-Za-z0-9_\-.+/=~]{12,}")
_ACCOUNT = re.compile(
    r"(?<![\w.+/@:\-])(?!(?i:mailto|sips?|xmpp|acct|tel|im):)([\w.+%$\-]{1,100}):([^\s@/\\\"'<>]{1,200})@"
    r"(?!sha\d|v?\d+(?:\.\d+)*(?:[^\w.]|\Z))(?=[\w\[]|tcp\(|unix\()"
)
_ORACLE = re.compile(r"(?i)(?<=[:\s])([\w$#]{1,64})/([^\s/@\"']{1,128})@(?=//|\(|[\w.\-]+[:/])")
_WORDS = (  # a password, in the languages that data is described in
    r"password|passwd|passphrase|passcode|pass ?word|passwort|kennwort|mot de passe|contraseña|contrasena|senha"
    r"|palavra-passe|parola(?: d'ordine)?|wachtwoord|lösenord|adgangskode|passord|salasana|hasło|haslo|heslo|jelszó"
    r"|şifre|пароль|κωδικός|密码|密碼|口令|提取码|提取碼|访问码|解压码|解压密码|パスワード|暗証番号|비밀번호|암호"
    r"|mật khẩu|kata sandi|كلمة المرور|كلمة السر|סיסמה|รหัสผ่าน|पासवर्ड"
)
_NAMED = (
    rf"{_WORDS}|pwd|(?<![A-Za-z])pw|api[_\- ]?key|access[_\- ]?key(?:[_\- ]?id)?"
    r"|secret[_\- ]?key|private[_\- ]?key|account[_\- ]?key|auth[_\- ]?token|access[_\- ]?token|refresh[_\- ]?token"
    r"|shared[_\- ]?access[_\- ]?(?:key|signature)|client[_\- ]?secret|session[_\- ]?key"
)
_PAIR = re.compile(
    rf"(?i)(?<![^\W_])((?:[\w.\-]*?)(?:{_NAMED}))"
    r"([\"']?(?:\s?[(（][^()（）\r\n]{1,40}[)）])?\s{0,3}(?:[=:：]|=>|:=|\s?[是为為は])\s{0,3})"
    r"(\"[^\"\r\n]+\"|'[^'\r\n]+'|「[^」\r\n]+」|[^\s\"',;，；。&<>]+)"
)
_WEAK_PAIR = re.compile(
    r"(?i)(?<![^\W_])((?:[\w.\-]*?)(?:token|secret|credentials?|jwt))([\"']?\s{0,3}(?:[=:：]|=>|:=)\s{0,3}[\"']?)"
    r"((?=[^\s\"',;&<>]*\d)(?=[^\s\"',;&<>]*[A-Za-z])[^\s\"',;&<>]{8,})"
)
_SHORT = re.compile(  # an assignment of letters and digits: of words and of numbers alone it is a setting
    r"(?i)(?<![^\W_])((?:(?:access|auth|api|refresh|session|secret|hf)[_\-]?)?token=[\"']?)"
    r"(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{4,7}(?![\w.\-])"
)
_IS = r"is|was|ist|lautet|est|es|é|è|это|-|–|—"
_SAID = re.compile(
    rf"(?i)(?<!\w)({_WORDS}|api key|token)((?:\s+(?:for|of|t"
    rf"o|on|für|zum|zur|pour|de|del|da|do|para|для|к)\s[^.:=\r\n]{{1,60}}?)?"
    rf"\s+(?:{_IS})\s+)([\"'“«`]?)([^\s\"'”»`]{{3,}})"
)
_ACCOUNTS = re.compile(
    r"(?i)(?<!\w)((?:machine\s+\S+|default)\s+)?((?:login|user|username)\s+)(\S+)"
    r"(\s+(?:password|passwd|pass|pw)\s+)(\S+)"
)
_SPACED = re.compile(  # as files of settings write it
    r"(?i)(?<![^\W_])((?:\w*_)?(?:secret_?(?:access_?)?key|access_?key_?id|private_?key|api_?key|auth_?token|access_?token"
    r"|session_?token|secret))(\s{1,8})([^\s\"',;&<>]{12,})"
)
_PINS = re.compile(
    r"((?<![\w\-])(?:(?i:pin(?:[ _\-]?(?:code|number|no\.?|nr\.?))?)|TAN|PUK)[\"']?\s{0,3}[:=：]\s{0,3}[\"']?)"
    r"\d{4,8}(?![\w.])"
)
_PHRASES = re.compile(  # several words
    r"(?i)(?<!\w)((?:pass ?phrase|seed ?phrase|recovery ?phrase|mnemonic)\s{0,3}[:=：]\s{0,3})"
    r"([^\s\"',;.][^\"'\r\n,;.]{2,200})"
)
_JOINED = re.compile(  # "login jane / secret1": a name alone, or a word without a digit, says nothing
    r"(?i)(?<!\w)((?:log-?in|credentials?|user(?:name)?\s?/\s?pass(?:word)?)\s{0,3}[:=：]?\s{1,3})"
    r"([\w.@+\-]{1,64}\s?/\s?(?=[^\s/]*\d)[^\s/\"',;]{4,64})(?![\w/])"
)
_KEYED = re.compile(  # the settings of Kaggle, and the command of Weights & Biases: their keys are bare digits
    r"(?i)(\"username\"\s*:\s*\"[^\"\r\n]{0,100}\"\s*,\s*\"key\"\s*:\s*\""
    r"|(?<!\w)wandb login(?:\s--\w+)?\s)[0-9a-f]{32,40}(?!\w)"
)
_OPTION = re.compile(
    r"(?i)((?<!\S)--?(?:[\w\-]*-)?(?:password|passwd|passphrase|token|api-?key|secret|auth)[ =]"
    r"|(?<!\S)(?:-u[ =]?|--(?:proxy-)?user[ =])[\"']?(?=[^\s:]+:\S)(?![\"']?\w+://))(\S+)"
)
_COMMANDS = (
    re.compile(r"(?<![\w.])((?:fcrackzip|f?unzip|zip)\b[^\r\n|;]{0,80}?\s-P\s*)([\"']?[^\s\"']+[\"']?)"),
    re.compile(
        r"(?<![\w.])((?:7z[ar]?|7zz|rar|unrar|mysql\w*|mariadb[\w\-]*)\b[^\r\n|;]{0,80}?\s-h?p)"
        r"(?=[^\s\-])([\"']?[^\s\"']+[\"']?)"
    ),
    re.compile(
        r"(?<![\w.])((?:sshpass|redis-cli|lftp|openssl)\b[^\r\n|;]{0,80}?\s-(?:p|a|k)\s*)([\"']?[^\s\"']+[\"']?)"
    ),
    re.compile(r"((?:-pass(?:in|out)?\s+)pass:)(\S+)"),
)
_ELEMENT = re.compile(rf"(?i)(<(?:\w+:)?((?:[\w.\-]*?)(?:{_NAMED}|token|secret))\b[^>]*>)[^<]+(?=</)")
_TOKENS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"hf_(?:[A-Za-z0-9]{20,}|(?=[A-Za-z0-9]*[A-Z0-9])[A-Za-z0-9]{8,})|api_org_[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{16,}"
    r"|github_pat_\w{16,}|gl(?:pat|dt|rt|cbt|ptt)-[\w\-]{10,}|(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[0-9A-Z]{12,}"
    r"|AIza[\w\-]{20,}|ya29\.[\w\-]{10,}|GOCSPX-[\w\-]{10,}|1//[\w\-]{30,}|LTAI[A-Za-z0-9]{10,}|AKID[A-Za-z0-9]{10,}"
    r"|sk-(?=[\w\-]*\d)[A-Za-z0-9_\-]{16,}|[srp]k_(?:live|test)_[A-Za-z0-9]{8,}|whsec_[A-Za-z0-9]{16,}|xox[a-z]-[\w\-]{8,}"
    r"|xapp-[\w\-]{8,}|npm_[A-Za-z0-9]{16,}|pypi-(?=[\w\-]*\d)[\w\-]{16,}|do[opr]_v1_[0-9a-f]{16,}"
    r"|SG\.[\w\-]{8,}\.[\w\-]{8,}|dckr_pat_[\w\-]{10,}|r8_[A-Za-z0-9]{20,}|key-[0-9a-f]{32}"
    r"|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{16,}|eyJ[\w\-]{6,}\.[\w\-]{6,}(?:\.[\w\-]*)?|nvapi-[\w\-]{16,}|gsk_[A-Za-z0-9]{16,}"
    r"|ATATT[\w\-=]{16,}|dapi[0-9a-f]{32}|dp\.pt\.[A-Za-z0-9]{16,}|hv[sbr]\.[\w\-]{16,}"
    r"|(?:age-secret-key|AGE-SECRET-KEY)-\w{20,}"
    r")"
)
_PLACES = re.compile(
    r"(?i)((?:hooks\.slack\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/webhooks/\d+/|/bot(?=\d{5,}:)"
    r"|/(?:_?token|secret|apikey|api_key|access_token|password)/(?=[^\s/?#]*\d)(?=[^\s/?#]{8})))[^\s?#\"'<>]+"
)
_JSON = re.compile(r"\\u00([2-7][0-9a-fA-F])")
_ENCODED = re.compile(r"[^\s<>\"`]*%(?:25)*(?:3A|40|2F|3D|26)[^\s<>\"`]*", re.IGNORECASE)


@cache
def tables() -> dict[str, Any]:
    """Return what `data/privacy.yaml` holds."""
    content = yaml.load((DATA_FOLDER / "privacy.yaml").read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    return dict(content)


@cache
def _known(name: str) -> frozenset[str]:
    content = tables()
    return frozenset(map(str, content.get(name) or content["parameters"][name]))


@cache
def _rules(name: str) -> dict[str, Any]:
    return dict(tables()["parameters"][name])


@cache
def _beside(whatever: bool) -> tuple[dict[str, Any], ...]:
    return tuple(_rules("beside")["always" if whatever else "random"])


@lru_cache(maxsize=1 << 14)
def clean(text: str) -> str:
    """Remove whatever opens a door.

    Args:
        text: any text, an address or prose around addresses.

    Returns:
        The same with REMOVED in it; the very text where there is nothing to remove.
    """
    return _clean(text, _DEEPEST)


def _clean(text: str, deep: int) -> str:
    if not _SUSPICIOUS.search(text):
        return text
    if "\\u00" in text and deep:
        plain = _JSON.sub(lambda found: chr(int(found[1], 16)), text)
        changed = _clean(plain, deep - 1)
        return text if changed == plain else changed
    text = _KEYS.sub(REMOVED, text) if "-----" in text else text
    low = text.lower()
    text = (
        _HEADERS.sub(rf"\1\2{REMOVED}", text) if _has(low, "x-", "authorization", "cookie", "private-token") else text
    )
    text = _SCHEMES.sub(rf"\1 {REMOVED}", text) if _has(low, "bearer", "basic") else text
    text = _ORACLE.sub(f"{REMOVED}@", text) if "@" in text else text
    text = URL.sub(lambda found: _address(found, deep), text) if _has(text, "/", "\\", ":") else text
    text = _ENCODED.sub(lambda found: _decoded(found[0], deep, _clean), text) if "%" in text else text
    text = _outside(text, _labelled)
    text = _PLACES.sub(rf"\1{REMOVED}", text) if "/" in text else text
    return _TOKENS.sub(REMOVED, text) if _has(text, *_PREFIXES) else text


def _has(text: str, *parts: str) -> bool:
    """Tell whether a text holds one of some parts, without which a pattern finds nothing: most texts hold none."""
    return any(part in text for part in parts)


_PREFIXES = (
    "hf_", "api_org_", "gh", "gl", "AKIA", "ASIA", "ABIA", "ACCA", "AROA", "AIDA", "AIza", "ya29.", "GOCSPX-",
    "1//", "LTAI", "AKID", "sk-", "k_live_", "k_test_", "whsec_", "xox", "xapp-", "npm_", "pypi-", "_v1_",
    "SG.", "dckr_pat_", "r8_", "key-", "shp", "eyJ", "nvapi-", "gsk_", "ATATT", "dapi", "dp.pt.", "hvs.",
    "hvb.", "hvr.", "-secret-", "-SECRET-",
)  # fmt: skip
"""What tokens begin with, or hold."""

_ASSIGNS = ("pass", "pw", "key", "token", "secret", "access", "credential", "jwt")


_SUSPICIOUS = re.compile(rf"[:=@/%]|[A-Za-z0-9]{{8}}|--|\s-\w|(?i:{_WORDS}|token|api key|login|user)")
"""Without one of these a text holds no secret, and most texts hold none."""


def _outside(text: str, change: Callable[[str], str]) -> str:
    """Change what stands between addresses."""
    parts, at = [], 0
    for found in URL.finditer(text):
        parts += [change(text[at : found.start()]), found[0]]
        at = found.end()
    return "".join([*parts, change(text[at:])]) if at else change(text)


def _labelled(text: str) -> str:
    low = text.lower()
    words = not text.isascii() or _has(
        low, *_ASSIGNS, "parola", "senha", "wachtwoord", "kennwort", "heslo", "haslo", "contrase"
    )
    words = words or _has(low, "adgangskode", "salasana", "kata sandi")
    text = _ACCOUNT.sub(f"{REMOVED}@", text) if "@" in text else text
    if "</" in text:
        text = _ELEMENT.sub(lambda found: found[0] if _PAGING.search(found[2]) else f"{found[1]}{REMOVED}", text)
    text = _commanded(text) if "-" in text else text
    if words and _has(low, "login", "user"):
        text = _ACCOUNTS.sub(_account, text)
    if words:
        text = _SPACED.sub(lambda found: found[0] if _is_plain(found[3]) else f"{found[1]}{found[2]}{REMOVED}", text)
    text = _keyed(text, low)
    if words:
        text = _PAIR.sub(_pair, text)
        text = _WEAK_PAIR.sub(_weak_pair, text)
        text = _SHORT.sub(rf"\1{REMOVED}", text) if "token=" in low else text
        text = _SAID.sub(_said, text)
    return _PARAMETER.sub(lambda found: _parameter(found, frozenset(), 1), text) if "=" in text else text


def _commanded(text: str) -> str:
    text = _OPTION.sub(rf"\1{REMOVED}", text)
    for command in _COMMANDS:
        text = command.sub(rf"\1{REMOVED}", text)
    return text


def _keyed(text: str, low: str) -> str:
    if _has(low, "pin", "tan", "puk"):
        text = _PINS.sub(rf"\1{REMOVED}", text)
    if _has(low, "phrase", "mnemonic"):
        text = _PHRASES.sub(_phrase, text)
    if _has(low, '"key"', "wandb"):
        text = _KEYED.sub(rf"\1{REMOVED}", text)
    if "/" in text and _has(low, "log", "credential", "user"):
        text = _JOINED.sub(rf"\1{REMOVED}", text)
    return text


def _weak_pair(found: re.Match[str]) -> str:
    return found[0] if _PAGING.search(found[1]) else f"{found[1]}{found[2]}{REMOVED}"


def _pair(found: re.Match[str]) -> str:
    bare = found[3].strip("\"'.").lower()
    kept = bare in _known("no-passwords") or found[3].startswith(REMOVED) or _is_round(found[1], bare)
    return found[0] if kept else f"{found[1]}{found[2]}{REMOVED}"


def _is_round(name: str, value: str) -> bool:
    """Tell whether `pass` or `pw` is a pass over the data, or its share of passes: a short number."""
    return name.lower() in {"pass", "pw"} and bool(_ROUND.fullmatch(value))


def _phrase(found: re.Match[str]) -> str:
    words = found[2].lower().split()
    return found[0] if all(each in _known("no-passwords") for each in words) else f"{found[1]}{REMOVED}"


def _account(found: re.Match[str]) -> str:
    if not found[1] and (found[5].lower().strip(".,;") in _known("no-passwords") or _PLAIN.fullmatch(found[5])):
        return found[0]  # "the user needs no password here"
    return f"{found[1] or ''}{found[2]}{REMOVED}{found[4]}{REMOVED}"


def _said(found: re.Match[str]) -> str:
    """Remove what a sentence says that a password is: not that it is required."""
    label, between, mark, value = found[1].lower(), found[2], found[3], found[4]
    bare = value.rstrip(".,;!?)。，")
    closing = value[len(bare) :]
    if bare.lower() in _known("no-passwords") or bare.startswith(REMOVED):
        return found[0]
    if label in {"token", "api key"}:
        secret = not _is_plain(bare)
    else:  # a word is one where it is quoted, or where the sentence ends with it
        ends = (
            closing[:1] in {".", "!", "。"} or found.end() == len(found.string) or found.string[found.end()] in "\r\n"
        )
        secret = bool(mark) or bool(re.search(r"[\d!@#$%^*]|[a-z][A-Z]", bare)) or ends
    return f"{found[1]}{between}{mark}{REMOVED}{closing}" if secret else found[0]


def _address(found: re.Match[str], deep: int) -> str:
    head, rest = found[0][: found.start("rest") - found.start()], found["rest"]
    odd = _ODD.match(rest)
    size = odd.end() if odd else len(re.split(r"[/\\?#]", rest, maxsplit=1)[0])
    authority, tail = rest[:size], rest[size:]
    user, at, host = authority.rpartition("@")
    if at and user.lower() not in _MACHINES and not _IMAGE.match(host):
        authority = f"{REMOVED}@{host}"
    elif not at and re.search("%(?:25)*40", authority):
        authority = REMOVED + "@" + re.split("%(?:25)*40", authority)[-1]
    if ";" in authority:  # parameters of SQL Server stand directly behind its port
        place, semicolon, rest = authority.partition(";")
        authority, tail = place, semicolon + rest + tail
    return head + authority + _tail(tail, authority, deep)


def _of_host(authority: str) -> frozenset[str]:
    """Return the parameters that share what stands at a host, each behind a slash: `/e`."""
    host = authority.rpartition("@")[2].partition(":")[0].lower()
    for name, secret in _rules("hosts").items():
        if host == name or host.endswith(f".{name}"):
            return frozenset(f"/{each}" for each in secret)
    return frozenset()


def _tail(tail: str, authority: str, deep: int) -> str:
    """Clean what stands behind the authority: parameters, and addresses in the path."""
    if not tail:
        return tail
    named = frozenset(_plain(found["name"])[0] for found in _PARAMETER.finditer(tail)) | _of_host(authority)
    path, mark, query = tail.partition("?")  # a parameter of the path ends where the query begins
    path, query = (_PARAMETER.sub(lambda found: _parameter(found, named, deep), part) for part in (path, mark + query))
    tail = path + query
    if deep:
        tail = URL.sub(lambda found: _address(found, deep - 1), tail)
    return tail


def _parameter(found: re.Match[str], named: frozenset[str], deep: int) -> str:
    lead, name, value = found["lead"], found["name"], found["value"]
    parts = _plain(name)
    if _PAGING.search(parts[-1]) and not _TOKENS.search(value):
        return found[0]
    if _is_round(parts[-1], value):
        return found[0]
    closing = value[len(value.rstrip(")],.'}")) :]
    if value.startswith(REMOVED):
        return found[0]
    secret = any(_is_secret(part, named) or (_may_be_secret(part, named) and not _is_plain(value)) for part in parts)
    secret = secret or bool(_SHORT.match(f"{parts[-1]}={value}"))
    if secret or _looks_secret(parts[-1], value):
        return f"{lead}{name}={REMOVED}{closing}" if value else found[0]
    return f"{lead}{name}={_decoded(value, deep, _clean_value)}"


def _clean_value(value: str, deep: int) -> str:
    """Clean the value of a parameter, which may be an address or a query of its own."""
    cleaned = _clean(value, deep)
    if "=" in cleaned and "?" not in cleaned and "://" not in cleaned:
        cleaned = _PARAMETER.sub(lambda found: _parameter(found, frozenset(), deep), f"?{cleaned}")[1:]
    return cleaned


def _decoded(text: str, deep: int, change: Callable[[str, int], str]) -> str:
    """Clean a text as it is once decoded; it stays as written where that changes nothing."""
    if not deep:
        return text
    decoded = unquote(text)
    changed = change(decoded, deep - 1)
    if changed == decoded:
        return text
    return changed if decoded == text else quote(changed, safe="/:[]@!$'()*,~")


def _plain(name: str) -> list[str]:
    """Return the names that a parameter's name may be read as: `filter[token]` is `filter` and `token`."""
    for _ in range(3):
        name = unquote(name)
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip("\"'")) if not name.isupper() else name
    parts = [part for part in re.split(r"[\[\]{}().]+", name) if part and not part.isdigit()] or [name]
    return [part.lower().replace("-", "_").removeprefix("amp;") for part in parts]


def _is_secret(name: str, named: frozenset[str]) -> bool:
    bare = name.replace("_", "")
    if (
        name in _known("exact")
        or bare in _known("exact")
        or name.startswith(tuple(_known("begins")))
        or _ENDS.search(name)
    ):
        return True
    if f"/{name}" in named or any(name in rule["names"] and named.issuperset(rule["with"]) for rule in _beside(True)):
        return True
    if _may_be_secret(name, frozenset()) and any(_opens(each) for each in named - {name}):
        return True
    if name in _known("azure"):  # each alone is a common name of something else
        return "sig" in named or len(_known("azure") & named) > 2
    return bare in _known("users") and any(_ENDS.search(each) or each in {"pass", "pwd", "pw"} for each in named)


def _opens(name: str) -> bool:
    """Tell whether a parameter signs an address, and others with it."""
    return name in _known("signs") or name.startswith(tuple(_known("begins")))


def _may_be_secret(name: str, named: frozenset[str]) -> bool:
    bare = name.replace("_", "")
    beside = any(name in rule["names"] and named.issuperset(rule["with"]) for rule in _beside(False))
    return beside or bool({name, bare} & _known("ambiguous") or _MAY_END.search(name))


def _is_plain(value: str) -> bool:
    """Tell whether a value is a word, a number, or some of them joined: an id of a record, and nothing random."""
    plain = unquote(value).strip("\"'()[],.")
    if len(plain) < _LEAST or _CATALOGUED.fullmatch(plain):
        return True
    return len(plain) <= 64 and all(_PLAIN.fullmatch(part) for part in re.split(r"[\-_.:,+ /~]", plain) if part)


def _looks_secret(name: str, value: str) -> bool:
    """Tell whether a value is a long random text, which no id of a record is: ids have names, or are hexadecimal."""
    plain = unquote(value)
    if _IDS.search(name) or not _OPAQUE.fullmatch(plain) or re.fullmatch(r"[0-9a-fA-F\-]+", plain):
        return False
    kinds = sum(bool(re.search(each, plain)) for each in ("[a-z]", "[A-Z]", "[0-9]"))
    return kinds == 3 and _bits(plain) > 4


def _bits(text: str) -> float:
    """Return the entropy of a text's characters, in bits each."""
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
