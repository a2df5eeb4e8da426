"""A bank's book, read in memory: what the file holds, which lines are matched, what is exposed. Pure.

Nothing here writes, logs or keeps: the file's bytes come in, tables go out. Every refusal is a ``Refused`` with the
key of its words and what they name.
"""

from __future__ import annotations

import csv
import re
import unicodedata
import warnings
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from python_calamine import CalamineError, CalamineWorkbook

MAX_BYTES: Final = 50 * 2**20
MAX_LINES: Final = 500_000
MAX_COLUMNS: Final = 200
MAX_UNZIPPED: Final = 400 * 2**20
MAX_ENTRIES: Final = 2_000
LONGEST_LINE: Final = 200_000
CHUNK: Final = 2**20

Role = Literal["code", "latitude", "longitude", "amount", "label"]
ROLES: Final[tuple[Role, ...]] = ("code", "latitude", "longitude", "amount", "label")
# Headers that mean a role, folded: lower case, no accents, single spaces.
HEADERS: Final[Mapping[Role, tuple[str, ...]]] = {
    "code": ("code commune", "code insee", "insee", "commune code", "codgeo", "depcom", "com", "code", "commune"),
    "latitude": ("latitude", "lat", "y"),
    "longitude": ("longitude", "lon", "lng", "long", "x"),
    "amount": ("montant", "encours", "amount", "exposure", "exposition", "valeur", "crd", "capital restant du"),
    "label": ("libelle", "label", "nom", "name", "identifiant", "id", "reference", "contrat"),
}
Cause = Literal[
    "no_place", "unknown_code", "ambiguous_code", "outside_france", "unreadable_point", "no_amount",
    "unreadable_amount", "negative_amount",
]  # fmt: skip
MATCHED: Final = "matched"
# What a damaged or locked workbook raises in zipfile and in calamine.
BROKEN: Final = (
    zipfile.BadZipFile, CalamineError, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, IndexError,
    zlib.error,
)  # fmt: skip


class Refused(Exception):
    """A file that cannot be taken. ``key`` names the words, ``values`` fills them."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


# ---------------------------------------------------------------- reading


def read(name: str, content: bytes) -> pd.DataFrame:
    """The file as a table of texts: at most MAX_LINES lines and MAX_COLUMNS columns, first line as headers.

    Raises Refused for what is too large, not a table, or not what its name says.
    """
    if len(content) > MAX_BYTES:
        raise Refused("too_large", size=len(content) // 2**20, limit=MAX_BYTES // 2**20)
    if not content.strip():
        raise Refused("empty")
    if content.startswith(b"PK\x03\x04"):
        table = _read_xlsx(content)
    elif name.lower().endswith((".xlsx", ".xlsm", ".xls")):
        raise Refused("not_xlsx")
    else:
        table = _read_csv(content)
    if table.empty:
        raise Refused("no_lines")
    return table


def _headers(names: Sequence[object]) -> list[str]:
    """Headers without spaces around, never empty, never twice the same."""
    found: list[str] = []
    for place, name in enumerate(names, start=1):
        text = str(name).strip() if name is not None else ""
        text = text[:80] or f"#{place}"
        found.append(text if text not in found else f"{text} #{place}")
    return found


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "utf-16") if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    text = content.decode("cp1252", errors="replace")
    if "\x00" in text or text.count("\ufffd") > len(text) // 100:
        raise Refused("not_text")
    return text


def _read_csv(content: bytes) -> pd.DataFrame:
    if b"\x00" in content[:4096] and content[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise Refused("not_text")
    text = _decoded(content)
    first = text[: LONGEST_LINE + 1].splitlines()[0] if text else ""
    if len(first) > LONGEST_LINE:
        raise Refused("long_line", limit=LONGEST_LINE)
    counts = {mark: first.count(mark) for mark in (";", "\t", "|", ",")}
    separator = max(counts, key=lambda mark: counts[mark])
    header = next(csv.reader([first], delimiter=separator), [])
    if len(header) > MAX_COLUMNS:
        raise Refused("many_columns", count=len(header), limit=MAX_COLUMNS)
    if text.count("\n") > MAX_LINES + 1:
        raise Refused("many_lines", limit=MAX_LINES)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a line longer than the titles would lose its end
            table = pd.read_csv(
                StringIO(text), sep=separator, dtype=str, keep_default_na=False, skip_blank_lines=True, index_col=False,
                header=None, skiprows=1, names=_headers(header), engine="c", on_bad_lines="error",
            )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError, csv.Error) as error:
        raise Refused("unreadable_csv", what=_line_of(str(error))) from error
    return _bounded(table)


def _line_of(message: str) -> str:
    """The number of the line that a parser complains of, without its content."""
    found = re.search(r"line (\d+)", message)
    return found.group(1) if found else "?"


def _read_xlsx(content: bytes) -> pd.DataFrame:
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_UNZIPPED:
                raise Refused("bomb")
            total = 0
            for entry in entries:  # what is declared may lie: the bytes are counted
                with archive.open(entry) as stream:
                    while chunk := stream.read(CHUNK):
                        total += len(chunk)
                        if total > MAX_UNZIPPED:
                            raise Refused("bomb")
        book = CalamineWorkbook.from_filelike(BytesIO(content))
        page = book.get_sheet_by_index(0)
        if page.total_height > MAX_LINES + 1:
            raise Refused("many_lines", limit=MAX_LINES)
        if page.total_width > MAX_COLUMNS:
            raise Refused("many_columns", count=page.total_width, limit=MAX_COLUMNS)
        rows = page.to_python(skip_empty_area=True)
    except BROKEN as error:
        raise Refused("unreadable_xlsx") from error
    if not rows:
        raise Refused("no_lines")
    table = pd.DataFrame([[_cell(cell) for cell in row] for row in rows[1:]], columns=_headers(rows[0]), dtype=str)
    return _bounded(table)


def _cell(cell: object) -> str:
    """A cell as text; whole numbers without ``.0``, so that a code typed as a number stays a code."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell)


