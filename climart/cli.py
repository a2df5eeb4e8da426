"""The command line: one function per verb, no logic. Exit codes: 2 for the user's mistake, 1 for ours."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from climart.errors import BuildFailed, UserError

if TYPE_CHECKING:
    from ingest import cell_years, exposure

app = typer.Typer(
    help="Climart: an open climate-risk data mart for France. Files go into CLIMART_DATA (default: data/).",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
ingest_app = typer.Typer(help="Read producers' files into the lake.", no_args_is_help=True)
app.add_typer(ingest_app, name="ingest")
out, err = Console(highlight=False), Console(stderr=True, highlight=False)

Files = Annotated[list[Path], typer.Argument(help="Export files (.txt), or folders of them.", metavar="FILE")]


@contextmanager
def _bar(total: int | None, label: str) -> Iterator[Callable[[str], None]]:
    """A progress bar on standard error; yields a function that advances it by one and shows a name."""
    columns: list[ProgressColumn] = [
        SpinnerColumn(),
        TextColumn("{task.description:<16}"),
        BarColumn(),
        MofNCompleteColumn(),
    ]
    columns += [TimeElapsedColumn(), TextColumn("{task.fields[item]}")]
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(label, total=total, item="")
        yield lambda item: bar.update(task, advance=1, item=item)


def _spaced(n: int) -> str:
    """1234567 → ``1 234 567``, as the French and the SI write it."""
    return f"{n:,}".replace(",", " ")


@ingest_app.command("drias", epilog="Example: `climart ingest drias exports/*.txt --skip-bad`")
def ingest_drias(
    files: Files,
    skip_bad: Annotated[bool, typer.Option(help="Load the good files and list the bad ones.")] = False,
    replace: Annotated[bool, typer.Option(help="A file takes the place of what the lake holds for its run.")] = False,
) -> None:
    """Load DRIAS portal text exports (TRACC-2023, DRIAS-2020). All or nothing, unless --skip-bad."""
    from ingest import producer_index

    found = [path for given in files for path in (sorted(given.glob("*.txt")) if given.is_dir() else [given])]
    if not found:
        raise UserError(
            f"no .txt file in {', '.join(map(str, files))}. Give the exports, or the folder that holds them."
        )
    with _bar(2 * len(found), "DRIAS exports") as step:
        done = producer_index.load(found, skip_bad=skip_bad, replace=replace, progress=step)
    out.print(f"{len(done.loaded)} file(s) loaded, {_spaced(done.n_values)} values.")
    if done.already:
        out.print(f"{len(done.already)} file(s) were already in the lake.")
    for name in done.repeated:
        out.print(f"Not repeated: {name}.")
    for fault in done.skipped:
        err.print(f"Skipped: {fault}", markup=False)


@ingest_app.command("territories", epilog="Example: `climart ingest territories admin/ --massifs massifs.shp`")
def ingest_territories(
    folder: Annotated[Path, typer.Argument(help="Folder of the official files.", metavar="DIR")],
    massifs: Annotated[Path | None, typer.Option(help="Shapefile of mountain massifs (code, title).")] = None,
) -> None:
    """Load the official geographic code, contours and groupings, and weigh the 8 km cells in each territory."""
    from ingest import territories

    with _bar(6 if massifs is None else 7, "Territories") as step:
        done = territories.load(folder, massifs, step)
    kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(done.by_kind.items()))
    out.print(f"{sum(done.by_kind.values())} territories ({kinds}); {done.n_weights} weights.")
    out.print(f"{_spaced(done.n_changes)} movements of communes since 1943.")
    for (kind, reason), n in sorted(done.without_values.items()):
        out.print(f"Without values: {n} {kind} ({reason}).")


@ingest_app.command("elevation", epilog="Example: `climart ingest elevation bdalti_75m.tif --source bd_alti`")
def ingest_elevation(
    raster: Annotated[Path, typer.Argument(help="GeoTIFF of metres above the sea.", metavar="RASTER")],
    source: Annotated[str, typer.Option(help="Registry id of the raster.")] = "bd_alti",
) -> None:
    """Load the mean altitude of every cell. Humidity and evapotranspiration need it: load it before daily NetCDF."""
    from ingest import elevation

    done = elevation.load(raster, source)
    for grid_id, n in done.known.items():
        missing = done.uncovered[grid_id]
        out.print(f"{grid_id}: {_spaced(n)} cells have an altitude, {_spaced(missing)} are not covered.")


@ingest_app.command("observed", epilog="Example: `climart ingest observed georisques_catnat catnat_gaspar.csv`")
def ingest_observed(
    source: Annotated[
        str,
        typer.Argument(help="Registry id; or a folder with a subfolder per source, named by its id.", metavar="SOURCE"),
    ],
    files: Annotated[
        list[Path] | None, typer.Argument(help="All the files of the dataset, or folders of them.", metavar="PATH")
    ] = None,
) -> None:
    """Load observed or exposure data (disasters, plans, zones, …). What the lake held of a source is replaced."""
    from ingest import observed

    with _bar(None, "Observed") as step:
        if files:
            loaded = {source: observed.load(source, files, step)}
        elif Path(source).is_dir():
            loaded = observed.load_folder(Path(source), step)
        else:
            raise UserError(f"{source}: which files? `climart ingest observed {source} FILE…`")
    for name, done in loaded.items():
        rows = ", ".join(f"{_spaced(n)} rows of {table}" for table, n in sorted(done.n_rows.items()))
        out.print(f"{name}: {rows or 'no row'}.")
        for remark in done.remarks:
            out.print(f"  {remark}", markup=False)


@ingest_app.command("published", epilog="Example: `climart ingest published tracc2023_tables *.tar`")
def ingest_published(
    source: Annotated[str, typer.Argument(help="Registry id.", metavar="SOURCE")],
    files: Annotated[list[Path], typer.Argument(help="All its archives (.tar), or their folder.", metavar="PATH")],
) -> None:
    """Load ensembles published already reduced (TRACC-2023 tables, Climadiag Commune). They stand beside our own."""
    from ingest import published

    with _bar(None, "Published ensembles") as step:
        done = published.load(source, files, step)
    out.print(f"{source}: {len(done.n_rows)} indices, {_spaced(sum(done.n_rows.values()))} rows.")
    for remark in done.remarks:
        out.print(f"  {remark}", markup=False)


@ingest_app.command("zones", epilog="Example: `climart ingest zones zones_montagne_defavorisees_communes.csv aoc.json`")
def ingest_zones(
    files: Annotated[list[Path], typer.Argument(help="Farm zones (.csv) and appellations (.json).", metavar="FILE")],
    source: Annotated[
        str | None, typer.Option(help="Registry id (default: farm_zones for .csv, inao_aoc_communes for .json).")
    ] = None,
) -> None:
    """Load farm zones and wine appellations: attributes of communes, and territories of their own (`zone:`, `aoc:`)."""
    from ingest import territories

    with _bar(None, "Lists of communes") as step:
        done = territories.load_lists(files, source, step)
    for group, (n_listed, n_members, n_partly) in done.groups.items():
        partly = f", {n_partly} of them in part or perhaps" if n_partly else ""
        out.print(f"{group}: {_spaced(n_listed)} communes listed, in {_spaced(n_members)} of today's{partly}.")
    for entry in done.left.itertuples():
        err.print(f"Not carried: {entry.code} {entry.name} ({entry.group_id}): {entry.why}.", markup=False)


@ingest_app.command("groups", epilog="Example: `climart ingest groups agencies.csv`")
def ingest_groups(
    file: Annotated[Path, typer.Argument(help="CSV of two columns: a group's name, a commune code.", metavar="FILE")],
) -> None:
    """Load your own groups of communes (agencies, sectors) as territories `group:<name>`, in place of those before."""
    ingest_zones([file], "own_groups")


@ingest_app.command("population", epilog="Example: `climart ingest population carreaux_200m_met.csv`")
def ingest_population(
    file: Annotated[Path, typer.Argument(help="INSEE's 200 m squares (.csv, .gpkg, .parquet).", metavar="FILE")],
    source: Annotated[str, typer.Option(help="Registry id.")] = "insee_population_200m",
) -> None:
    """Place people inside communes, so that heat is weighted by where they live. Without it they are spread evenly."""
    from ingest import exposure

    _say_placed(exposure.load_population(file, source))


@ingest_app.command("land", epilog="Example: `climart ingest land RPG_R84_2023.gpkg --covers region:84`")
def ingest_land(
    files: Annotated[
        list[Path], typer.Argument(help="Parcels of the RPG (.gpkg, .parquet, .shp, .json).", metavar="FILE")
    ],
    covers: Annotated[
        str | None,
        typer.Option(help="Territory that the files speak of; by default what each name says (_R84_, a box)."),
    ] = None,
    source: Annotated[str, typer.Option(help="Registry id.")] = "rpg",
) -> None:
    """Load where crops, grassland and vines are grown, so that their indicators are weighted by them."""
    from ingest import exposure

    with _bar(None, "Parcels") as step:
        done = exposure.load_land(files, covers, source, step)
    _say_placed(done)


@ingest_app.command("appellations", epilog="Example: `climart ingest appellations aire_parcellaire.json`")
def ingest_appellations(
    files: Annotated[list[Path], typer.Argument(help="Delimited parcels (GeoJSON of the WFS).", metavar="FILE")],
    source: Annotated[str, typer.Option(help="Registry id.")] = "aoc_viticulture",
) -> None:
    """Load the delimited parcels of wine appellations: shares of communes, and the weights of `aoc:` territories."""
    from ingest import appellations

    with _bar(None, "Appellations") as step:
        done = appellations.load(files, source, step)
    out.print(
        f"{_spaced(done.n_parcels)} parcels of {len(done.areas)} appellations in {_spaced(done.n_communes)} communes; "
        f"{len(done.made)} appellations have no list of communes: theirs are those of their parcels."
    )
    for remark in done.remarks:
        err.print(remark, markup=False)


def _say_placed(done: exposure.Loaded) -> None:
    for weighting, amount in sorted(done.placed.items()):
        unit = "people" if weighting == "population" else "km²"
        out.print(f"{weighting}: {_spaced(round(amount))} {unit} in {_spaced(done.n_communes)} communes.")
    for cause, amount in done.left_out.items():
        if amount:
            err.print(f"Left out: {amount:.0f} {cause}.", markup=False)


Runs = Annotated[list[Path], typer.Argument(help="NetCDF files (.nc), or folders of them.", metavar="FILE")]


@ingest_app.command("netcdf", epilog="Example: `climart ingest netcdf explore2/ --dry-run`, then without --dry-run")
def ingest_netcdf(
    files: Runs,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what was understood; reduce nothing.")] = False,
    dataset: Annotated[str | None, typer.Option(help="Registry id, where names and headers do not tell.")] = None,
    pet: Annotated[str | None, typer.Option(help="FAO or Hg0175, where a run has both evapotranspirations.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes (default: the machine's cores).")] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="A Dask cluster, tcp://host:port, instead of processes.")
    ] = None,
) -> None:
    """Reduce daily NetCDF to annual features, run by run. A stopped call continues where it was."""
    from ingest import cell_years, reduce, sites
    from ingest.readers import netcdf

    plans = netcdf.plan(files, dataset_id=dataset, pet_method=pet)
    if dry_run:
        for plan in plans:
            out.print(plan.describe(sites.of_cells(plan.grid, plan.grid.nodes(None))), markup=False, soft_wrap=True)
        return
    columns = [SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[speed]}")]
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def progress(plan: netcdf.SimulationPlan, now: reduce.Progress) -> None:
            if plan.simulation_id not in tasks:
                tasks[plan.simulation_id] = bar.add_task(plan.simulation_id, total=1.0, speed="")
            speed = f"{now.cell_days_per_second / 1e6:.1f} M cell-days/s, {now.seconds_left:.0f} s left"
            bar.update(tasks[plan.simulation_id], completed=now.done, speed=speed)

        done = cell_years.load(plans, workers=workers, scheduler=scheduler, progress=progress)
    for report in done.reports:
        speed = report.cell_days / report.seconds / 1e6
        out.print(
            f"{report.path.parent.name.removeprefix('simulation=')}: {_spaced(report.n_cells)} cells, "
            f"{_spaced(report.n_rows)} cell-years, {report.seconds:.1f} s ({speed:.1f} M cell-days/s), "
            f"{len(report.unavailable)} features unavailable",
            soft_wrap=True,
        )
        for name, n in report.n_soft.items():
            if n:
                out.print(f"  {name}: {_spaced(n)} values beyond the plausible bounds, kept")
    for simulation_id in done.unchanged:
        out.print(f"{simulation_id}: already reduced, unchanged", soft_wrap=True)


@ingest_app.command("sim2", epilog="Example: `climart ingest sim2 data/raw/sim2`")
def ingest_sim2(
    files: Annotated[list[Path], typer.Argument(help="All the yearly files, or their folder.", metavar="FILE")],
    workers: Annotated[int | None, typer.Option(help="Processes (default: the machine's cores).")] = None,
) -> None:
    """Load SIM2 (QUOT_SIM2_YYYY.csv.gz) as the observed reference: one run, reduced like the projections."""
    from ingest import sim2

    done = sim2.load(files, workers=workers)
    _say_reduced(done.reduced, done.remarks)


@ingest_app.command("stations", epilog="Example: `climart ingest stations data/raw/mf_stations`")
def ingest_stations(
    files: Annotated[list[Path], typer.Argument(help="Files of stations, all of a département.", metavar="FILE")],
    workers: Annotated[int | None, typer.Option(help="Processes (default: the machine's cores).")] = None,
) -> None:
    """Load Météo-France's daily stations (Q_<département>_…_RR-T-Vent.csv.gz): a run per département."""
    from ingest import stations

    done = stations.load(files, workers=workers)
    _say_reduced(done.reduced, done.remarks)


