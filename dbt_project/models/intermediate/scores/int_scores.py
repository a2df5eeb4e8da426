"""Every score: territory × dataset × axis × context × score, in both modes (docs/methods/scores.md).

The method is that of the OECD/JRC handbook on composite indicators (2008), with the choices of indicators.md §5.2.
It is in numpy because a score is computed once per climate run: matrices of territories × contexts × runs.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

STEPS = 100  # per unit: scores are given to the hundredth; ranks are those of the scores as given
BOUNDS = (0.2, 0.4, 0.6, 0.8)  # of the classes: shares of the communes at the reference, or of the territories ranked
REFERENCE = 0  # its context_key
MIN_RANKED = 5  # a rank among fewer says nothing
DRAWS, SEED = 1000, 20261121  # draws of the pillars' weights, flat Dirichlet
CHUNK, BLOCK = 50, 2000  # draws and rows at a time, to stay in the cache
FLOOR = 1.0  # a pillar counts at least this in a geometric mean
TINY = 1e-9  # 0.4 + 0.2 is 0.6
TEXT = pa.dictionary(pa.int8(), pa.string())
PART = pa.struct(
    [
        ("pillar_id", TEXT), ("pillar_score", pa.float32()), ("part_id", TEXT), ("statistic", TEXT),
        ("value", pa.float64()), ("weight", pa.float64()), ("score", pa.float64()),
    ]
)  # fmt: skip


COLUMNS = pa.schema(
    [
        ("dataset_id", TEXT), ("axis", TEXT), ("score_id", TEXT), ("territory_key", pa.int32()),
        ("context_key", pa.uint8()), ("coverage", pa.float32()), ("n_runs", pa.int16()), ("parts", pa.list_(PART)),
        ("region_rank", pa.float32()), ("drawn_q05", pa.float32()), ("drawn_q95", pa.float32()),
        ("reason", pa.string()),
    ]
    + [
        (f"{mode}_{name}", kind)
        for mode in ("threshold", "rank")
        for name, kind in (
            ("score", pa.float32()), ("q05", pa.float32()), ("q50", pa.float32()), ("q95", pa.float32()),
            ("class", pa.int8()), ("class_confidence", pa.float32()), ("bounds", pa.list_(pa.float64(), 4)),
        )
    ]
)  # fmt: skip


def hundredths(values):
    """Rounded to the hundredth, halves up."""
    return np.floor(values * STEPS + 0.5) / STEPS


def sub_score(values, part):
    """0 to 100 between the goalposts of a part, clipped; NaN where the value is missing or the goalposts are one."""
    low, high = part["low"], part["high"]
    if low is None or high <= low:
        return np.full(values.shape, np.nan)
    share = (values - low) if part["direction"] == "up" else (high - values)
    return np.clip(100 * share / (high - low), 0, 100)


def combined(subs, parts):
    """Score, its pillars (NaN below the least share of weight) and its coverage, from the sub-scores of its parts."""
    shape = np.broadcast_shapes(*(sub.shape for sub in subs))
    pillars, logs, weights = {}, np.zeros(shape), np.zeros(shape)
    coverage, counted = np.zeros(shape), np.zeros(shape, dtype=np.int8)
    whole = 0.0
    for pillar in dict.fromkeys(part["pillar_id"] for part in parts):
        inside = [(part, sub) for part, sub in zip(parts, subs, strict=True) if part["pillar_id"] == pillar]
        first, total = inside[0][0], sum(part["weight"] for part, _ in inside)
        value, weight = np.zeros(shape), np.zeros(shape)
        for part, sub in inside:
            known = ~np.isnan(sub)
            value += np.where(known, sub, 0) * part["weight"]
            weight += known * part["weight"]
        coverage += first["pillar_weight"] * weight / total
        whole += first["pillar_weight"]
        enough = weight >= (first["min_pillar_weight"] - TINY) * total
        mean = np.divide(value, weight, out=np.full(shape, np.nan), where=enough & (weight > 0))
        pillars[pillar] = mean
        there = ~np.isnan(mean)
        counted += there
        weights += first["pillar_weight"] * there
        logs += first["pillar_weight"] * np.log(np.maximum(np.where(there, mean, 1), FLOOR))
    if len(pillars) == 1:
        score = mean
    else:
        enough = counted >= parts[0]["min_pillars"]
        score = np.exp(np.divide(logs, weights, out=np.full(shape, np.nan), where=enough & (weights > 0)))
    return hundredths(score), pillars, coverage / whole


def quantiles(runs):
    """5 %, 50 %, 95 % over the last axis (type 7), missing runs left out."""
    ordered, count = np.sort(runs, axis=-1), (~np.isnan(runs)).sum(axis=-1)
    found = []
    for share in (0.05, 0.5, 0.95):
        place = np.maximum(count - 1, 0) * share
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + 1, np.maximum(count - 1, 0))
        a, b = (np.take_along_axis(ordered, i[..., None], axis=-1)[..., 0] for i in (low, high))
        found.append(a + (place - low) * (b - a))
    return found


def percentile(scores):
    """Mean rank for ties, 0 to 100 ((rank − 0.5) / n), among those that have a score; NaN below MIN_RANKED of them."""
    found = np.full(scores.shape, np.nan)
    known = ~np.isnan(scores)
    if known.sum() < MIN_RANKED:
        return found
    steps = np.rint(scores[known] * STEPS).astype(np.int64)
    counts = np.bincount(steps, minlength=1)
    found[known] = (100 * (np.cumsum(counts) - counts / 2) / known.sum())[steps]
    return found


def ranked(scores, groups):
    """``percentile`` within each group of rows, column by column of the other axes."""
    flat = scores.reshape(len(scores), -1)
    found = np.full(flat.shape, np.nan)
    for rows in groups:
        for column in range(flat.shape[1]):
            found[rows, column] = percentile(flat[rows, column])
    return found.reshape(scores.shape)


def drawn_ranks(pillars, weights, min_pillars):
    """5 % and 95 % of the percentile under DRAWS draws of the pillars' weights; ``pillars``: rows × pillars."""
    draws = np.random.default_rng(SEED).dirichlet(np.ones(len(weights)), DRAWS).astype(np.float32)
    there = ~np.isnan(pillars)
    rows = np.flatnonzero(there.sum(axis=1) >= min_pillars)
    found = np.full((2, len(pillars)), np.nan)
    if len(rows) < MIN_RANKED:
        return found
    there = there[rows].T.astype(np.float32)
    logs = np.log(np.maximum(np.where(np.isnan(pillars[rows].T), 1, pillars[rows].T), FLOOR)).astype(np.float32)
    ranks = np.empty((DRAWS, len(rows)), dtype=np.uint16)  # in hundredths
    for start in range(0, DRAWS, CHUNK):
        chunk = draws[start : start + CHUNK]
        means = chunk @ logs if there.all() else (chunk @ logs) / (chunk @ there)
        for draw, steps in enumerate((np.exp(means) * STEPS + 0.5).astype(np.int32), start):
            counts = np.bincount(steps)
            ranks[draw] = (STEPS * 100 * (np.cumsum(counts) - counts / 2) / len(rows)).astype(np.uint16)[steps]
    shares = (0.05, 0.95)
    around = sorted({int(share * (DRAWS - 1)) + i for share in shares for i in (0, 1)})
    for first in range(0, len(rows), BLOCK):
        block = np.partition(np.ascontiguousarray(ranks[:, first : first + BLOCK].T), around, axis=1)
        for i, share in enumerate(shares):
            place = share * (DRAWS - 1)
            low = block[:, int(place)].astype(np.float64)
            found[i, rows[first : first + BLOCK]] = (low + (place % 1) * (block[:, int(place) + 1] - low)) / STEPS
    return found


