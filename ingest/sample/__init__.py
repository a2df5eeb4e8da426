"""The embedded sample: what a newcomer sees without a network. Deterministic, in the producers' own formats.

Real codes and names on approximate outlines (``geography``), a simulated climate whose départements look like
the real TRACC-2023 ensemble (``climate``), as DRIAS text exports (``drias``), simulated days of 128 cells as
NetCDF (``daily``, ``weather``), invented disasters, plans and flood zones (``observed``), made-up farm zones and
parcels (``farming``). The readers of real files read it; nothing in the project treats it apart. Another producer's
format is one more module here, and one more field of ``SampleFiles``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingest.sample import climate, daily, drias, elevation, farming, geography, observed, snow


@dataclass(frozen=True)
class SampleFiles:
    """What ``generate`` wrote: the territories folder and its files, then the files of each other kind."""

    territories: Path
    territory_files: tuple[Path, ...]
    zones: tuple[Path, ...]
    parcels: tuple[Path, ...]
    drias: tuple[Path, ...]
    observed: tuple[Path, ...]
    elevation: Path
    massifs: Path
    ski_areas: Path
    daily: tuple[Path, ...]
    snow: tuple[Path, ...]


def generate(out: Path, progress: Callable[[str], None] | None = None, *, with_daily: bool = True) -> SampleFiles:
    """Write the sample into ``out``, a folder per kind of file; the same bytes at every call.

    with_daily: also the daily NetCDF and the snow, three quarters of the time and of the bytes.
    progress: called with a short text (English) at the start of each step.
    """
    say = progress or (lambda _: None)
    say("territories")
    departements = geography.outlines()
    territory_files = geography.write_territories(out / "territories", departements)
    say("farming")
    rows = geography.communes()
    zones = farming.write_zones(out / "zones", rows)
    parcels = farming.write_parcels(out / "land", rows, geography.contours(rows, departements))
    say("climate")
    shares = geography.cell_shares(departements)
    fields = climate.simulate(shares, [str(code) for code in departements.index])
    say("DRIAS exports")
    exports = drias.write_exports(out / "drias", fields, shares)
    say("observed data")
    facts = observed.write_all(out / "observed")
    altitudes = elevation.write(out / "elevation" / "elevation.tif")
    massifs = snow.write_massifs(out / "massifs" / "massifs.geojson")
    ski_areas = snow.write_ski_areas(out / "massifs" / "ski_areas.csv")
    netcdf: list[Path] = []
    pro: list[Path] = []
    if with_daily:
        say("daily NetCDF")
        netcdf = daily.generate_daily(out / "netcdf", say)
        say("snow")
        pro = snow.write_pro(out / "snow")
    return SampleFiles(
        territories=out / "territories",
        territory_files=territory_files,
        zones=zones,
        parcels=parcels,
        drias=exports,
        observed=facts,
        elevation=altitudes,
        massifs=massifs,
        ski_areas=ski_areas,
        daily=tuple(netcdf),
        snow=tuple(pro),
    )