@ingest_app.command("snow", epilog="Example: `climart ingest snow pro/*.nc`, or daily files of the 8 km grid")
def ingest_snow(
    files: Runs,
    dataset: Annotated[str | None, typer.Option(help="Registry id, where names and headers do not tell.")] = None,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
) -> None:
    """Load snow by massif and altitude: S2M and ADAMONT files; by degree days where there is weather and no snow."""
    from ingest import snow

    done = snow.load(files, dataset_id=dataset, workers=workers)
    for report in done.reduced.reports:
        name = report.path.parent.name.removeprefix("simulation=")
        out.print(
            f"{name}: {_spaced(report.n_cells)} massif bands, {_spaced(report.n_rows)} band-years", soft_wrap=True
        )
    for simulation_id in done.reduced.unchanged:
        out.print(f"{simulation_id}: already reduced, unchanged", soft_wrap=True)
    for simulation_id, missing in done.missing.items():
        for variable in (name for name in snow.SNOW_VARIABLES if name in missing):
            out.print(f"  {simulation_id}, {variable}: {missing[variable]}", soft_wrap=True)
    for simulation_id in done.modelled:
        out.print(f"  {simulation_id}: snow by degree days, not by a snow model", soft_wrap=True)


@ingest_app.command("ski-areas", epilog="Example: `climart ingest ski-areas openskimap_ski_areas_france.csv`")
def ingest_ski_areas(
    file: Annotated[Path, typer.Argument(help="CSV of OpenSkiMap.", metavar="FILE")],
    source: Annotated[str, typer.Option(help="Registry id of the file.")] = "openskimap",
) -> None:
    """Load ski areas as territories: their snow at the lower third, the middle and the top."""
    from ingest import relief

    out.print(f"{_spaced(relief.load_ski_areas(file, source))} ski areas.")


