"""People, dwellings, prices, yields, appellations and future flows, from the producers' files to the release.

A France of two communes of the Ain: every published figure counted by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import numpy as np
import pytest

from climart import paths
from tests.app.conftest import Page
from tests.app.test_pages import texts
from tests.conftest import Mart, climart
from tests.factories import admin_folder, appellation, tracc_export, wfs
from tests.unit.test_ensemble_table import row as flow
from tests.unit.test_ensemble_table import table as flows
from tests.unit.test_geo_dvf import file as dvf
from tests.unit.test_geo_dvf import line as sale
from tests.unit.test_melodi import dwelling, people
from tests.workbooks import saa, wheat

LEFT, RIGHT = 7220, 7221
A, B, AIN = "commune:01001", "commune:01002", "departement:01"
# A: 8 km × 2 km, a quarter of it in the left cell; B: 5 km × 2 km, in the left cell.
BOXES = {"01001": (622_000, 2_014_000, 630_000, 2_016_000), "01002": (617_000, 2_014_000, 622_000, 2_016_000)}
RISING = [60 + year for year in range(15)]  # one q/ha more a year: a straight line
BROKEN = [*RISING[:7], RISING[7] - 20, *RISING[8:]]  # 2017 loses 20 q/ha


@pytest.fixture(scope="module")
def mart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mart]:
    root = tmp_path_factory.mktemp("farm_sources")
    climart(root, "ingest", "territories", admin_folder(root / "admin", BOXES))
    climart(root, "ingest", "zones", appellation(root / "listed.json", "Listed", ["01001", "01002"]))
    for run in (1, 2, 3):
        for step, level in enumerate(("GWL15", "GWL20", "GWL30"), start=1):
            rows: dict[int, dict[str, object]] = {
                point: {
                    "NORTMm_yr": f"{mean + run * step:.2f}",
                    "ATMm_yr": f"{run * step:.2f}",
                    "NORIFM40_yr": 4 + step,
                    "AIFM40_yr": step,
                }
                for point, mean in ((LEFT, 10), (RIGHT, 14))
            }
            climart(root, "ingest", "drias", tracc_export(root / f"{run}{level}.txt", f"RCM{run}_GCM", level, rows))
    # A's old part 01888 as of 2015, then B, of which one value is secret; the total population is another measure
    counted = [people(40, geo="2015-COM-01888"), people(60, geo="2015-COM-01001"), people(None, geo="2015-COM-01002")]
    nowhere = [people(7, geo="2015-COM-01777"), people(99, geo="2015-COM-01001", kind="PTOT")]
    (root / "people.json").write_text(json.dumps([*counted, *nowhere]), encoding="utf-8")
    codes = [
        {}, {"OCS": "DW_MAIN"}, {"OCS": "DW_SEC_DW_OCC"}, {"OCS": "DW_VAC"}, {"TDW": "1"}, {"TDW": "2"},
        *({"OCS": "DW_MAIN", "BUILD_END": period} for period in ("Y_LT1919", "Y1919T1945", "Y1946T1970")),
    ]  # fmt: skip
    found = [dwelling(10 + n, geo="2025-COM-01002", **code) for n, code in enumerate(codes)]
    found += [dwelling(5, geo="2015-COM-01001"), dwelling(None, geo="2015-COM-01888")]  # of A, a part is secret
    (root / "dwellings.json").write_text(json.dumps(found), encoding="utf-8")
    sales = [sale(f"s{n}", 100_000 * n, "Maison", 100, code_commune="01001") for n in range(1, 6)]
    yields = {
        "COP": [
            ("84 - Auvergne-Rhône-Alpes", "01 - Ain", "Blé tendre", wheat(10, RISING)),
            ("84 - Auvergne-Rhône-Alpes", "01 - Ain", "Orge", wheat(10, BROKEN)),
            ("84 - Auvergne-Rhône-Alpes", "01 - Ain", "Seigle", wheat(10, ["s", *RISING[1:]])),
            ("84 - Auvergne-Rhône-Alpes", "01 - Ain", "Total céréales", wheat(30, RISING)),
            ("84 - Auvergne-Rhône-Alpes", None, "Blé tendre", wheat(30, RISING)),
        ]
    }
    climart(root, "ingest", "observed", "insee_population", root / "people.json")
    climart(root, "ingest", "observed", "insee_housing", root / "dwellings.json")
    climart(root, "ingest", "observed", "geo_dvf", dvf(root / "geo_dvf_2024_01.csv.gz", *sales))
    climart(root, "ingest", "observed", "agreste_saa", saa(root / "saa_2010-2024.zip", yields))
    # 2 km² in A, one on either side of the cells' border, of an appellation that is listed and of one that is not
    parcels = wfs(
        root / "aoc.json", [{"denom": "Listed,Unlisted", "crinao": "X"}], [(623_000, 2_014_000, 625_000, 2_015_000)]
    )
    said = {"appellations": climart(root, "ingest", "appellations", parcels)}
    climart(root, "ingest", "published", "explore2_flows", flows(root / "flows.csv", flow(code_insee="01001")))
    climart(root, "build")
    climart(root, "publish")
    yield Mart(root, said)


def exposure(mart: Mart, territory: str, measure: str) -> tuple[object, ...]:
    ((value, state, reason),) = mart.query(
        "select value, state, reason from fct_exposure where territory_id = ? and measure_id = ?", [territory, measure]
    )
    return value, state, reason


def test_people_of_a_part_are_carried_and_what_is_secret_stays_unknown(mart: Mart) -> None:
    assert exposure(mart, A, "population_municipal") == (100, "studied", None)  # 40 of the old part + 60
    assert exposure(mart, B, "population_municipal") == (None, "not_studied", "not_published")
    assert exposure(mart, AIN, "population_municipal")[:2] == (100, "partly_studied")
    assert mart.query(
        "select commune_code, value, cause from fct_exposure_unmapped where dataset_id = 'insee_population'"
    ) == [("01777", 7, "unknown_code")]


def test_dwellings_and_prices_stand_in_the_release(mart: Mart) -> None:
    assert exposure(mart, B, "dwellings")[0] == 10 and exposure(mart, B, "dwellings_main_pre1971")[0] == 16 + 17 + 18
    assert exposure(mart, A, "dwellings") == (5, "partly_studied", None)
    assert exposure(mart, AIN, "dwellings") == (15, "partly_studied", None)
    # 1 000, 2 000 … 5 000 €/m²
    assert [exposure(mart, A, f"house_price_{q}")[0] for q in ("p25", "p50", "p75")] == [2000, 3000, 4000]
    assert exposure(mart, A, "flat_sales") == (0, "studied", None)
    assert exposure(mart, B, "house_price_p50") == (None, "studied", "no_sale")
    assert exposure(mart, AIN, "house_price_p50")[0] == 3000


def test_yields_have_their_trend_and_anomaly(mart: Mart) -> None:
    def crop(name: str, territory: str = AIN) -> list[tuple[object, ...]]:
        return mart.query(
            'select year, "yield", yield_trend, yield_anom, reason, yield_anom_reason from fct_crop_yield '
            "where crop = ? and territory_id = ? order by year",
            [name, territory],
        )

    straight = crop("Blé tendre")
    assert [row[0] for row in straight] == list(range(2010, 2025))
    assert [row[2] for row in straight] == pytest.approx(RISING)  # a line is its own trend
    assert [row[3] for row in straight] == pytest.approx([0] * 15, abs=1e-9)
    rye = crop("Seigle")  # 14 years: too few for a trend
    assert rye[0][1:] == (None, None, None, "secret", "secret")
    assert rye[1][1:] == (61, None, None, None, "too_few_years")
    # the same regression, by numpy: 11 of 15 years, tricube weights, a straight line
    expected = []
    for at in range(15):
        near = sorted(range(15), key=lambda other: (abs(other - at), other))[:11]
        reach = max(abs(other - at) for other in near)
        weight = [(1 - (abs(other - at) / reach) ** 3) ** 3 for other in near]
        line = np.polyfit([n - at for n in near], [BROKEN[n] for n in near], 1, w=np.sqrt(weight))
        expected.append(100 * (BROKEN[at] - line[1]) / line[1])
    found = [row[3] for row in crop("Orge")]
    assert found == pytest.approx(expected)
    # 2017, by hand: its neighbours weigh (1 − (d/5)³)³ for d = 0…4, in all 1 + 2 × (0.976191 + 0.820026 + 0.481890 +
    # 0.116214) = 5.788642 and symmetric, so that the trend is the weighted mean: 67 − 20 / 5.788642 = 63.544958
    assert float(str(found[7])) == pytest.approx(100 * (47 - 63.544958) / 63.544958, abs=1e-4)
    soft_wheat = "select territory_id, area_ha, unit from fct_crop_yield where crop = 'Blé tendre' and year = 2024"
    assert mart.query(f"{soft_wheat} order by 1") == [(AIN, 10, "q/ha"), ("region:84", 30, "q/ha")]
    # wheat, barley and rye of 10 ha each, and their sum apart
    of_ain = f"select is_total, count(*), sum(area_ha) from fct_crop_yield where territory_id = '{AIN}' and year = 2024"
    assert mart.query(f"{of_ain} group by 1 order by 1") == [(False, 3, 30), (True, 1, 30)]


def test_appellations_are_shares_of_communes_and_weights_of_their_territories(mart: Mart) -> None:
    assert exposure(mart, A, "aoc_area_share")[0] == pytest.approx(100 * 2 / 16, rel=1e-3)
    assert exposure(mart, B, "aoc_area_share") == (None, "not_studied", "not_studied")  # no parcel says nothing
    assert "2 appellations in 1 communes; 1 appellations have no list" in mart.said["appellations"]
    states = mart.query(
        "select territory_id, computed_as, method, source_id, round(amount, 3) from dim_territory_weighting "
        "where weighting = 'vineyard' and territory_id like 'aoc:%' order by 1"
    )
    assert states == [(name, "vineyard", "parcels", "aoc_viticulture", 2.0) for name in ("aoc:listed", "aoc:unlisted")]
    members = mart.query(
        "select group_id, count(*), any_value(source_id) from dim_territory_membership group by 1 order by 1"
    )
    assert members == [("aoc:listed", 2, "inao_aoc_communes"), ("aoc:unlisted", 1, "aoc_viticulture")]


def test_future_flows_stand_beside_other_ensembles(mart: Mart) -> None:
    assert mart.query(
        "select territory_id, context_id, low, median, high, n_runs, unit, statistic from fct_published_ensemble "
        "where dataset_id = 'explore2_flows'"
    ) == [(A, "rwl20", -50, -30, -10, 108, "%", "change")]


def test_every_source_says_where_it_is_from(mart: Mart) -> None:
    found = mart.query("select source_id, name from dim_source_file where source_id <> 'drias_tracc2023' order by 1")
    names = {source: name for source, name in found}
    assert names["geo_dvf"] == "geo_dvf_2024_01.csv.gz" and names["agreste_saa"] == "saa_2010-2024.zip"
    assert {"insee_population", "insee_housing", "aoc_viticulture", "explore2_flows"} <= names.keys()


def test_the_queries_of_the_how_to_give_these_figures(mart: Mart) -> None:
    text = (paths.PROJECT / "docs" / "how-to" / "query.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"## Yields, prices\n.*?```sql\n(.*?)```", text, re.DOTALL)
    worst, prices = (query for query in block.split(";") if query.strip())
    found = mart.query(worst)
    assert len(found) == 15 and {row[0] for row in found} == {"Ain"}  # soft wheat of the département, not of the région
    assert [row[5] for row in found] == pytest.approx([0] * 15, abs=1e-9)
    assert mart.query(prices) == [("Commune 01001", 3000, 5)]


def test_the_sheet_of_a_commune_shows_them(mart: Mart, monkeypatch: pytest.MonkeyPatch) -> None:
    """Yields of its département, future flows of its producer, prices, people: where they are loaded."""
    monkeypatch.setenv("CLIMART_DATA", str(mart.root))
    test = Page(mart.root).open(view="territoire", territory=A)
    assert not test.exception
    titles = [one.label for one in test.expander]
    assert any(title.startswith("Rendements observés : Ain") for title in titles)
    said = texts(test).replace("\u00a0", " ")
    assert "−30,0 (−50,0 à −10,0)" in said and "Blé tendre" in said
    assert "Surface délimitée en appellation viticole" in said
