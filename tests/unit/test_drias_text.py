"""The reader of DRIAS text exports, on exports of two or three points, and on the real files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from climart.errors import UserError
from ingest import grid, registry
from ingest.readers import drias_text
from tests.support import real_data

# As real files print them: point → latitude, longitude.
PLACES = {139: ("41.3373", "9.1495"), 281: ("41.4149", "9.0628"), 282: ("41.4087", "9.1577")}
LABELS = {
    "NORTMm_yr": "Température moyenne annuelle (°C)",
    "ATMm_yr": "Ecart de température moyenne annuelle (°C)",
}
GWL15 = {"Niveau": "GWL15"}
HEADER = {"Producteur": "MF_DCSC", "Experience": "TRACC2023", "Modele    ": "ALADIN63_CNRM-CM5"}
HEADER_2020 = {"Producteur": "MF-DCSC", "Experience": "EUROCORDEX2020", "Modele": "ALADIN63_CNRM-CM5"}


def export_text(
    points: Sequence[int] = (139, 281),
    contexts: Sequence[Mapping[str, str]] = (GWL15,),
    labels: Mapping[str, str] = LABELS,
    values: Mapping[str, Sequence[str]] | None = None,
    header: Mapping[str, str] = HEADER,
    columns: Sequence[str] | None = None,
) -> str:
    """An export: one record per context and point, in that order.

    ``values``: index code → what is printed, record by record (default 1.5 everywhere). ``columns``: another order.
    """
    columns = columns or ["Point", "Latitude", "Longitude", *contexts[0], *labels]
    records = [
        {"Point": str(point), "Latitude": PLACES[point][0], "Longitude": PLACES[point][1], **context}
        for context in contexts
        for point in points
    ]
    for i, record in enumerate(records):
        record |= {code: values[code][i] if values else "1.5" for code in labels}
    lines = [
        "#----------------------------------",
        "# Date d'extraction : 03/05/2026 - 22h28 loc.",
        *(f"# {key} : {value}" for key, value in header.items()),
        "# Type d'indice : annuel",
        "# Indices : ",
        *(f"#     {code} : {label}" for code, label in labels.items()),
        "# Format des enregistrements ",
        f"# {';'.join(columns)};",
        "#----------------------------------",
        *(";".join(record[column] for column in columns) + ";" for record in records),
    ]
    return "\n".join(lines) + "\n"


def read(tmp_path: Path, text: str | bytes, name: str = "export.txt") -> drias_text.Export:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return drias_text.read(path)


def refusal(tmp_path: Path, text: str | bytes) -> str:
    """The message of the error that reading ``text`` raises."""
    with pytest.raises(UserError) as caught:
        read(tmp_path, text, "bad.txt")
    return str(caught.value)


def line_of(text: str, record: str) -> int:
    """The number that an editor shows for the first line that starts with ``record``."""
    return next(n for n, line in enumerate(text.splitlines(), start=1) if line.startswith(record))


# What a good export gives


def test_values_by_context_and_cell(tmp_path: Path) -> None:
    text = export_text(
        points=[281, 139],
        contexts=[GWL15, {"Niveau": "GWL30"}],
        values={"NORTMm_yr": ["14.1", "14.2", "16.3", "16.4"], "ATMm_yr": ["1.1", "1.2", "3.3", "3.4"]},
    )
    export = read(tmp_path, text)
    assert export.n_records == 4
    assert [(block.context_id, block.season, block.cell_id.tolist()) for block in export.blocks] == [
        ("rwl20", "YR", [139, 281]),
        ("rwl40", "YR", [139, 281]),
    ]
    assert [block.values["NORTMm_yr"].tolist() for block in export.blocks] == [[14.2, 14.1], [16.4, 16.3]]
    assert [block.values["ATMm_yr"].tolist() for block in export.blocks] == [[1.2, 1.1], [3.4, 3.3]]


def test_known_by_its_header_not_by_its_name(tmp_path: Path) -> None:
    text = export_text()
    as_sent = read(tmp_path, text, "indicesALADIN63_CNRM-CM5_2026000013315.txt")
    renamed = read(tmp_path, text, "indicesREMO_MPI-ESM_1.txt")
    assert renamed.simulation_id == as_sent.simulation_id == "drias_tracc2023.ALADIN63_CNRM-CM5"
    assert renamed.source_file_id == as_sent.source_file_id
    assert renamed.extracted_at == "03/05/2026 - 22h28 loc."


def test_another_content_is_another_file(tmp_path: Path) -> None:
    assert read(tmp_path, export_text()).source_file_id != read(tmp_path, export_text(points=[139])).source_file_id


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last_end", [True, False], ids=["ends with a line end", "does not"])
def test_line_ends(tmp_path: Path, end: str, last_end: bool) -> None:
    text = export_text(values={"NORTMm_yr": ["14.1", "14.2"], "ATMm_yr": ["1", "2"]}).replace("\n", end)
    export = read(tmp_path, text if last_end else text.removesuffix(end))
    assert export.blocks[0].values["NORTMm_yr"].tolist() == [14.1, 14.2]
    assert [index.label for index in export.indices] == [
        "Température moyenne annuelle",
        "Ecart de température moyenne annuelle",
    ]


def test_columns_are_read_by_name(tmp_path: Path) -> None:
    values = {"NORTMm_yr": ["14.1", "14.2"], "ATMm_yr": ["1.1", "1.2"]}
    columns = ["Point", "ATMm_yr", "Niveau", "Longitude", "NORTMm_yr", "Latitude"]
    export = read(tmp_path, export_text(values=values, columns=columns))
    assert export.blocks[0].values["NORTMm_yr"].tolist() == [14.1, 14.2]
    assert export.blocks[0].values["ATMm_yr"].tolist() == [1.1, 1.2]


@pytest.mark.parametrize("n", [32, 34])
def test_files_have_32_or_34_columns(tmp_path: Path, n: int) -> None:
    n_pairs = (n - 4) // 2  # Point, Latitude, Longitude, Niveau; then levels, then their changes
    labels = {f"NORX{i:02}": f"Indice {i} (mm)" for i in range(n_pairs)}
    labels |= {f"AX{i:02}": f"Ecart d'indice {i} (mm)" for i in range(n_pairs)}
    values = {code: [str(i), str(100 + i)] for i, code in enumerate(labels)}
    export = read(tmp_path, export_text(labels=labels, values=values))
    assert len(export.indices) == n - 4
    assert export.blocks[0].values["AX03"].tolist() == [n_pairs + 3, 100 + n_pairs + 3]


def test_a_blank_is_missing_not_zero(tmp_path: Path) -> None:
    export = read(tmp_path, export_text(values={"NORTMm_yr": ["", "0"], "ATMm_yr": ["NaN", "0.0"]}))
    values = export.blocks[0].values
    assert np.isnan([values["NORTMm_yr"][0], values["ATMm_yr"][0]]).all()
    assert [values["NORTMm_yr"][1], values["ATMm_yr"][1]] == [0, 0]


def test_seasons_are_numbered_from_winter(tmp_path: Path) -> None:
    contexts = [{"Contexte": "RCP8.5", "Période": "H1", "Saison": number} for number in "1234"]
    labels = {"NORRR": "Cumul de précipitation (mm)"}
    values = {"NORRR": ["10", "20", "30", "40"]}
    text = export_text([139], contexts, labels, values, HEADER_2020)
    found = {block.season: block.values["NORRR"].tolist() for block in read(tmp_path, text).blocks}
    assert found == {"DJF": [10], "MAM": [20], "JJA": [30], "SON": [40]}


def test_drias_2020_contexts(tmp_path: Path) -> None:
    contexts = [{"Contexte": "RCP4.5", "Période": period} for period in ("H1", "H2", "H3")]
    text = export_text([139], contexts, {"NORTAV": "Température moyenne (°C)"}, header=HEADER_2020)
    export = read(tmp_path, text)
    assert [block.context_id for block in export.blocks] == ["rcp45_h1", "rcp45_h2", "rcp45_h3"]
    assert export.source.id == "drias_2020"


@pytest.mark.parametrize(
    ("code", "label", "base", "statistic", "unit"),
    [
        ("NORRR_yr", "Cumul de précipitations annuelles (mm)", "RR_yr", "level", "mm"),
        ("ARRR_yr", "Ecart relatif de cumul de précipitations annuelles", "RR_yr", "change_relative", "1"),
        ("ARRx1d_yr", "Ecart relatif de intensité (max annuel des  pluies)", "Rx1d_yr", "change_relative", "1"),
        ("NORRx1d_yr", "Intensité (max annuel des  précipitations totales) (mm)", "Rx1d_yr", "level", "mm"),
        # in days, so absolute, though its neighbours ARRR… are fractions
        ("ARRq99refD_yr", "Ecart de fréquence des précipitations (jour(s))", "RRq99refD_yr", "change_absolute", "d"),
        ("NORRRq99refD_yr", "Fréquence des précipitations (jour(s))", "RRq99refD_yr", "level", "d"),
        ("ARR", "Ecart de cumul de précipitation (mm)", "RR", "change_absolute", "mm"),
        ("ATX35D_yr", "Ecart de nombre de jours avec tx >= 35°c (jour(s))", "TX35D_yr", "change_absolute", "d"),
        ("NORFFQ98", "vent fort (Q98) (m/s)", "FFQ98", "level", "m s-1"),
        ("NORPFL90", "Fraction des précipitations (%)", "PFL90", "level", "%"),
        ("NORDATEDG", "Date de dernière gelée (date)", "DATEDG", "level", "d"),
        ("NORTPSPI", "Temps passé en sécheresse", "TPSPI", "level", "1"),
    ],
)  # fmt: skip
def test_what_the_label_and_the_prefix_say(
    tmp_path: Path, code: str, label: str, base: str, statistic: str, unit: str
) -> None:
    (index,) = read(tmp_path, export_text(labels={code: label})).indices
    assert (index.base_code, index.statistic, index.unit) == (base, statistic, unit)


@pytest.mark.parametrize(
    ("label", "parts"),
    [
        ("Nombre de jours de gel (jour(s))", ("Nombre de jours de gel", "jour(s)")),
        ("Jours ( TX>35°C ) (jour(s))", ("Jours ( TX>35°C )", "jour(s)")),
        ("Précipitations (Q90) (mm)", ("Précipitations (Q90)", "mm")),
        ("Temps passé en sécheresse", ("Temps passé en sécheresse", "")),
        ("Sans ouverture)", ("Sans ouverture)", "")),
    ],
)
def test_the_unit_is_the_last_parenthesis(label: str, parts: tuple[str, str]) -> None:
    assert drias_text.split_unit(label) == parts


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (["1", "20"], 0),
        (["1.5", "2"], 1),
        (["1.50", "-0.25"], 2),
        (["0.001", ""], 3),
        (["0.33333", "1"], 4),
        (["", ""], 0),
    ],
)
def test_decimals_as_printed(tmp_path: Path, printed: list[str], expected: int) -> None:
    export = read(tmp_path, export_text(labels={"NORTMm_yr": LABELS["NORTMm_yr"]}, values={"NORTMm_yr": printed}))
    assert export.indices[0].decimals == expected


def test_decimals_of_large_numbers() -> None:
    assert drias_text.decimals(np.array([123456.78])) == 2
    assert drias_text.decimals(np.array([4694.001])) == 3


# Encodings

FRENCH = st.text(alphabet="abcdez ÀÂÇÉÈÊËÎÏÔŒÙàâçéèêëîïôœùûü°²’«»–()%;:/0123456789\u00a0", max_size=60)
LATIN = st.text(alphabet="abcdez ÀÂÇÉÈÊËÎÏÔÙàâçéèêëîïôùûü°²«»()%;:/0123456789\u00a0", max_size=60)
# Every real header has such a word, which tells the encodings apart: é followed by a letter is not UTF-8.
START = "Températures : "


@settings(deadline=None)
@given(FRENCH)
def test_utf_8_survives(text: str) -> None:
    assert drias_text.decode((START + text).encode()) == START + text


@settings(deadline=None)
@given(FRENCH)
def test_utf_8_with_a_byte_order_mark_survives(text: str) -> None:
    assert drias_text.decode((START + text).encode("utf-8-sig")) == START + text


@settings(deadline=None)
@given(LATIN)
def test_latin_1_survives(text: str) -> None:
    assert drias_text.decode((START + text).encode("iso-8859-1")) == START + text


@settings(deadline=None)
@given(FRENCH)
def test_utf_8_encoded_twice_is_mended(text: str) -> None:
    doubled = (START + text).encode().decode("iso-8859-1").encode()
    assert drias_text.decode(doubled) == START + text


def test_a_doubled_letter_that_lost_its_no_break_space_is_mended() -> None:
    text = "cumul d'avril à octobre, été"
    doubled = text.encode().decode("iso-8859-1").replace("\u00a0", " ")
    assert drias_text.decode(doubled.encode()) == text


@pytest.mark.parametrize("encode", ["utf-8", "iso-8859-1", "twice"])
def test_the_three_encodings_give_the_same_export(tmp_path: Path, encode: str) -> None:
    contexts = [{"Contexte": "RCP4.5", "Période": "H1"}]  # the accent of a column's name too
    text = export_text([139], contexts, {"NORSD": "Nombre de journées d'été (jour(s))"}, header=HEADER_2020)
    content = text.encode().decode("iso-8859-1").encode() if encode == "twice" else text.encode(encode)
    export = read(tmp_path, content)
    assert export.indices[0].label == "Nombre de journées d'été"
    assert export.blocks[0].context_id == "rcp45_h1"


# What is refused, by name and line


def test_a_truncated_last_line(tmp_path: Path) -> None:
    whole = export_text(points=[139, 281, 282])
    line = line_of(whole, "282;")
    cut = whole[: whole.index("282;") + len("282;41.40")]
    message = refusal(tmp_path, cut)
    assert f"bad.txt, line {line}: 2 fields, expected 7" in message  # 282 and 41.40
    assert "truncated" in message


def test_a_line_cut_after_its_last_value(tmp_path: Path) -> None:
    whole = export_text()
    message = refusal(tmp_path, whole.removesuffix(";\n"))
    assert f"line {line_of(whole, '281;')}" in message
    assert "truncated" in message


@pytest.mark.parametrize(("before", "after", "n"), [("1.5;1.5;", "1.5;", 6), ("1.5;1.5;", "1.5;1.5;1.5;", 8)])
def test_a_record_with_too_few_or_too_many_fields(tmp_path: Path, before: str, after: str, n: int) -> None:
    text = export_text(points=[139, 281, 282])
    broken = text.replace("9.0628;GWL15;" + before, "9.0628;GWL15;" + after)
    assert broken != text
    message = refusal(tmp_path, broken)
    assert f"bad.txt, line {line_of(text, '281;')}: {n} fields, expected 7" in message
    assert "truncated" not in message  # not the last line


def test_a_field_after_the_last_separator(tmp_path: Path) -> None:
    text = export_text().replace("9.0628;GWL15;1.5;1.5;", "9.0628;GWL15;1.5;1.5;7")
    assert f"line {line_of(text, '281;')}" in refusal(tmp_path, text)


def test_a_column_that_the_header_does_not_describe(tmp_path: Path) -> None:
    text = export_text().replace("#     ATMm_yr : Ecart de température moyenne annuelle (°C)\n", "")
    message = refusal(tmp_path, text)
    assert "bad.txt" in message
    assert "'ATMm_yr' is not described" in message


def test_a_column_twice(tmp_path: Path) -> None:
    text = export_text().replace("NORTMm_yr;ATMm_yr;", "NORTMm_yr;NORTMm_yr;")
    message = refusal(tmp_path, text)
    assert "bad.txt" in message
    assert "'NORTMm_yr' appears twice" in message


def test_a_missing_key_column(tmp_path: Path) -> None:
    message = refusal(tmp_path, export_text(columns=["Point", "Latitude", "Niveau", *LABELS]))
    assert "bad.txt" in message
    assert "Longitude" in message


@pytest.mark.parametrize("printed", ["abc", "1,5", "inf", "1.5.2"])
def test_what_is_not_a_number(tmp_path: Path, printed: str) -> None:
    text = export_text(values={"NORTMm_yr": ["14.1", printed], "ATMm_yr": ["1", "2"]})
    message = refusal(tmp_path, text)
    assert f"bad.txt, line {line_of(text, '281;')}, column NORTMm_yr: '{printed}'" in message


@pytest.mark.parametrize("printed", ["", "139.5", "x"])
def test_a_point_that_is_not_a_whole_number(tmp_path: Path, printed: str) -> None:
    text = export_text().replace("\n139;", f"\n{printed};")
    assert f"line {line_of(text, printed + ';41.3373')}, column Point" in refusal(tmp_path, text)


def test_a_point_off_the_grid(tmp_path: Path) -> None:
    text = export_text().replace("\n281;", "\n280;")  # 280: at sea
    assert 280 not in set(grid.cells()["cell_id"])
    message = refusal(tmp_path, text)
    assert f"bad.txt, line {line_of(text, '280;')}: point 280" in message
    assert "not one of the 8 981 points" in message


@pytest.mark.parametrize(("printed", "wrong"), [("41.4149", "41.4169"), ("9.0628", "9.0648")])
def test_coordinates_of_another_place(tmp_path: Path, printed: str, wrong: str) -> None:
    text = export_text().replace(printed, wrong)
    message = refusal(tmp_path, text)
    assert f"bad.txt, line {line_of(text, '281;')}: point 281" in message
    assert wrong in message
    assert "expected 41.4149, 9.0628" in message


def test_coordinates_within_the_files_rounding_are_accepted(tmp_path: Path) -> None:
    assert read(tmp_path, export_text().replace("41.4149", "41.4151")).n_records == 2


def test_an_empty_line_among_the_records(tmp_path: Path) -> None:
    text = export_text(points=[139, 281, 282]).replace("\n281;", "\n\n281;")
    assert f"bad.txt, line {line_of(text, '281;') - 1}: an empty line" in refusal(tmp_path, text)


def test_empty_lines_at_the_end_are_accepted(tmp_path: Path) -> None:
    assert read(tmp_path, export_text() + "\n\n").n_records == 2


def test_the_same_point_twice(tmp_path: Path) -> None:
    text = export_text(points=[139, 281, 139])
    message = refusal(tmp_path, text)
    second = line_of(text, "281;") + 1
    assert f"bad.txt, line {second}: point 139 appears twice" in message


def test_the_same_point_in_two_levels_is_right(tmp_path: Path) -> None:
    assert len(read(tmp_path, export_text([139], [GWL15, {"Niveau": "GWL20"}])).blocks) == 2


def test_a_period_with_fewer_points(tmp_path: Path) -> None:
    text = export_text([139, 281], [{"Niveau": level} for level in ("GWL15", "GWL20", "GWL30")])
    message = refusal(tmp_path, text[: text.rindex("281;")])
    assert "bad.txt: a period has fewer points" in message
    assert "rwl20: 2, rwl27: 2, rwl40: 1" in message


def test_an_unknown_context(tmp_path: Path) -> None:
    text = export_text(points=[139, 281]).replace("9.0628;GWL15", "9.0628;GWL40")
    message = refusal(tmp_path, text)
    assert f"bad.txt, line {line_of(text, '281;')}: context 'GWL40', expected one of GWL15, GWL20, GWL30" in message


def test_a_period_of_another_scenario(tmp_path: Path) -> None:
    contexts = [{"Contexte": "RCP4.5", "Période": "REF"}]
    text = export_text([139], contexts, {"NORTAV": "Température (°C)"}, header=HEADER_2020)
    assert "context 'RCP4.5/REF'" in refusal(tmp_path, text)


def test_no_column_tells_the_context(tmp_path: Path) -> None:
    text = export_text(columns=["Point", "Latitude", "Longitude", *LABELS])
    assert "bad.txt: neither a column Niveau nor" in refusal(tmp_path, text)


@pytest.mark.parametrize("season", ["0", "5", "JJA"])
def test_an_unknown_season(tmp_path: Path, season: str) -> None:
    contexts = [{"Contexte": "REF", "Période": "REF", "Saison": season}]
    text = export_text([139], contexts, {"NORRR": "Cumul (mm)"}, header=HEADER_2020)
    assert f"bad.txt, line {line_of(text, '139;')}: season {season!r}" in refusal(tmp_path, text)


@pytest.mark.parametrize(("key", "value"), [("Experience", "FEU_METEO2022"), ("Producteur", "IPSL")])
def test_an_experience_that_the_registry_does_not_know(tmp_path: Path, key: str, value: str) -> None:
    message = refusal(tmp_path, export_text(header=HEADER | {key: value}))
    assert f"{value!r}" in message
    assert "EUROCORDEX2020, TRACC2023" in message


@pytest.mark.parametrize("unit", ["K", "jours", "mm/j"])
def test_an_unknown_unit(tmp_path: Path, unit: str) -> None:
    message = refusal(tmp_path, export_text(labels={"NORTMm_yr": f"Température ({unit})"}))
    assert f"bad.txt: column 'NORTMm_yr' has unit {unit!r}" in message


@pytest.mark.parametrize(
    ("code", "label"),
    [("TMm_yr", "Température (°C)"), ("ATMm_yr", "Ecart relatif de température")],
    ids=["neither NOR nor A", "a fraction that is not of precipitation"],
)
def test_a_prefix_that_cannot_be_told(tmp_path: Path, code: str, label: str) -> None:
    assert f"column {code!r} is neither a level" in refusal(tmp_path, export_text(labels={code: label}))


@pytest.mark.parametrize("key", ["Producteur", "Experience", "Modele    "])
def test_a_header_without_a_key(tmp_path: Path, key: str) -> None:
    message = refusal(tmp_path, export_text(header={k: v for k, v in HEADER.items() if k != key}))
    assert f"its header lacks # {key.strip()} :" in message


@pytest.mark.parametrize("text", ["", "139;1;2\n", "code,nom\n01001,L'Abergement\n"])
def test_what_is_not_an_export(tmp_path: Path, text: str) -> None:
    assert "bad.txt, lines 1 to 1: not a DRIAS text export" in refusal(tmp_path, text)


def test_a_model_that_names_no_pair(tmp_path: Path) -> None:
    assert "Modele is 'ALADIN63'" in refusal(tmp_path, export_text(header=HEADER | {"Modele    ": "ALADIN63"}))


def test_a_header_without_records(tmp_path: Path) -> None:
    text = export_text()
    assert "no record follows" in refusal(tmp_path, text[: text.index("139;")])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.txt: No such file"):
        drias_text.read(tmp_path / "absent.txt")


# Real files


@pytest.mark.real_data
def test_the_real_truncated_file_is_refused_by_name_and_line() -> None:
    with pytest.raises(UserError, match=r"DRIAS_2020_4_5\.txt, line 9863: 3 fields, expected 37"):
        drias_text.read(real_data() / "drias" / "drias2020" / "DRIAS_2020_4_5.txt")


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "n_points", "contexts", "labels"),
    [
        (
            "DRIAS_2020_REFERENCE.txt",
            8981,
            ["ref"],
            {"NORSD": "Nombre de journées d'été", "NORTX35": "Nombre de jours de fortes chaleur ( TX>35°C )"},
        ),
        ("DRIAS_AGRI_REFERENCE.txt", 8981, ["ref"], {"NORRRA": "cumul de précipitations d'avril à octobre"}),
        (
            "DRIAS_AGRI_8_5.txt",
            8602,
            ["rcp85_h1", "rcp85_h2", "rcp85_h3"],
            {
                "NORSTM0": "somme de température base 0°C d'octobre (année-1) à juillet (année)",
                "ADATEDG": "Ecart de date de dernière gelée avec 1er juillet comme référence",
            },
        ),
    ],
)
def test_the_other_real_drias_2020_files(name: str, n_points: int, contexts: list[str], labels: dict[str, str]) -> None:
    export = drias_text.read(real_data() / "drias" / "drias2020" / name)
    assert [(block.context_id, len(block.cell_id)) for block in export.blocks] == [(c, n_points) for c in contexts]
    found = {index.code: index.label for index in export.indices}
    assert {code: found[code] for code in labels} == labels
    assert not [label for label in found.values() if set(label) & set("ÃÂ\u00a0")]


@pytest.mark.real_data
def test_the_51_real_tracc_files() -> None:
    exports = [drias_text.read(path) for path in sorted((real_data() / "drias" / "tracc2023").glob("*.txt"))]
    assert len(exports) == 51
    assert sum(export.n_records for export in exports) == 458_031
    assert len({export.simulation_id for export in exports}) == 17
    assert {export.source.id for export in exports} == {"drias_tracc2023"}
    assert sum(any(index.code == "NORIFM40_yr" for index in export.indices) for export in exports) == 30
    assert sorted(len(export.indices) for export in exports) == [28] * 21 + [30] * 30
    gcm_names = registry.sources()["drias_tracc2023"].drias_text
    assert gcm_names is not None
    assert {export.model.split("_", 1)[1] for export in exports} <= set(gcm_names.gcm_names)