def _bounded(table: pd.DataFrame) -> pd.DataFrame:
    table = table[(table != "").any(axis=1)].reset_index(drop=True)
    if len(table) > MAX_LINES:
        raise Refused("many_lines", limit=MAX_LINES)
    return table


# ---------------------------------------------------------------- columns


def folded(text: str) -> str:
    """Lower case, no accents, words apart by one space."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", " ", plain.lower()).strip()


def roles(table: pd.DataFrame) -> dict[Role, str | None]:
    """Which column plays which role, by its header, else by what it holds. None where there is none."""
    plain = {name: folded(name) for name in table.columns}
    found: dict[Role, str | None] = dict.fromkeys(ROLES)
    for role in ROLES:
        for asked in HEADERS[role]:
            exact = [name for name, text in plain.items() if text == asked and name not in found.values()]
            if exact:
                found[role] = exact[0]
                break
        else:
            for asked in HEADERS[role]:
                near = [n for n, t in plain.items() if len(asked) > 3 and asked in t and n not in found.values()]
                if near:
                    found[role] = near[0]
                    break
    if found["code"] is None and (found["latitude"] is None or found["longitude"] is None):
        sample = table.head(200)
        for name in table.columns:
            looks = sample[name].str.strip().str.fullmatch(r"(?:\d[0-9AB])?\d{3}|\d{4}", na=False).mean()
            if name not in found.values() and looks > 0.6:
                found["code"] = name
                break
    return found


def amounts(texts: pd.Series) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Amounts as numbers, and which texts are not numbers: « 1 234,56 € », ``1,234.56``, ``-12``, ``(12)``."""
    plain = texts.str.replace(r"[\s\u00a0\u202f'€$]|EUR", "", regex=True)
    minus = plain.str.fullmatch(r"\(.*\)") | plain.str.startswith(("-", "−"))
    plain = plain.str.strip("()-−+")
    both = plain.str.contains(",", regex=False) & plain.str.contains(".", regex=False)
    comma_last = plain.str.rfind(",") > plain.str.rfind(".")
    french = both & comma_last
    plain = plain.where(~french, plain.str.replace(".", "", regex=False).str.replace(",", ".", regex=False))
    plain = plain.where(~(both & ~comma_last), plain.str.replace(",", "", regex=False))
    plain = plain.where(both, plain.str.replace(",", ".", regex=False))
    good = plain.str.fullmatch(r"\d{1,15}(\.\d*)?|\.\d+").fillna(False).to_numpy(dtype=bool)
    values = np.full(len(texts), np.nan)
    values[good] = plain[good].astype(float).to_numpy()
    values = np.where(minus.fillna(False).to_numpy(dtype=bool), -values, values)
    return values, ~good & (texts.str.strip() != "").to_numpy(dtype=bool)


