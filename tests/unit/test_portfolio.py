"""Portfolios as people have them, read as a person would."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from climart.errors import UserError
from mart import portfolio


def read(tmp_path: Path, content: bytes, name: str = "p.csv", keys: tuple[str, ...] = ("code",)) -> portfolio.Portfolio:
    (tmp_path / name).write_bytes(content)
    return portfolio.read(tmp_path / name, keys)


def test_excel_in_french(tmp_path: Path) -> None:
    text = 'Code;Encours;Libellé;Taux\r\n01004;1\u00a0234,56;"Prêt; à taux fixe";2,5\r\n75056;-12,00;été;0\r\n'
    found = read(tmp_path, text.encode("cp1252"))
    assert (found.separator, found.decimal) == (";", ",")
    assert found.table.to_pylist() == [
        {"Code": "01004", "Encours": Decimal("1234.56"), "Libellé": "Prêt; à taux fixe", "Taux": Decimal("2.5")},
        {"Code": "75056", "Encours": Decimal("-12.00"), "Libellé": "été", "Taux": Decimal("0.0")},
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_separators_and_encodings(tmp_path: Path, encoding: str, separator: str) -> None:
    lines = ["code|nom|n", "01004|Ambérieu|12", "2A004|Ajaccio|3"]
    found = read(tmp_path, "\n".join(lines).replace("|", separator).encode(encoding))
    assert found.separator == separator
    assert found.table.to_pydict() == {"code": ["01004", "2A004"], "nom": ["Ambérieu", "Ajaccio"], "n": [12, 3]}


def test_english_thousands_and_what_is_ambiguous(tmp_path: Path) -> None:
    found = read(tmp_path, b'code,a,b\n01001,"1,234.56","1,234"\n01002,7.5,"2,000"\n')
    assert found.table["a"].to_pylist() == [Decimal("1234.56"), Decimal("7.50")]
    # 1,234 may be a thousand or one and a bit: it stays as it is, and is said
    assert found.table["b"].to_pylist() == ["1,234", "2,000"]
    assert any("'b'" in remark and "left as text" in remark for remark in found.remarks)


def test_codes_with_a_leading_zero_stay_text(tmp_path: Path) -> None:
    found = read(tmp_path, b"code;agence;siret\n01001;00512;12345678901234\n01002;00007;98765432109876\n")
    assert found.table["agence"].to_pylist() == ["00512", "00007"]
    assert found.table["siret"].to_pylist() == [12345678901234, 98765432109876]


def test_a_column_of_one_only(tmp_path: Path) -> None:
    assert read(tmp_path, b"code\n01001\n01002\n").table.to_pydict() == {"code": ["01001", "01002"]}


def test_repeated_and_empty_names_are_told_apart(tmp_path: Path) -> None:
    found = read(tmp_path, b"code;nom;nom;\n01001;a;b;c\n")
    assert found.table.column_names == ["code", "nom", "nom_2", "column_4"]
    assert sum("is called" in remark for remark in found.remarks) == 2


def test_a_torn_line_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"p\.csv.*Expected 3 columns, got 2"):
        read(tmp_path, b"code;a;b\n01001;1;2\n01002;1\n")


def test_workbooks_keep_their_types(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [["Code", "Encours", "Texte", "Montant"], [1004, 12.5, "=1+1", "1 234,50"], ["2A004", 3, None, "7,25"]]:
        sheet.append(row)
    sheet["C2"].data_type = "s"
    book.save(tmp_path / "p.xlsx")
    found = portfolio.read(tmp_path / "p.xlsx", ["code"])
    assert found.table.to_pydict() == {
        "Code": ["1004", "2A004"],
        "Encours": [12.5, 3.0],
        "Texte": ["=1+1", ""],
        "Montant": [Decimal("1234.50"), Decimal("7.25")],
    }


def test_frames_are_taken_as_they_are() -> None:
    frame = pd.DataFrame({"code": [1004.0, None], "x": [1, 2]})
    assert portfolio.typed_as_text(portfolio.read(frame).table["code"]).to_pylist() == ["1004", ""]
    assert portfolio.read(pa.table({"code": ["a"]})).table.num_rows == 1
    with pytest.raises(UserError, match="found int"):
        portfolio.read(3)


def test_columns_are_found_whatever_their_case_and_accents(tmp_path: Path) -> None:
    found = read(tmp_path, "Code Commune;Été\n01001;1\n".encode())
    assert portfolio.column(found, "code_commune") == "Code Commune"
    with pytest.raises(UserError, match="Its columns: Code Commune, Été"):
        portfolio.column(found, "insee")


AMOUNTS = st.lists(st.decimals(min_value=-(10**9), max_value=10**9, places=2), min_size=1, max_size=30)


@settings(max_examples=40)
@given(amounts=AMOUNTS, french=st.booleans())
def test_amounts_come_back_to_the_cent(
    tmp_path_factory: pytest.TempPathFactory, amounts: list[Decimal], french: bool
) -> None:
    def shown(amount: Decimal) -> str:
        text = f"{amount:,.2f}"
        return text.replace(",", "\u202f").replace(".", ",") if french else f'"{text}"'

    separator = ";" if french else ","
    lines = [f"code{separator}montant", *(f"01001{separator}{shown(amount)}" for amount in amounts)]
    found = read(tmp_path_factory.mktemp("p"), "\n".join(lines).encode())
    assert found.table["montant"].to_pylist() == amounts
    assert portfolio.sums(found.table, ["montant"]) == {"montant": sum(amounts)}
