"""Which communes each grouping is made of."""

from __future__ import annotations

import pandas as pd

COUNTRY = "country:FR"
GROUPS = {"epci": "epci_id", "departement": "departement_id", "region": "region_id", "caisse": "caisse_id"}


def group_members(communes: pd.DataFrame, listed: pd.DataFrame) -> pd.DataFrame:
    """Which communes each grouping is made of: territory_id, group_id. ``listed``: the lake's territory_membership."""
    own = communes.assign(country=COUNTRY)
    found = [
        own[["territory_id", column]].dropna().rename(columns={column: "group_id"})
        for column in (*GROUPS.values(), "country")
    ]
    listed = listed.loc[listed["territory_id"].isin(communes["territory_id"]), ["territory_id", "group_id"]]
    return pd.concat([*found, listed], ignore_index=True)