def numbers(texts: pd.Series) -> NDArray[np.float64]:
    """Coordinates as numbers, decimal comma or point; NaN where they are not."""
    plain = texts.str.strip().str.replace(",", ".", regex=False)
    return pd.to_numeric(plain.where(plain.str.fullmatch(r"[-+]?\d{1,3}(\.\d+)?")), errors="coerce").to_numpy(
        dtype=float
    )


# ---------------------------------------------------------------- matching


@dataclass(frozen=True)
class Directory:
    """What lines are matched to: the communes of the release, their outlines, and codes of other years.

    ``former`` gives the commune of today of a code of another year; several candidates leave it ambiguous (None).
    """

    codes: Mapping[str, int]  # code → row of the communes
    former: Mapping[str, str | None]
    shapes: NDArray[Any]  # outlines in WGS 84, None where unknown
    tree: shapely.STRtree


# Municipal arrondissements, which the law counts within one commune.
ARRONDISSEMENTS: Final = {
    **{f"751{n:02d}": "75056" for n in range(1, 21)},
    **{f"6938{n}": "69123" for n in range(1, 10)},
    **{f"132{n:02d}": "13055" for n in range(1, 17)},
}


def directory(codes: Sequence[str], outlines: Sequence[bytes | None], former: Mapping[str, str | None]) -> Directory:
    """The communes in the order of ``codes``, ready to be asked."""
    shapes = shapely.from_wkb(np.array(outlines, dtype=object))
    return Directory({code: row for row, code in enumerate(codes)}, former, shapes, shapely.STRtree(shapes))


def code_rows(codes: pd.Series, known: Directory) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """The commune of each code (its row, -1 if none), and the cause where there is none.

    A code of four digits has lost its zero; arrondissements count in their commune; codes of other years are followed.
    """

    def place(code: str) -> tuple[int, str]:
        text = code.strip().upper()
        if not text:
            return -1, "no_place"
        text = text.removeprefix("COMMUNE:")
        text = text.zfill(5) if re.fullmatch(r"\d{4}", text) else text
        text = ARRONDISSEMENTS.get(text, text) if text not in known.codes else text
        if text in known.codes:
            return known.codes[text], MATCHED
        if text in known.former:
            today = known.former[text]
            if today is None:
                return -1, "ambiguous_code"
            if today in known.codes:
                return known.codes[today], MATCHED
        return -1, "unknown_code"

    unique = {code: place(code) for code in codes.unique()}
    return (
        np.array([unique[code][0] for code in codes], dtype=np.int64),
        np.array([unique[code][1] for code in codes], dtype=object),
    )


def point_rows(
    latitudes: NDArray[np.float64], longitudes: NDArray[np.float64], known: Directory
) -> tuple[NDArray[np.int64], NDArray[np.object_], int]:
    """The commune that holds each point (its row, -1 if none), the cause, and how many were given the wrong way round.

    A point whose latitude and longitude are swapped is recognised where the two cannot be mistaken: metropolitan France
    lies between 41° and 52° north and 6° west and 10° east.
    """
    swapped = (latitudes > -6) & (latitudes < 10) & (longitudes > 41) & (longitudes < 52)
    north, east = np.where(swapped, longitudes, latitudes), np.where(swapped, latitudes, longitudes)
    rows = np.full(len(north), -1, dtype=np.int64)
    causes = np.full(len(north), "outside_france", dtype=object)
    readable = ~(np.isnan(north) | np.isnan(east))
    causes[~readable] = "unreadable_point"
    asked = np.flatnonzero(readable)
    found = known.tree.query(shapely.points(east[asked], north[asked]), predicate="intersects")
    rows[asked[found[0]]] = found[1]
    causes[rows >= 0] = MATCHED
    return rows, causes, int(swapped.sum())


