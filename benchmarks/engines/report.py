"""From the measurements to a table, a figure and a line of JSON."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from selfalign.figures.theme import INK, MUTED, PALETTE, apply_theme, save

from engines.workloads import WORKLOADS

LABELS = {"ours": "selfalign", "lm_eval": "lm-evaluation-harness", "padded": "padded batches"}
COLOURS = {"ours": PALETTE[0], "lm_eval": PALETTE[2], "padded": MUTED}
COLUMNS = ["model", "workload", "readout", "contender", "batch", "prompts/s", "slowest-fastest", "x lm-eval"]
COLUMNS += ["of the limit", "peak, GB", "delta"]
CASE = ["model", "workload", "readout"]


def tabulate(measured: pd.DataFrame) -> pd.DataFrame:
    """One row per case and contender, from one row per repeat.

    Args:
        measured: columns model, workload, readout, contender, prompts, tokens (distinct), batch, limit (seconds for
            the distinct tokens at the rate of matmul in that repeat), seconds, peak_gb, delta.

    Returns:
        Seconds and prompts per second (median, slowest and fastest repeat), times lm-eval's, fraction of the limit,
        peak memory, largest difference (nats) from the naive engine.
    """
    groups = measured.groupby([*CASE, "contender"], sort=False)
    table = groups[["prompts", "tokens", "batch"]].first().join(groups[["peak_gb", "delta"]].max())
    seconds = groups["seconds"]
    table["repeats"], table["seconds"] = seconds.size(), seconds.median()
    rates = {"prompts_per_second": seconds.median(), "slowest": seconds.max(), "fastest": seconds.min()}
    for name, taken in rates.items():
        table[name] = table["prompts"] / taken
    table["limit_seconds"] = measured.groupby(CASE)["limit"].median().reindex(table.index.droplevel("contender")).values
    table["of_limit"] = table["limit_seconds"] / table["seconds"]
    table = table.reset_index()
    harness = table[table["contender"] == "lm_eval"].set_index(CASE)["seconds"]
    table["times_lm_eval"] = harness.reindex(pd.MultiIndex.from_frame(table[CASE])).to_numpy() / table["seconds"]
    return table


REPLY_COLUMNS = ["model", "workload", "contender", "batch", "prompts/s", "slowest-fastest", "new tokens/s"]
REPLY_COLUMNS += ["x generate", "peak, GB", "same replies"]
REPLY_LABELS = {"replies": "selfalign", "generate": "generate, left-padded"}


def tabulate_replies(measured: pd.DataFrame) -> pd.DataFrame:
    """One row per workload and contender, from one row per repeat.

    Args:
        measured: columns model, workload, contender, prompts, tokens (of the replies), batch, seconds, peak_gb, same
            (share of prompts to which all contenders give the same reply).

    Returns:
        Prompts per second (median, slowest and fastest repeat), tokens of replies per second, times the prompts per
        second of `generate`, peak memory, share of the same replies.
    """
    keys = ["model", "workload"]
    groups = measured.groupby([*keys, "contender"], sort=False)
    table = groups[["prompts", "tokens", "batch", "same"]].first().join(groups["peak_gb"].max())
    seconds = groups["seconds"]
    for name, taken in {
        "prompts_per_second": seconds.median(),
        "slowest": seconds.max(),
        "fastest": seconds.min(),
    }.items():
        table[name] = table["prompts"] / taken
    table["tokens_per_second"] = table["tokens"] / seconds.median()
    table = table.reset_index()
    plain = table[table["contender"] == "generate"].set_index(keys)["prompts_per_second"]
    table["times_generate"] = (
        table["prompts_per_second"] / plain.reindex(pd.MultiIndex.from_frame(table[keys])).to_numpy()
    )
    return table


def write_replies(measured: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Write the repeats and the table of replies into a folder; return the table."""
    folder.mkdir(parents=True, exist_ok=True)
    table = tabulate_replies(measured)
    measured.to_csv(folder / "reply_repeats.csv", index=False)
    table.to_csv(folder / "replies.csv", index=False)
    (folder / "replies.md").write_text(write_reply_markdown(table), encoding="utf-8")
    return table


def write_reply_markdown(table: pd.DataFrame) -> str:
    """The table of replies as Markdown."""
    lines = [f"| {' | '.join(REPLY_COLUMNS)} |", "|---" * len(REPLY_COLUMNS) + "|"]
    for row in table.itertuples():
        batch = "" if row.contender == "replies" else row.batch
        lines.append(
            f"| {row.model} | {row.workload} | {REPLY_LABELS[row.contender]} | {batch} | {row.prompts_per_second:.3g} "
            f"| {row.slowest:.3g}-{row.fastest:.3g} | {row.tokens_per_second:.3g} | {row.times_generate:.1f} "
            f"| {row.peak_gb:.2f} | {row.same:.1%} |"
        )
    return "\n".join(lines) + "\n"


