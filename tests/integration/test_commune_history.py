"""Any commune code ever used, carried to the communes of today. The sample has INSEE's whole file of movements."""

from __future__ import annotations

import pytest

from tests.conftest import Mart


def becomes(mart: Mart, code: str, vintage: int | None) -> list[tuple[object, ...]]:
    """(commune, reason) of a code of a vintage; of its latest stretch where the vintage is None."""
    return mart.query(
        "select territory_id, reason from dim_commune_crosswalk where code = $1 and if($2 is null, is_latest, "
        "coalesce(vintage_from, 0) <= $2 and $2 <= coalesce(vintage_to, 9999))",
        [code, vintage],
    )


@pytest.mark.parametrize(
    ("code", "vintage", "commune"),
    [
        ("01015", None, "01015"),  # commune nouvelle that kept the code of its seat
        ("01340", 2010, "01015"),  # merged with it in 2016
        ("75101", None, "75056"),  # arrondissements
        ("69389", 2015, "69123"),
        ("13216", None, "13055"),
        ("20004", 1970, "2A004"),  # Corse, 1976
        ("14513", 2010, "50592"),  # another département's code and a merger, on one day
        ("27058", 2022, "27676"),  # the seat, hence the code, moved in 2021 and back in 2023
        ("15031", 2010, "15031"),  # Celles: commune, déléguée from 2016, commune again in 2025
        ("15031", 2020, "15031"),
        ("15141", 2010, "15141"),  # Neussargues-Moissac before Neussargues en Pinatelle, and after it
        ("15141", None, "15141"),
        ("02524", 1970, "02524"),  # Mont-Saint-Père, joined with Chartèves from 1974 to 1978
        ("02166", 1976, "02166"),
        ("49069", None, "49126"),
    ],
)
def test_an_old_code_leads_to_its_commune(sample_mart: Mart, code: str, vintage: int | None, commune: str) -> None:
    assert becomes(sample_mart, code, vintage) == [(f"commune:{commune}", None)]


def test_what_cannot_be_carried_says_why(sample_mart: Mart) -> None:
    # Neussargues en Pinatelle of 2020 is five communes today; Saint-Barthélemy left the code in 2007
    assert becomes(sample_mart, "15141", 2020) == [(None, "ambiguous_split")]
    found = sample_mart.query(
        "select candidates from dim_commune_crosswalk where code = '15141' and reason = 'ambiguous_split'"
    )
    assert found == [([f"commune:{code}" for code in ("15031", "15035", "15047", "15141", "15171")],)]
    assert becomes(sample_mart, "97123", 2005) == [(None, "abolished")]
    assert becomes(sample_mart, "99999", None) == []


@pytest.mark.parametrize(
    ("year", "n"), [(2010, 36_682), (2016, 35_885), (2019, 34_970), (2023, 34_945), (2026, 34_875)]
)
def test_communes_of_a_vintage_are_as_many_as_insee_counts(sample_mart: Mart, year: int, n: int) -> None:
    """Communes of metropolitan France and the overseas départements on 1 January, INSEE."""
    found = sample_mart.query(
        "select count(*) from dim_commune_crosswalk where kind = 'commune' and coalesce(vintage_from, 0) <= $1 "
        "and $1 <= coalesce(vintage_to, 9999) and not regexp_matches(code, '^(975|977|978|98)')",
        [year],
    )
    assert found == [(n,)]


def test_a_code_has_one_stretch_at_a_time(sample_mart: Mart) -> None:
    overlapping = sample_mart.query(
        "select code from (select *, lag(coalesce(valid_to, date '9999-12-31')) over (partition by code "
        "order by valid_from nulls first) as before from dim_commune_crosswalk) where valid_from < before or "
        "(valid_from is null and before is not null)"
    )
    assert overlapping == []
    ((n_movements, n_codes),) = sample_mart.query(
        "select (select count(*) from dim_territory_change), count(distinct code) from dim_commune_crosswalk"
    )
    assert n_movements == 13_734 and isinstance(n_codes, int) and n_codes > 39_000


def test_every_code_of_2010_leads_somewhere_or_says_why(sample_mart: Mart) -> None:
    found = dict(
        sample_mart.query(
            "select coalesce(reason, 'one'), count(*) from dim_commune_crosswalk "
            "where kind = 'commune' and coalesce(vintage_from, 0) <= 2010 and 2010 <= coalesce(vintage_to, 9999) "
            "group by 1"
        )
    )
    # six communes of 2010 have been split since
    assert found.pop("ambiguous_split") == 6 and list(found) == ["one"]