@dataclass(frozen=True)
class Book:
    """A portfolio after matching. Arrays have one entry per line of the file."""

    rows: NDArray[np.int64]  # of the communes, -1 where the line is left out
    amounts: NDArray[np.float64]
    causes: NDArray[np.object_]  # MATCHED or a Cause
    labels: pd.Series
    swapped: int

    @property
    def taken(self) -> NDArray[np.bool_]:
        """The lines that count."""
        taken: NDArray[np.bool_] = self.causes == MATCHED
        return taken

    @property
    def total(self) -> float:
        """The sum of what counts."""
        return float(self.amounts[self.taken].sum())


def match(table: pd.DataFrame, chosen: Mapping[Role, str | None], known: Directory) -> Book:
    """Each line to its commune: by code where there is one that is known, else by point. Raises Refused without either.

    Without a column of amounts every line counts for one.
    """
    by_point = chosen["latitude"] is not None and chosen["longitude"] is not None
    if chosen["code"] is None and not by_point:
        raise Refused("no_place_column")
    lines = len(table)
    rows, causes, swapped = np.full(lines, -1, dtype=np.int64), np.full(lines, "no_place", dtype=object), 0
    if chosen["code"] is not None:
        rows, causes = code_rows(table[chosen["code"]], known)
    if by_point and (left := np.flatnonzero(rows < 0)).size:
        asked = (chosen["latitude"], chosen["longitude"])
        latitudes, longitudes = (numbers(table[str(name)].iloc[left]) for name in asked)
        found, why, swapped = point_rows(latitudes, longitudes, known)
        given = np.logical_or.reduce([(table[str(name)].iloc[left].str.strip() != "").to_numpy() for name in asked])
        rows[left] = found
        causes[left] = np.where(given, why, causes[left])
    if chosen["amount"] is None:
        values = np.ones(lines)
    else:
        texts = table[chosen["amount"]]
        values, wrong = amounts(texts)
        matched = causes == MATCHED
        causes[matched & np.isnan(values) & ~wrong] = "no_amount"
        causes[matched & wrong] = "unreadable_amount"
        causes[matched & (values < 0)] = "negative_amount"
    rows = np.where(causes == MATCHED, rows, -1)
    labels = table[chosen["label"]] if chosen["label"] else pd.Series([""] * lines, dtype=str)
    return Book(rows, np.nan_to_num(values), causes, labels, swapped)


@dataclass(frozen=True)
class Tally:
    """The lines of one cause and the sum of their amounts."""

    cause: str
    lines: int
    amount: float


def by_cause(book: Book) -> list[Tally]:
    """Lines and amounts by cause, those that count first. Together they are the whole file."""
    causes, places = np.unique(book.causes.astype(str), return_inverse=True)
    lines = np.bincount(places, minlength=len(causes))
    sums = np.bincount(places, weights=book.amounts, minlength=len(causes))
    found = [Tally(str(cause), int(n), float(s)) for cause, n, s in zip(causes, lines, sums, strict=True)]
    return sorted(found, key=lambda tally: (tally.cause != MATCHED, -tally.lines))


# ---------------------------------------------------------------- exposure


def per_commune(book: Book, communes: int) -> NDArray[np.float64]:
    """The amount that counts in each commune."""
    taken = book.taken
    sums = np.bincount(book.rows[taken], weights=book.amounts[taken], minlength=communes)
    return sums.astype(np.float64)


NOT_STUDIED: Final = -1


def by_class(
    amounts_of: NDArray[np.float64], classes: NDArray[np.int64], count: int
) -> tuple[NDArray[np.float64], float]:
    """The amount in each of ``count`` classes, and that of communes without a class. Together they are the whole."""
    studied = classes != NOT_STUDIED
    sums = np.bincount(classes[studied], weights=amounts_of[studied], minlength=count)
    return sums.astype(np.float64), float(amounts_of[~studied].sum())


def in_any(amounts_of: NDArray[np.float64], flags: Sequence[NDArray[np.bool_]]) -> float:
    """The amount of communes that at least one of ``flags`` marks: hazards are never summed twice."""
    if not flags:
        return 0.0
    return float(amounts_of[np.logical_or.reduce(flags)].sum())
