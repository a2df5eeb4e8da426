// What a hover says of one territory. The same words and roundings as app/formats.py and app/sentences.py: a browser
// test holds the two together.

const NARROW_SPACE = "\u202f";
const NO_BREAK_SPACE = "\u00a0";
const MINUS = "\u2212";

function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function number(value, decimals, lang, signed) {
  const [whole, part] = Math.abs(value).toFixed(decimals).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, lang === "fr" ? NARROW_SPACE : ",");
  const body = part ? grouped + (lang === "fr" ? "," : ".") + part : grouped;
  const isZero = !/[1-9]/.test(body);
  return (isZero ? "" : value < 0 ? MINUS : signed ? "+" : "") + body;
}

function rounded(value, unit, decimals) {
  const step = unit === "mm" && Math.abs(value) >= 100 ? 10 : 10 ** -decimals;
  const steps = Math.floor(Math.abs(value) / step + 0.5 + 1e-9);
  return (value >= 0 ? steps : -steps) * step;
}

// A day counted from the pane's first date, which is day 1.
function dayOfYear(value, pane, words) {
  const day = new Date(Date.parse(pane.dateStart) + (Math.floor(value + 0.5) - 1) * 86400000);
  const month = words.months[day.getUTCMonth()];
  return fill(day.getUTCDate() === 1 ? words.dateFirst : words.dateOther, { day: day.getUTCDate(), month });
}

function bare(value, pane, measure, words) {
  if (pane.dateStart && measure === "level") return dayOfYear(value, pane, words);
  const shown = rounded(value, pane.unit, pane.decimals);
  if (measure === "level" && shown === 0 && value > 0) {
    return "<" + NO_BREAK_SPACE + number(10 ** -pane.decimals, pane.decimals, words.lang, false);
  }
  return number(shown, pane.decimals, words.lang, measure === "change");
}

function quantity(value, pane, measure, words) {
  const size = Math.abs(rounded(value, pane.unit, pane.decimals));
  const single = words.lang === "fr" ? size < 2 : size === 1;
  const unit = pane.units[(measure === "change" ? "change" : "level") + (single ? "_one" : "")];
  return unit ? bare(value, pane, measure, words) + NO_BREAK_SPACE + unit : bare(value, pane, measure, words);
}

function between(low, high, pane, measure, words) {
  const template = pane.dateStart && measure === "level" ? words.betweenDates : words.between;
  return fill(template, { low: bare(low, pane, measure, words), high: bare(high, pane, measure, words) });
}

function simulations(count, words) {
  return fill(count === 1 ? words.simulation : words.simulations, { count });
}

export function diverges(values, place, least) {
  return values.runs[place] > 1 && values.agreement[place] < least;
}

function reasonOf(values, place, words) {
  const code = values.header.reasons[values.reason[place] - 1];
  return words.reasons[code] ?? code;
}

// The lines under a territory's name. `values` holds one array per column, `place` is the territory's row.
export function said(values, place, pane, words) {
  const limits = words.limits.filter((_, bit) => values.limits[place] & (1 << bit));
  if (values.reason[place]) return [reasonOf(values, place, words), ...limits];
  if (pane.measure === "class") return [pane.categories[values.category[place]], ...limits];
  if (pane.measure === "amount") return [quantity(values.q50[place], pane, "level", words)];
  if (pane.measure === "difference") return [quantity(values.delta_q50[place], pane, "change", words), ...limits];
  const runs = values.runs[place];
  let level = quantity(values.q50[place], pane, "level", words);
  if (runs > 1) level += ", " + between(values.q05[place], values.q95[place], pane, "level", words);
  level += ` (${simulations(runs, words)})`;
  const lines = [level];
  if (!Number.isNaN(values.delta_q50[place])) {
    let change = fill(words.change, { change: quantity(values.delta_q50[place], pane, "change", words) });
    if (runs > 1) change += ", " + between(values.delta_q05[place], values.delta_q95[place], pane, "change", words);
    lines.push(change);
    if (pane.measure === "change") lines.reverse();
    lines.push(fill(words.reference, { value: quantity(values.ref_q50[place], pane, "level", words) }));
    if (runs > 1 && !Number.isNaN(values.agreement[place])) {
      const count = Math.round(values.agreement[place] * runs);
      const way = pane.dateStart ? "date" : "amount";
      const direction = words[way + (values.delta_q50[place] > 0 ? "Up" : "Down")];
      lines.push(fill(words.agreement, { count, runs, direction }));
    }
    if (diverges(values, place, words.agreementMin)) lines.push(words.diverge);
  }
  return [...lines, ...limits];
}