def classes(scores, bounds, better):
    """1 (least exposed) to 5 (most): how many bounds a score is beyond."""
    beyond = [(scores < bound) if better else (scores > bound) for bound in bounds]
    return np.where(np.isnan(scores), 0, 1 + np.sum(beyond, axis=0)).astype(np.int8)


def nested(parts, values, subs, pillars, shape):
    """The parts of every row as an Arrow list of structs."""
    n, width = int(np.prod(shape)), len(parts)

    def column(arrays):
        return np.stack([np.broadcast_to(array, shape).reshape(-1) for array in arrays], axis=1).reshape(-1)

    def text(name):
        texts = pa.array([part[name] for part in parts])
        return pa.DictionaryArray.from_arrays(np.tile(np.arange(width, dtype=np.int8), n), texts)

    fields = [
        text("pillar_id"),
        pa.array(column([pillars[part["pillar_id"]] for part in parts]), pa.float32(), from_pandas=True),
        text("part_id"),
        text("statistic"),
        pa.array(column(values), pa.float64(), from_pandas=True),
        pa.array(np.tile([float(part["weight"]) for part in parts], n)),
        pa.array(column(subs), pa.float64(), from_pandas=True),
    ]
    offsets = pa.array(np.arange(0, n * width + 1, width, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(fields, fields=list(PART)))


def constant(text, n):
    """A column that says the same on every row."""
    return pa.DictionaryArray.from_arrays(np.zeros(n, dtype=np.int8), pa.array([text]))


def number(array, kind):
    """A column of numbers; NaN becomes NULL."""
    return pa.array(np.ascontiguousarray(array).reshape(-1), kind, from_pandas=True)


def rows(name, parts, places, contexts, inputs):
    """The rows of one score (dataset, axis, score) as an Arrow table, both modes side by side.

    ``inputs``: by part, the values (territories × contexts) and those of the runs (× runs), None where it has none.
    """
    shape, better = (len(places["territory_key"]), len(contexts)), parts[0]["high_is"] == "better"
    values, votes = [value for value, _ in inputs], [vote for _, vote in inputs]
    subs = [sub_score(value, part) for value, part in zip(values, parts, strict=True)]
    score, pillars, coverage = combined(subs, parts)
    score, coverage = np.broadcast_to(score, shape), np.broadcast_to(coverage, shape)
    runs = None
    if any(vote is not None for vote in votes):
        each = zip(votes, values, parts, strict=True)
        of_runs = [sub_score(value[..., None] if vote is None else vote, part) for vote, value, part in each]
        runs = np.where(np.isnan(score)[..., None], np.nan, combined(of_runs, parts)[0])
    pooled_kind = next(part["pooled_kind"] for part in parts if part["pooled_kind"])
    communes = np.flatnonzero(places["kind"] == pooled_kind)
    kinds = [np.flatnonzero(places["kind"] == kind) for kind in np.unique(places["kind"])]
    regions = [
        np.flatnonzero((places["region_id"] == region) & (places["kind"] == "commune"))
        for region in np.unique(places["region_id"])
        if region
    ]
    at_reference = score[communes][:, np.array(contexts) == REFERENCE]
    known = at_reference[~np.isnan(at_reference)]
    bounds = np.quantile(known, BOUNDS) if len(known) else np.full(4, np.nan)
    if better:
        bounds = bounds[::-1]
    drawn = np.full((2, *shape), np.nan)
    if len(pillars) > 1:
        matrix = np.stack([np.broadcast_to(pillar, shape) for pillar in pillars.values()], axis=-1)
        for context in range(shape[1]):
            of_communes = matrix[communes, context]
            drawn[:, communes, context] = drawn_ranks(of_communes, list(pillars), parts[0]["min_pillars"])
    ranks = 100 * np.array(BOUNDS)
    modes = {
        "threshold": (score, runs, bounds),
        "rank": (ranked(score, kinds), None if runs is None else ranked(runs, kinds), ranks[::-1] if better else ranks),
    }
    reason = np.where(coverage == 0, "missing_parts", "low_coverage" if len(pillars) == 1 else "missing_pillars")
    reason = np.where(np.isnan(score), reason, "")
    n = score.size
    table = {
        **{column: constant(value, n) for column, value in zip(("dataset_id", "axis", "score_id"), name, strict=True)},
        "territory_key": number(np.broadcast_to(places["territory_key"][:, None], shape), pa.int32()),
        "context_key": number(np.broadcast_to(np.array(contexts)[None, :], shape), pa.uint8()),
        "coverage": number(coverage, pa.float32()),
        "parts": nested(parts, values, subs, pillars, shape),
        "n_runs": number(np.zeros(shape) if runs is None else (~np.isnan(runs)).sum(axis=-1), pa.int16()),
        "region_rank": number(ranked(score, regions), pa.float32()),
        "drawn_q05": number(drawn[0], pa.float32()),
        "drawn_q95": number(drawn[1], pa.float32()),
        "reason": pa.array(reason.reshape(-1), pa.string(), mask=reason.reshape(-1) == ""),
    }
    for mode, (value, of_runs, limits) in modes.items():
        class_ = classes(value, limits, better)
        spread, confidence = [np.full(shape, np.nan)] * 3, np.full(shape, np.nan)
        if of_runs is not None:
            spread, n_runs = quantiles(of_runs), (~np.isnan(of_runs)).sum(axis=-1)
            same = (classes(of_runs, limits, better) == class_[..., None]) & ~np.isnan(of_runs)
            np.divide(same.sum(axis=-1), n_runs, out=confidence, where=(n_runs > 0) & ~np.isnan(value))
        table |= {
            f"{mode}_score": number(value, pa.float32()),
            f"{mode}_q05": number(spread[0], pa.float32()),
            f"{mode}_q50": number(spread[1], pa.float32()),
            f"{mode}_q95": number(spread[2], pa.float32()),
            f"{mode}_class": pa.array(class_.reshape(-1), pa.int8(), mask=class_.reshape(-1) == 0),
            f"{mode}_class_confidence": number(confidence, pa.float32()),
            f"{mode}_bounds": pa.FixedSizeListArray.from_arrays(pa.array(np.tile(limits, n), from_pandas=True), 4),
        }
    return pa.Table.from_pydict({column: table[column] for column in COLUMNS.names}, schema=COLUMNS)


def matrices(table, places):
    """Contexts of one dataset, and by part (id, statistic) its values and those of its runs; rows as in ``places``."""
    row = np.searchsorted(places["territory_key"], table["territory_key"].to_numpy())
    contexts, column = np.unique(table["context_key"].to_numpy(), return_inverse=True)
    shape = (len(places["territory_key"]), len(contexts))
    names = pc.binary_join_element_wise(table["part_id"], table["statistic"], ":").combine_chunks().dictionary_encode()
    value = table["value"].to_numpy()
    votes = table["votes"].combine_chunks()
    n_runs = len(votes) and len(votes[0])
    votes = votes.flatten().to_numpy(zero_copy_only=False).reshape(len(table), n_runs)
    found = {}
    for code, name in enumerate(names.dictionary.to_pylist()):
        of = names.indices.to_numpy() == code
        values, runs = np.full(shape, np.nan), np.full((*shape, n_runs), np.nan, dtype=np.float32)
        values[row[of], column[of]] = value[of]
        runs[row[of], column[of]] = votes[of]
        found[tuple(name.split(":"))] = (values, runs)
    return [int(context) for context in contexts], found


def model(dbt, session):
    """The table int_scores: one row per territory, dataset, axis, context and score."""
    dbt.config(materialized="table")
    bins = dbt.ref("int_score_bins").order("dataset_id, axis, score_id, pillar_id, part_id, statistic")
    bins = bins.to_arrow_table().to_pylist()
    axes = dict(dbt.ref("int_contexts").project("context_key, axis").fetchall())
    values = dbt.ref("int_score_values").to_arrow_table()
    all_places = dbt.ref("int_score_places").order("territory_key").to_arrow_table()
    given = dbt.ref("int_score_measures").to_arrow_table()
    found = []
    for dataset_id in sorted({part["dataset_id"] for part in bins}):
        places = all_places.filter(pc.equal(all_places["dataset_id"], dataset_id))
        places = {
            "territory_key": places["territory_key"].to_numpy(),
            "kind": np.array(places["kind"].to_pylist()),
            "region_id": np.array([region or "" for region in places["region_id"].to_pylist()]),
        }
        contexts, indicators = matrices(values.filter(pc.equal(values["dataset_id"], dataset_id)), places)
        measures = {}
        for part_id in given["part_id"].unique().to_pylist():
            of = given.filter(pc.equal(given["part_id"], part_id))
            known = dict(zip(of["territory_key"].to_pylist(), of["value"].to_pylist(), strict=True))
            column = np.array([known.get(key, np.nan) for key in places["territory_key"].tolist()])
            measures[part_id] = column[:, None]
        names = dict.fromkeys((part["axis"], part["score_id"]) for part in bins if part["dataset_id"] == dataset_id)
        for axis, score_id in names:
            parts = [p for p in bins if (p["dataset_id"], p["axis"], p["score_id"]) == (dataset_id, axis, score_id)]
            columns = [i for i, context in enumerate(contexts) if axes[context] in ("reference", axis)]
            inputs = []
            for part in parts:
                if part["kind"] == "measure":
                    inputs.append((measures.get(part["part_id"], np.full((len(places["kind"]), 1), np.nan)), None))
                elif (part["part_id"], part["statistic"]) in indicators:
                    value, votes = indicators[part["part_id"], part["statistic"]]
                    inputs.append((value[:, columns], votes[:, columns]))
                else:
                    inputs.append((np.full((len(places["kind"]), len(columns)), np.nan), None))
            found.append(rows((dataset_id, axis, score_id), parts, places, [contexts[i] for i in columns], inputs))
    return pa.concat_tables(found) if found else COLUMNS.empty_table()
