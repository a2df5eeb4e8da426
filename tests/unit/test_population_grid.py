"""INSEE's 200 m squares, in the three formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from climart.errors import UserError
from ingest.readers import population_grid
from tests.factories import squares

PEOPLE = {(620_000.0, 2_017_000.0): 12.5, (628_000.0, 2_017_000.0): 3.0}


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".gpkg"])
def test_squares_are_where_they_were(tmp_path: Path, suffix: str) -> None:
    found = population_grid.read(squares(tmp_path / f"carreaux{suffix}", PEOPLE))
    assert found.places["amount"].tolist() == [12.5, 3.0]
    assert found.places["listed"].tolist() == ["01001", "01001"]
    for (x, y), place in zip(PEOPLE, found.places.itertuples(), strict=True):
        # a point of the square is at most half a diagonal from its centre
        assert np.hypot(place.x - x, place.y - y) <= 142
    assert found.n_overseas == 0


@settings(max_examples=10)
@given(st.lists(st.tuples(st.floats(1e5, 1.1e6), st.floats(1.65e6, 2.65e6)), min_size=1, max_size=50, unique=True))
def test_any_square_of_france(tmp_path_factory: pytest.TempPathFactory, points: list[tuple[float, float]]) -> None:
    path = squares(tmp_path_factory.mktemp("squares") / "c.csv", dict.fromkeys(points, 1.0))
    places = population_grid.read(path).places
    assert np.hypot(places["x"] - [x for x, _ in points], places["y"] - [y for _, y in points]).max() <= 142


def test_columns_in_capitals_and_semicolons(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("Idcar_200m;Men;Ind\nCRS3035RES200mN2029800E4252400;1;2.5\n")
    found = population_grid.read(path)
    assert found.places["amount"].tolist() == [2.5]
    assert found.places["listed"].isna().all()


def test_overseas_squares_are_counted(tmp_path: Path) -> None:
    path = squares(tmp_path / "c.csv", PEOPLE)
    frame = pd.read_csv(path)
    frame.loc[0, "idcar_200m"] = "CRS5490RES200mN1590000E691000"
    frame.to_csv(path, index=False)
    found = population_grid.read(path)
    assert (found.n_overseas, found.places["amount"].tolist()) == (1, [3.0])


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("idcar_200m", "200mN1E1", r"c\.csv, square 2: '200mN1E1' is not a name such as CRS3035"),
        ("ind", "-1", r"c\.csv, square 2: ind is '-1.0', expected people, 0 or more"),
        ("ind", None, r"c\.csv, square 2: ind is nan"),
    ],
)
def test_a_wrong_square_is_named(tmp_path: Path, column: str, value: object, said: str) -> None:
    path = squares(tmp_path / "c.csv", PEOPLE)
    frame = pd.read_csv(path)
    frame.loc[1, column] = value if column == "idcar_200m" or value is None else float(str(value))
    frame.to_csv(path, index=False)
    with pytest.raises(UserError, match=said):
        population_grid.read(path)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"c\.csv: no column idcar_200m, ind"):
        population_grid.read(path)
    with pytest.raises(UserError, match=r"no such file"):
        population_grid.read(tmp_path / "nothing.csv")
    (tmp_path / "c.gpkg").write_text("nonsense")
    with pytest.raises(UserError, match=r"c\.gpkg: cannot be read"):
        population_grid.read(tmp_path / "c.gpkg")
    with pytest.raises(UserError, match=r"\.xlsx suffix"):
        population_grid.read(tmp_path / "c.xlsx")
