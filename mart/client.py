"""``from climart import Mart``: a release for modellers, read-only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from climart.errors import UserError
from mart import join as joining
from mart import release

_PROVENANCE = """
select
    value.dataset_id, run.simulation_id, file.name as file, coalesce(file.url, dataset.homepage) as address,
    coalesce(file.fetched_at::varchar, file.extracted_at) as fetched, file.sha256, file.licence, dataset.citation,
    build.code_commit
from fct_indicator as value
join dim_dataset as dataset using (dataset_id)
join dim_simulation as run using (dataset_id)
join dim_simulation_file as read using (simulation_id)
join dim_source_file as file using (source_file_id)
cross join dim_build as build
where value.territory_id = $territory and value.indicator_id = $indicator and value.context_id = $context
    and value.weighting = 'area' and ($dataset is null or value.dataset_id = $dataset)
order by value.dataset_id, run.run_position, file.name
"""


class Mart:
    """An opened release: the folder is resolved once, so a later release does not change what it reads.

    Use it as a context manager, or let it go with the program. Raises UserError where there is no such release.
    """

    def __init__(self, path: Path | str = "stable") -> None:
        self.folder = release.found(str(path))
        self.about = release.describe(self.folder)
        self.connection = duckdb.connect(str(self.folder / "climart.duckdb"), read_only=True)

    def __enter__(self) -> Mart:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    @property
    def version(self) -> str:
        """The release's version."""
        return str(self.about["version"])

    @property
    def tables(self) -> list[str]:
        """The names of the tables."""
        return sorted(self.about["row_counts"])

    def table(self, name: str) -> duckdb.DuckDBPyRelation:
        """A table as a DuckDB relation: filter, aggregate or join it before ``.df()`` or ``.to_arrow_table()``."""
        return self.connection.table(self._known(name))

    def df(self, name: str) -> pd.DataFrame:
        """A whole table as a pandas DataFrame."""
        found: pd.DataFrame = self.table(name).df()
        return found

    def arrow(self, name: str) -> pa.Table:
        """A whole table as an Arrow table."""
        return self.table(name).to_arrow_table()

    def sql(self, query: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> pd.DataFrame:
        """The rows of a query."""
        found: pd.DataFrame = self.connection.cursor().execute(query, parameters).df()
        return found

    def indicator(
        self, indicator: str, context: str | None = None, kind: str = "commune", dataset: str | None = None
    ) -> pd.DataFrame:
        """An indicator in every territory of a kind: values, interval, change, runs, reason. One row per territory,
        context and dataset; all of these where they are not named."""
        self._one_of("dim_indicator", "indicator_id", indicator)
        return self.sql(
            """
            select t.code, t.name, f.* from fct_indicator as f inner join dim_territory as t using (territory_id)
            where f.indicator_id = $indicator and t.kind = $kind and f.weighting = 'area'
                and ($context is null or f.context_id = $context) and ($dataset is null or f.dataset_id = $dataset)
            order by t.code, f.dataset_id, f.context_id
            """,
            {"indicator": indicator, "kind": kind, "context": context, "dataset": dataset},
        )

    def territory(self, territory: str, dataset: str | None = None) -> pd.DataFrame:
        """All of a territory, such as ``commune:73065``: one row per indicator, context, dataset and weighting."""
        self._one_of("dim_territory", "territory_id", territory)
        return self.sql(
            """
            select i.label_fr, i.label_en, i.unit, f.* from fct_indicator as f
            inner join dim_indicator as i using (indicator_id) inner join dim_context as c using (context_id)
            where f.territory_id = $territory and ($dataset is null or f.dataset_id = $dataset)
            order by f.indicator_id, f.dataset_id, f.weighting, c.position
            """,
            {"territory": territory, "dataset": dataset},
        )

    def provenance(self, territory: str, indicator: str, context: str, dataset: str | None = None) -> pd.DataFrame:
        """The files behind a value: one row per dataset, run and file, with address, date, sha256 and code commit."""
        names = {"territory": territory, "indicator": indicator, "context": context, "dataset": dataset}
        return self.sql(_PROVENANCE, names)

    def join(self, portfolio: Path | str | Any, on: str | Sequence[str], **options: Any) -> joining.Joined:
        """``climart.join`` with this release."""
        return joining.join(portfolio, on, release_path=self.folder, **options)

    def _known(self, name: str) -> str:
        if name not in self.tables:
            raise UserError(f"no table {name!r}. There are {', '.join(self.tables)}.")
        return name

    def _one_of(self, table: str, column: str, name: str) -> None:
        known = self.table(table).filter(duckdb.ColumnExpression(column) == duckdb.ConstantExpression(name))
        if not known.fetchall():
            raise UserError(f"no {name!r} in {table}.{column} of release {self.version}.")
