"""Orders to the Climate Data Store through ``cdsapi`` (``pip install climart[cds]``), with the user's own token.

``cdsapi`` reads the token from ``CDSAPI_KEY`` or ``~/.cdsapirc``; it goes to the store and nowhere else. The file that
the store makes ready is then fetched like any other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import product

from ingest.addresses import Copernicus, Family
from ingest.fetch.client import Policy
from ingest.fetch.failures import FetchFailed
from ingest.fetch.plan import Item, Question, Selection, selected

STORE = "https://cds.climate.copernicus.eu/datasets"


def items(order: Copernicus, selection: Selection) -> Iterator[tuple[Item, dict[str, object]]]:
    """The files that an order asks for, each with its request. An item's address names the request, not the file."""
    for values in product(*order.facets.values()):
        facets = dict(zip(order.facets, values, strict=True))
        if not selected(facets, selection):
            continue
        request: dict[str, object] = {
            key: value.format_map(facets) if isinstance(value, str) else [one.format_map(facets) for one in value]
            for key, value in order.request.items()
        }
        digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()[:16]
        address = f"{STORE}/{order.dataset}#{digest}"
        family = Family(
            url=address,
            evidence=order.evidence,
            about_bytes=order.about_bytes,
            contract=order.contract,
            note=order.note,
        )
        yield Item(order.name.format_map(facets), family, (Question(address),), tuple(facets.items())), request


def ready(dataset: str, request: dict[str, object], policy: Policy) -> str:
    """Order a file and wait until the store has made it; its address.

    Raises FetchFailed without the library or the token, and where the store refuses.
    """
    try:
        import cdsapi
    except ImportError as error:
        raise FetchFailed(
            "the Copernicus store needs one more library: `pip install climart[cds]`.", "misconfigured"
        ) from error
    try:
        client = cdsapi.Client(
            quiet=True,
            progress=False,
            retry_max=policy.attempts,
            sleep_max=policy.backoff_max,
            timeout=policy.idle_timeout,
        )
    except Exception as error:  # cdsapi raises the bare Exception where it finds no token
        raise FetchFailed(
            "no token for the Copernicus store: register there, then put it into the variable CDSAPI_KEY (with "
            "CDSAPI_URL) or into ~/.cdsapirc. Climart never writes it anywhere.",
            "misconfigured",
        ) from error
    try:
        return str(client.retrieve(dataset, request).location)
    except Exception as error:  # cdsapi raises whatever its store, requests or json raise
        raise FetchFailed(
            f"{STORE}/{dataset}: the store refuses the order ({error}). Its terms may have to be accepted on its site, "
            "once per dataset.",
            "forbidden",
        ) from error
