"""What names of daily files say."""

from __future__ import annotations

import pytest

from ingest.readers.filenames import Name, parse
from tests.support import real_data

DRIAS = "evspsblpotAdjust_France_MOHC-HadGEM2-ES_rcp85_r1i1p1_MOHC-HadREM3-GA7-05_v1_{}_day_20060101-20991219_Hg0175.nc"


def test_drias() -> None:
    assert parse(DRIAS.format("MF-ADAMONT-SAFRAN-1980-2011")) == Name(
        variable="evspsblpotAdjust",
        domain="France",
        gcm="MOHC-HadGEM2-ES",
        scenario="rcp85",
        member="r1i1p1",
        rcm="MOHC-HadREM3-GA7-05",
        version="v1",
        correction="MF-ADAMONT-SAFRAN-1980-2011",
        frequency="day",
        start="2006",
        end="2099",
        suffix="Hg0175",
    )


def test_socle_writes_the_institute_as_a_part_of_its_own() -> None:
    name = parse(
        "tasmaxAdjust_FR-Metro_EC-Earth3-Veg_historical_r1i1p1f1_KNMI_RACMO23E_v1-r1_"
        "MF-CDFt-ANASTASIA-SAFRAN-1985-2014_day_19500101-20141231.nc"
    )
    assert (name.gcm, name.member, name.rcm, name.version) == ("EC-Earth3-Veg", "r1i1p1f1", "RACMO23E", "v1-r1")
    assert (name.domain, name.correction) == ("FR-Metro", "MF-CDFt-ANASTASIA-SAFRAN-1985-2014")


@pytest.mark.parametrize(
    ("name", "gcm", "rcm", "frequency", "start"),
    [
        ("tas_EUR-11_MPI-M-MPI-ESM-LR_rcp85_r1i1p1_KNMI-RACMO22E_v1_mon_209101.nc",
         "MPI-M-MPI-ESM-LR", "KNMI-RACMO22E", "mon", "2091"),
        ("tas_day_EC-EARTH_historical_r1i1p1_19900101-19991231.nc", "EC-EARTH", "", "day", "1990"),
        ("tas_day_EC-Earth3_ssp585_r1i1p1f1_gr_20150101-20151231.nc", "EC-Earth3", "", "day", "2015"),
        ("tn_ens_mean_0.25deg_reg_2018_v25.0e.nc", "", "", "", ""),
        ("anything.nc", "", "", "", ""),
    ],
)  # fmt: skip
def test_other_producers(name: str, gcm: str, rcm: str, frequency: str, start: str) -> None:
    found = parse(name)
    assert (found.gcm, found.rcm, found.frequency, found.start) == (gcm, rcm, frequency, start)


@pytest.mark.real_data
def test_every_known_address_is_understood() -> None:
    names = [line.rsplit("/", 1)[-1] for line in (real_data() / "sources" / "URL_DRIAS.txt").read_text().split()]
    assert len(names) == 424
    for name in names:
        found = parse(name)
        assert found.gcm and found.rcm and found.version and found.member and found.end, name
        assert found.correction.startswith(("MF-ADAMONT", "LSCE-IPSL-CDFt")), name
        assert found.variable in ("tasAdjust", "tasminAdjust", "tasmaxAdjust", "prtotAdjust"), name