def summarise_replies(table: pd.DataFrame) -> dict[str, object]:
    """The ratio of our speed to that of `generate`, by workload, of the first model; and the share of same replies."""
    ours = table[(table["contender"] == "replies") & (table["model"] == table["model"].iloc[0])]
    ratio = ours.set_index("workload")["times_generate"].round(2).to_dict()
    return {"reply_ratio": ratio, "same_replies": round(float(table["same"].min()), 4)}


def summarise(table: pd.DataFrame) -> dict[str, object]:
    """The figures that the bars are set for.

    lm_eval_ratio: of the first model, both readouts together; limit_fraction: of each model, all its cases together;
    max_abs_delta: of all prompts compared with the naive engine.
    """
    first = table[table["model"] == table["model"].iloc[0]]
    totals = first.groupby(["workload", "contender"])["seconds"].sum().unstack()
    ours = table[table["contender"] == "ours"]
    fractions = ours.groupby("model", sort=False)[["limit_seconds", "seconds"]].sum()
    ratio = totals["lm_eval"] / totals["ours"] if "lm_eval" in totals else pd.Series(dtype=float)
    return {
        "lm_eval_ratio": {name: round(float(ratio[name]), 2) for name in WORKLOADS if name in ratio},
        "limit_fraction": (fractions["limit_seconds"] / fractions["seconds"]).round(3).to_dict(),
        "max_abs_delta": float(f"{ours['delta'].max():.3g}"),
    }


def write_markdown(table: pd.DataFrame) -> str:
    """The table as Markdown."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for row in table.itertuples():
        rate = f"{row.prompts_per_second:.3g} | {row.slowest:.3g}-{row.fastest:.3g}"
        times = "" if np.isnan(row.times_lm_eval) else f"{row.times_lm_eval:.1f}"
        batch = "" if row.contender == "ours" else row.batch
        lines.append(
            f"| {row.model} | {row.workload} | {row.readout} | {LABELS[row.contender]} | {batch} | {rate} | {times} "
            f"| {row.of_limit:.0%} | {row.peak_gb:.2f} | {row.delta:.0e} |"
        )
    return "\n".join(lines) + "\n"


def draw(table: pd.DataFrame) -> Figure:
    """A panel per model: prompts per second of every contender in every case, and the limit."""
    models = list(dict.fromkeys(table["model"]))
    figure = Figure(figsize=(9, 0.9 + 2.1 * len(models)), layout="constrained")
    panels = figure.subplots(len(models), sharex=True, squeeze=False)[:, 0]
    for ax, model in zip(panels, models, strict=True):
        shown = table[table["model"] == model]
        cases = list(dict.fromkeys(shown[["workload", "readout"]].itertuples(index=False, name=None)))
        places = {case: place for place, case in enumerate(cases)}
        for row in shown.itertuples():
            place, colour = places[row.workload, row.readout], COLOURS[row.contender]
            ax.hlines(place, row.slowest, row.fastest, color=colour, linewidth=1.6, alpha=0.6)
            ax.plot(row.prompts_per_second, place, "o", ms=5, color=colour)
            ax.plot(row.prompts / row.limit_seconds, place, "|", ms=11, color=INK)
        ax.set_yticks(range(len(cases)), [f"{workload.replace('_', ' ')}, {readout}" for workload, readout in cases])
        ax.set_ylim(len(cases) - 0.5, -0.5)
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_title(model)
    panels[-1].set_xlabel("prompts per second (log scale)")
    handles = [
        Line2D([], [], marker="o", ls="", ms=5, color=COLOURS[name], label=LABELS[name])
        for name in LABELS
        if name in set(table["contender"])
    ]
    handles.append(Line2D([], [], marker="|", ls="", ms=11, color=INK, label="limit (matmul rate)"))
    figure.legend(handles=handles, loc="outside upper right", frameon=False, ncols=len(handles))
    return figure


def write(measured: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Write the repeats, the table and the figure into a folder; return the table."""
    folder.mkdir(parents=True, exist_ok=True)
    table = tabulate(measured)
    measured.to_csv(folder / "repeats.csv", index=False)
    table.to_csv(folder / "performance.csv", index=False)
    (folder / "performance.md").write_text(write_markdown(table), encoding="utf-8")
    apply_theme()
    save(draw(table), folder / "performance.png")
    return table
