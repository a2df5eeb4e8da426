"""Listed communes carried to today's: what is whole, what is a part, what is left; nothing is lost."""

from __future__ import annotations

import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import zones

# Today: 01 (which took in 11 in 1973, 12 and 13 in 2019), 02, 03.
COMMUNES = pd.DataFrame({"code": ["01", "02", "03"], "name": ["Un", "Deux-Monts", "Trois"]})
FORMER = pd.DataFrame(
    {"code": ["11", "12", "13"], "commune": ["01"] * 3, "ended_on": ["1973-01-01", "2019-01-01", "2019-01-01"]}
)


def lists(*codes: str, group: str = "zone:a", names: dict[str, str] | None = None) -> pd.DataFrame:
    named = names or {}
    return pd.DataFrame(
        {
            "group_id": group,
            "kind": "zone",
            "source_id": "s",
            "name_fr": "A",
            "name_en": "A",
            "code": list(codes),
            "name": [named.get(code, code) for code in codes],
        }
    )


def carried(frame: pd.DataFrame) -> dict[str, tuple[str, str]]:
    members, _ = zones.memberships(frame, COMMUNES, FORMER)
    return {row.code: (row.listed_codes, row.extent) for row in members.itertuples()}


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (("02", "03"), {"02": ("02", "whole"), "03": ("03", "whole")}),
        # every part that was there in 2019 is listed; 11 had been in 01 for long
        (("01", "12", "13"), {"01": ("01;12;13", "whole")}),
        (("12",), {"01": ("12", "part")}),
        (("01", "12"), {"01": ("01;12", "part")}),
        # one that ended in 1973 is named: so could all the others
        (("11", "01"), {"01": ("01;11", "part")}),
        # no outdated code: the list speaks of today's communes
        (("01", "02"), {"01": ("01", "whole"), "02": ("02", "whole")}),
    ],
)
def test_extent(codes: tuple[str, ...], expected: dict[str, tuple[str, str]]) -> None:
    assert carried(lists(*codes)) == expected


def test_a_code_shared_with_a_part_is_unknown_where_the_list_is_older() -> None:
    # 21 ended in 2019 and is listed: the list is older, and its 01 may be what 01 was before it took 12 and 13
    former = pd.concat([FORMER, pd.DataFrame({"code": ["21"], "commune": ["02"], "ended_on": ["2019-01-01"]})])
    members, _ = zones.memberships(lists("01", "21", "02"), COMMUNES, former)
    assert dict(zip(members["code"], members["extent"], strict=True)) == {"01": "unknown", "02": "whole"}


def test_without_dates_every_part_must_be_listed() -> None:
    former = FORMER.assign(ended_on=None)
    members, _ = zones.memberships(lists("12", "13", "01"), COMMUNES, former)
    assert members["extent"].tolist() == ["part"]  # 11 is not listed
    members, _ = zones.memberships(lists("11", "12", "13", "01"), COMMUNES, former)
    assert members["extent"].tolist() == ["whole"]


def test_what_cannot_be_carried_is_handed_back() -> None:
    frame = pd.concat(
        [
            lists("99", "02", names={"99": "NULLE PART", "02": "DEUX MONTS"}),
            # the same code under another commune's name: a misprint, not a second membership
            lists("02", "03", group="zone:b", names={"02": "SAINT-AILLEURS", "03": "Autre orthographe"}),
        ]
    )
    members, left = zones.memberships(frame, COMMUNES, FORMER)
    assert left.to_dict("records") == [
        {"group_id": "zone:a", "code": "99", "name": "NULLE PART", "why": "unknown_code"},
        {"group_id": "zone:b", "code": "02", "name": "SAINT-AILLEURS", "why": "name_differs"},
    ]
    assert members[["group_id", "code"]].to_dict("records") == [
        {"group_id": "zone:a", "code": "02"},
        {"group_id": "zone:b", "code": "03"},  # its only line: a spelling, not a misprint
    ]


CODES = st.sampled_from(["01", "02", "03", "11", "12", "13", "98", "99"])


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["zone:a", "aoc:b"]), CODES), min_size=1, max_size=20, unique=True))
def test_nothing_is_lost(entries: list[tuple[str, str]]) -> None:
    frame = pd.concat([lists(code, group=group) for group, code in entries])
    members, left = zones.memberships(frame, COMMUNES, FORMER)
    found = [(row.group_id, code) for row in members.itertuples() for code in row.listed_codes.split(";")]
    found += list(zip(left["group_id"], left["code"], strict=True))
    assert sorted(found) == sorted(entries)
    assert not members.duplicated(["group_id", "code"]).any()


def test_a_zone_is_the_union_of_its_metropolitan_communes() -> None:
    communes = pd.DataFrame(
        {
            "code": ["01", "02", "97"],
            "zone": ["metro", "metro", "drom"],
            "population": [10, 20, 40],
            "area_km2": [1.0, 2.0, 4.0],
            "shape": [shapely.box(2, 46, 2.1, 46.1), shapely.box(2.1, 46, 2.3, 46.1), shapely.box(-61, 16, -60, 17)],
            "geometry_method": "official",
        }
    )
    members = pd.DataFrame({"group_id": ["zone:a"] * 3 + ["zone:b"], "code": ["01", "02", "97", "97"]})
    made = zones.territories(pd.concat([lists("01"), lists("97", group="zone:b")]), members, communes)
    a, b = made.to_dict("records")
    assert (a["territory_id"], a["code"], a["population"], a["area_km2"]) == ("zone:a", "a", 30, 3.0)
    assert a["shape"].equals(shapely.box(2, 46, 2.3, 46.1))
    assert a["outline"].area == pytest.approx(0.03, rel=0.01)
    assert b["shape"] is None or pd.isna(b["shape"])  # overseas only: a name without a shape