def _say_reduced(done: cell_years.Loaded, remarks: Sequence[str]) -> None:
    for report in done.reports:
        name = report.path.parent.name.removeprefix("simulation=")
        out.print(f"{name}: {_spaced(report.n_cells)} cells, {_spaced(report.n_rows)} cell-years", soft_wrap=True)
    for simulation_id in done.unchanged:
        out.print(f"{simulation_id}: already reduced, unchanged", soft_wrap=True)
    for remark in remarks:
        out.print(f"  {remark}", markup=False, soft_wrap=True)


Proxy = Annotated[str | None, typer.Option(help="Proxy, http://user:password@host:port; else HTTPS_PROXY is used.")]
CaBundle = Annotated[
    Path | None, typer.Option(help="PEM file of the certificates to trust; else REQUESTS_CA_BUNDLE is used.")
]


@app.command(epilog="Example: `climart fetch georisques_rga_2026 --departement 73 --dry-run`, then without --dry-run")
def fetch(
    source: Annotated[str | None, typer.Argument(help="Registry id.", metavar="SOURCE")] = None,
    simulation: Annotated[
        list[str] | None, typer.Option(help="Model pair, * and ? allowed; several may be given.")
    ] = None,
    variable: Annotated[list[str] | None, typer.Option(help="Variable, as the producer names it.")] = None,
    scenario: Annotated[list[str] | None, typer.Option(help="historical, rcp26, …, ssp585.")] = None,
    departement: Annotated[list[str] | None, typer.Option("--departement", "--département", help="Code.")] = None,
    year: Annotated[list[str] | None, typer.Option(help="Year.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="FACET=VALUE, for what else a source can be narrowed by.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every source of a profile.")] = False,
    profile: Annotated[str, typer.Option(help="With --all: départemental or national.")] = "national",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would come and how large; fetch nothing.")
    ] = False,
    proxy: Proxy = None,
    ca_bundle: CaBundle = None,
) -> None:
    """Fetch a source's files into CLIMART_DATA/raw. A stopped call continues where it was; the unchanged stays."""
    from climart import fetching
    from ingest.fetch import client

    client.through(proxy, ca_bundle)
    named = {
        "simulation": simulation, "variable": variable, "scenario": scenario, "departement": departement, "year": year,
    }  # fmt: skip
    chosen = fetching.choose(source, named, only or [], every=every, profile=profile)
    fetching.foresee(chosen, out) if dry_run else fetching.fetch(chosen, out, err)


@app.command(epilog="Example: `climart status`")
def status(
    source: Annotated[
        list[str] | None, typer.Argument(help="Registry ids; default: what is here.", metavar="SOURCE")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also the sources of which nothing is here.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the producers what changed.")] = False,
    thorough: Annotated[bool, typer.Option("--thorough", help="Hash every file, not only its size.")] = False,
    proxy: Proxy = None,
    ca_bundle: CaBundle = None,
) -> None:
    """Per source: what is here, how old it is, what changed at its producer."""
    from climart import fetching
    from ingest.fetch import client

    client.through(proxy, ca_bundle)
    fetching.status(source or [], out, every=every, ask=not offline, thorough=thorough)


@app.command(epilog="Example: `climart refresh`")
def refresh(
    source: Annotated[
        list[str] | None, typer.Argument(help="Registry ids; default: all that was fetched.", metavar="SOURCE")
    ] = None,
    no_publish: Annotated[bool, typer.Option("--no-publish", help="Stop after the build and its tests.")] = False,
    proxy: Proxy = None,
    ca_bundle: CaBundle = None,
) -> None:
    """Fetch, ingest, build, publish: only what changed. A failing source keeps its last good version, marked stale."""
    from climart import fetching
    from ingest.fetch import client

    client.through(proxy, ca_bundle)
    fetching.refresh(source or [], out, err, publish=not no_publish)


@app.command("features", epilog="Example: `climart features`")
def list_features() -> None:
    """List the annual features that the engine computes from daily variables."""
    from ingest import features

    for feature in features.catalogue().features:
        out.print(f"{feature.id:<22} {feature.unit:<8} {feature.sentence}", markup=False, soft_wrap=True)


@app.command(epilog="Example: `climart daily explore2/ --territory commune:73065 --to chambery.parquet`")
def daily(
    files: Runs,
    territory: Annotated[list[str], typer.Option(help="Territory id; repeat for several.")],
    to: Annotated[Path, typer.Option(help="Parquet file to write.")],
    dataset: Annotated[str | None, typer.Option(help="Registry id, where names and headers do not tell.")] = None,
) -> None:
    """Write the daily series of chosen territories (area-weighted means) of every run to one Parquet file."""
    from ingest import daily as days
    from ingest.readers import netcdf

    n_rows = days.write(netcdf.plan(files, dataset_id=dataset), territory, to)
    out.print(f"{_spaced(n_rows)} rows in {to}.")


@app.command(epilog="Example: `climart build`, then `climart publish`")
def build(
    full_refresh: Annotated[bool, typer.Option(help="Compute every run again, not only the changed ones.")] = False,
) -> None:
    """Build and test the warehouse from the lake (dbt). Only what depends on a changed file is computed again."""
    from mart import build as building

    with _bar(None, "dbt") as step:
        seen = 0

        def progress(n: int, total: int, name: str) -> None:
            nonlocal seen
            if n > seen:
                step(f"{n}/{total} {name}")
                seen = n

        done = building.build(full_refresh=full_refresh, progress=progress)
    if done.unchanged:
        out.print(f"Nothing has changed since the last build ({done.n_runs} runs).")
    else:
        unchanged = done.n_runs - done.rebuilt_runs
        out.print(
            f"{done.rebuilt_runs} run(s) computed, {unchanged} unchanged; {done.n_steps} models and tests passed."
        )


@app.command(epilog="Example: `climart publish --version 2026.11.0`")
def publish(
    version: Annotated[str | None, typer.Option(help="year.month.patch; default: the next one.")] = None,
) -> None:
    """Publish the warehouse as an immutable release, then move `stable` to it."""
    from mart import publish as publishing

    with _bar(None, "Release") as step:
        done = publishing.publish(version, step)
    if done.unchanged:
        out.print(f"Release {done.folder.name} already holds this build.")
        return
    out.print(f"Release {done.folder.name}:")
    for table, n in sorted(done.row_counts.items()):
        out.print(f"  {table:<24}{_spaced(n):>12} rows")


@app.command(epilog="Example: `climart verify 2026.11.0`")
def verify(version: Annotated[str, typer.Argument(help="A version, or stable.")] = "stable") -> None:
    """Check that every byte of a release is as it was published."""
    from mart import release

    folder = release.named(version)
    if faults := release.verify(folder):
        raise UserError(f"release {folder.name} has changed:\n" + "\n".join(faults))
    out.print(f"Release {folder.name}: every file is as it was published.")


@app.command(epilog="Example: `climart releases`")
def releases() -> None:
    """List the releases; `stable` marks the one that readers open."""
    from mart import release

    current = release.stable()
    for folder in release.folders():
        out.print(f"{folder.name}{'  stable' if folder == current else ''}")
    if current is None:
        out.print("No release yet: `make mart` makes one from the embedded sample.")


@app.command(epilog="Example: `climart diff 2026.10.0 stable --to changes/`")
def diff(
    before: Annotated[str, typer.Argument(help="A version, stable, or a release's folder.", metavar="A")],
    after: Annotated[str, typer.Argument(help="The same.", metavar="B")],
    to: Annotated[
        Path | None, typer.Option(help="Folder for changes.md and changes.parquet (every changed row).")
    ] = None,
) -> None:
    """Say what changed between two releases: tables, columns, rows beyond each indicator's tolerance, renames."""
    from mart import diff as differences
    from mart import release

    found = differences.compare(release.found(before), release.found(after), to)
    out.print(found.markdown(), markup=False, soft_wrap=True, end="")


@app.command(epilog="Example: `climart join loans.csv --on code_commune --vintage 2015 --out joined.csv`")
def join(
    portfolio: Annotated[Path, typer.Argument(help="CSV, XLSX or Parquet.", metavar="FILE")],
    on: Annotated[str, typer.Option(help="Column of commune codes, or LATITUDE,LONGITUDE columns.")],
    out_file: Annotated[Path, typer.Option("--out", help="File to write: .parquet, .csv or .xlsx.")],
    release: Annotated[str, typer.Option(help="A version, stable, or a release's folder.")] = "stable",
    vintage: Annotated[int | None, typer.Option(help="Year of the codes (default: their latest meaning).")] = None,
    indicators: Annotated[str | None, typer.Option(help="Ids, separated by commas (default: six common ones).")] = None,
    contexts: Annotated[str | None, typer.Option(help="Ids (default: the reference and the warming levels).")] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Id (default: by indicator, the widest one with warming levels).")
    ] = None,
    measures: Annotated[str, typer.Option(help="Of q50, q05, q95, ref_q50, delta_q50, …")] = "q50,q05,q95",
    long: Annotated[bool, typer.Option("--long", help="One row per line, indicator and context.")] = False,
) -> None:
    """Join a portfolio to a release: every line once, amounts kept, and the cause where a line has no values."""
    from mart import join as joining

    done = joining.join(
        portfolio,
        on,
        release_path=release,
        vintage=vintage,
        indicators=_listed(indicators),
        contexts=_listed(contexts),
        dataset=dataset,
        measures=_listed(measures) or joining.DEFAULT_MEASURES,
        long=long,
    )
    written = done.write(out_file)
    out.print(done.report(), markup=False, soft_wrap=True, end="")
    out.print(f"Written: {', '.join(map(str, written))}.", markup=False, soft_wrap=True)


def _listed(text: str | None) -> list[str] | None:
    return [part.strip() for part in text.split(",") if part.strip()] if text else None


@app.command(epilog="Example: `climart rollback`, or `climart rollback 2026.11.0`")
def rollback(version: Annotated[str | None, typer.Argument(help="Default: the release before stable.")] = None) -> None:
    """Point `stable` to an earlier release, once its bytes are checked. No release is removed."""
    from mart import release

    out.print(f"stable is {release.roll_back(version).name}.")


@app.command(epilog="Example: `climart sample data/sample`")
def sample(folder: Annotated[Path, typer.Argument(help="Folder to write.", metavar="DIR")]) -> None:
    """Write the embedded sample: real geography approximated, simulated climate, in the producers' own formats."""
    from ingest import sample as embedded

    with _bar(None, "Sample") as step:
        done = embedded.generate(folder, step)
    exports, days = len(done.drias), len(done.daily)
    out.print(f"{exports} DRIAS exports and {days} daily NetCDF, simulated, and the territory files, in {folder}.")


def main() -> None:
    """Entry point: errors become one clear message and an exit code."""
    try:
        app()
    except UserError as error:
        err.print(f"climart: {error}", markup=False, soft_wrap=True)
        sys.exit(2)
    except BuildFailed as error:
        err.print(f"climart: {error}", markup=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        err.print("climart: stopped. Nothing half-written remains.")
        sys.exit(130)
    except Exception as error:  # the last door: ours to mend, said in words before the trace
        err.print(f"climart: {error}", markup=False, soft_wrap=True)
        err.print("This is a fault of climart, not of your files. Details for a report:", markup=False)
        traceback.print_exc()
        sys.exit(1)


if __name__ == "__main__":
    main()
