"""What can go wrong with a producer's answer, in few words that the lake keeps and the dashboard translates."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from climart.errors import UserError

# The words of dim_dataset.stale_reason.
Reason = Literal["unreachable", "not_found", "forbidden", "wrong_content", "reader_refused", "misconfigured"]
_SECRET_NAMES = re.compile(r"key|token|secret|password|passwd|signature|credential|auth", re.IGNORECASE)
_SECRET_VARIABLES = ("CDSAPI_KEY",)
_PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_USER_INFO = re.compile(r"(?<=://)[^/\s@]+@")
_SECRET_QUERY = re.compile(rf"([?&][^=&\s]*(?:{_SECRET_NAMES.pattern})[^=&\s]*=)[^&\s'\")]+", re.IGNORECASE)


class FetchFailed(UserError):
    """A producer's file did not come, or is not what it must be; the previous one stays. ``reason`` says which."""

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(redacted(message))
        self.reason: Reason = reason


def redacted(text: str) -> str:
    """``text`` without the secrets that this process knows of, and without what addresses carry of them."""
    for secret in _secrets():
        text = text.replace(secret, "…")
    return _SECRET_QUERY.sub(r"\1…", _USER_INFO.sub("", text))


def public(url: str) -> str:
    """An address as it may be written down: no user, no password, no token among its parameters."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if not _SECRET_NAMES.search(k)]
    return redacted(urlunsplit((parts.scheme, host, parts.path, urlencode(query, safe="[]/:,"), "")))


def _secrets() -> list[str]:
    """Tokens and passwords in the environment and in the user's .cdsapirc."""
    found = [os.environ.get(name, "") for name in _SECRET_VARIABLES]
    for name in _PROXY_VARIABLES:
        for variable in (name, name.lower()):
            parts = urlsplit(os.environ.get(variable, ""))
            found += [parts.password or "", parts.netloc.rpartition("@")[0]]
    rc = Path(os.environ.get("CDSAPI_RC", "~/.cdsapirc")).expanduser()
    if rc.is_file():
        found += [line.partition(":")[2].strip() for line in rc.read_text().splitlines() if line.startswith("key")]
    return [secret for secret in found if len(secret) > 3]
