"""The reference pages of the sources, one per YAML of ``ingest/sources``: ``make docs`` writes them."""

from __future__ import annotations

import sys
from pathlib import Path

from climart.files import atomic_text
from ingest.addresses import Copernicus, Evidence, Family
from ingest.registry import Source, sources

EVIDENCE: dict[Evidence, str] = {
    "seen_live": "seen live by others",
    "client_code": "read in public client code",
    "secondary": "named by a secondary public page",
    "unverified": "**UNVERIFIED**",
}


def pages() -> dict[str, str]:
    """Markdown by file name: a page per source, and an index."""
    return {"index.md": _index(), **{f"{source.id}.md": _page(source) for source in sources().values()}}


def write(folder: Path) -> None:
    """Write every page into ``folder`` and remove those of sources that are no more."""
    written = pages()
    for old in folder.glob("*.md"):
        if old.name not in written:
            old.unlink()
    for name, text in written.items():
        atomic_text(folder / name, text)


def _index() -> str:
    lines = [
        "# Sources",
        "",
        "Written by `make docs` from `ingest/sources/*.yml`. None of the addresses was called from where this was "
        "written: each page says how its addresses are known.",
        "",
        "| id | title | producer | licence | cadence | comes by | read by |",
        "|---|---|---|---|---|---|---|",
    ]
    for source in sources().values():
        way = "`climart fetch`" if source.fetch else "hand"
        cells = (source.title_en, source.producer, source.licence, source.cadence, way, _reader(source))
        lines.append(f"| [`{source.id}`]({source.id}.md) | " + " | ".join(map(_cell, cells)) + " |")
    return "\n".join(lines) + "\n"


def _page(source: Source) -> str:
    size = source.expected_size
    facts = {
        "Producer": source.producer,
        "Licence": source.licence,
        "Citation": source.citation,
        "Home": source.homepage,
        "Version": source.version,
        "Cadence": source.cadence,
        "Validation status": f"`{source.validation_status}`",
        "Expected size": f"{_bytes(size.bytes)} ({size.basis})"
        if size.bytes is not None
        else f"not known ({size.basis})",
        "Grid": f"{source.resolution_km:g} km" if source.resolution_km else "",
        "CRS": source.crs or "",
        "Correction": source.correction or "",
        "Read by": _reader(source),
    }
    lines = [f"# {source.title_en}", "", f"{source.title_fr} · `{source.id}`", ""]
    lines += ["Written by `make docs` from " + f"`ingest/sources/{source.id}.yml`.", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {_cell(text)} |" for name, text in facts.items() if text]
    if source.notice_en:
        lines += ["", f"> {source.notice_fr}", ">", f"> {source.notice_en}"]
    lines += ["", "## How it comes", ""]
    if source.fetch is None:
        return "\n".join([*lines, source.order]) + "\n"
    pace = f", {source.fetch.per_second:g} requests a second at most" if source.fetch.per_second else ""
    lines.append(f"`climart fetch {source.id}`: {source.fetch.parallel} request(s) at a time to one host{pace}.")
    if profiles := sorted(source.fetch.profiles):
        named = {"departemental": "départemental", "national": "national"}
        lines += ["", f"In the profiles: {', '.join(named[profile] for profile in profiles)}."]
    for family in source.fetch.families:
        lines += ["", *_family(family)]
    for order in source.fetch.copernicus:
        lines += ["", *_order(order)]
    return "\n".join(lines) + "\n"


def _family(family: Family) -> list[str]:
    listing = family.listing
    lines = [f"### `{family.url or (listing.url if listing else '')}`", "", f"- Address: {EVIDENCE[family.evidence]}."]
    if family.note:
        lines.append(f"- {family.note[0].upper()}{family.note[1:]}.")
    if listing:
        lines.append(f"- Files: those of its list ({listing.kind}) that match `{listing.match}`.")
    if family.table:
        header, *rows = family.table.strip().splitlines()
        lines.append(f"- {len(rows)} combinations of {', '.join(f'`{name}`' for name in header.split())}.")
    for name, values in family.facets.items():
        lines.append(f"- `{name}`: {values if isinstance(values, str) else ', '.join(values)}.")
    for name, template in family.derive.items():
        lines.append(f"- `{name}` = `{template}`.")
    if family.first:
        lines.append(f"- Asked first, in the same session: `{family.first.url}`.")
    if family.parameters:
        lines.append(f"- Parameters: {', '.join(f'`{k}={v}`' for k, v in family.parameters.items())}.")
    if family.envelope:
        lines.append(f"- Pages: `{family.envelope}` (`ingest/envelopes.yml`).")
    if family.only_when_named:
        lines.append(f"- Only where {' or '.join(f'`{name}`' for name in family.only_when_named)} is named.")
    if family.must_name:
        lines.append(f"- Must be named: {', '.join(f'`{name}`' for name in family.must_name)}.")
    if family.absent_ok:
        lines.append("- A file may not exist (404): that is no failure.")
    if size := family.bytes or family.about_bytes:
        lines.append(f"- Each file: {'exactly' if family.bytes else 'about'} {_bytes(size)}.")
    return [*lines, f"- Contract: {_contract(family)}."]


def _order(order: Copernicus) -> list[str]:
    lines = [f"### Climate Data Store: `{order.dataset}`", "", f"- Request: {EVIDENCE[order.evidence]}."]
    if order.note:
        lines.append(f"- {order.note[0].upper()}{order.note[1:]}.")
    lines += [f"- `{name}`: {', '.join(values)}." for name, values in order.facets.items()]
    for name, value in order.request.items():
        lines.append(f"- `{name}` = `{value if isinstance(value, str) else ', '.join(value)}`.")
    return [*lines, f"- Contract: {_contract(order)}."]


def _contract(part: Family | Copernicus) -> str:
    agreed = part.contract
    words = [agreed.format.replace("_", ".")]
    if agreed.member:
        words.append(f"member `{agreed.member}`")
    if agreed.members:
        words.append(f"{agreed.members} members at least")
    if agreed.columns:
        words.append("columns " + ", ".join(f"`{column}`" for column in agreed.columns))
    if agreed.rows:
        words.append(f"{agreed.rows[0]} to {agreed.rows[1]} rows")
    if agreed.caps:
        words.append(f"not exactly {' or '.join(map(str, agreed.caps))} rows, where it would be cut")
    if agreed.answer_max:
        words.append(f"{agreed.answer_max} rows in one answer at most")
    if agreed.about:
        words.append(f"`{agreed.about.column}` among what `{agreed.about.asked}` asked for")
    return "; ".join(words)


def _reader(source: Source) -> str:
    if source.reader == "missing":
        return f"missing: {source.reader_missing}"
    wants = f", by hand: it wants {source.reader_wants}" if source.reader_wants else ""
    return f"`climart ingest {source.reader}`{wants}"


def _bytes(n: int) -> str:
    return f"{n:,} bytes".replace(",", " ")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
