"""The comparison as one HTML page that needs no network and no other file.

Names and labels come from files that somebody else may have written, so Jinja escapes all of them, and the page's
content security policy lets no script run but the one that is written here.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gan_lightning.compare.comparison import Comparison
from gan_lightning.compare.formatting import described, kimg, number, readable_time, with_spread
from gan_lightning.compare.page.chart import chart
from gan_lightning.compare.page.origins import common_folder, origins
from gan_lightning.compare.page.strips import samples
from gan_lightning.compare.page.verdict import verdict
from gan_lightning.compare.runs import Illness
from gan_lightning.compare.text import CONFIDENCE, fair_head, headline, probability, ranks

ASSETS = Path(__file__).with_name("assets")
COLOURS = 10
"""Number of colours in the style sheet; further recipes get the same colours again, with dashed lines."""
SIZES = {"wide": (960, 420), "narrow": (350, 300)}
"""Width and height of the chart for a screen and for a phone.

There are two charts because the text of a drawing shrinks with the drawing.
"""


def page(comparison: Comparison) -> str:
    """The whole page as HTML; the template decides what is on it."""
    home = common_folder(comparison)
    return (
        environment()
        .get_template("page.html.jinja")
        .render(
            c=comparison,
            title=f"{comparison.wish.metric} of {len(comparison.rows)} recipe{'s' if len(comparison.rows) > 1 else ''}",
            headline=headline(comparison),
            fair_head=fair_head(comparison),
            verdict=verdict(comparison),
            confidence=CONFIDENCE,
            charts={name: chart(comparison, *size) for name, size in SIZES.items()},
            samples=samples(comparison.rows),
            illnesses=_illnesses(comparison),
            origins=origins(comparison),
            home=home,
            written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            colours=COLOURS,
            **inlined(),
        )
    )


def environment() -> Environment:
    """The environment of the templates, in which everything that is filled in is escaped."""
    made = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"kimg": kimg, "duration": readable_time, "number": number, "described": described}
    made.globals |= {"with_spread": with_spread, "probability": probability, "ranks": ranks, "dots": _dots}
    return made


def inlined() -> dict[str, str]:
    """The script and the style sheet of a page, each with the hash by which the page's policy admits it."""
    script, style = ((ASSETS / name).read_text(encoding="utf-8") for name in ("page.js", "page.css"))
    return {
        "script": Markup(script),  # not escaped, because it is a file of this package, as the style sheet is
        "style": Markup(style),
        "script_hash": _hash(script),
        "style_hash": _hash(style),
    }


def _illnesses(comparison: Comparison) -> list[tuple[str, Illness]]:
    """What was found in each run that has a row or was left out, with the run's recipe and seed."""
    runs = [(f"{row.name}, seed {run.seed}", run) for row in comparison.rows for run in row.runs]
    runs += [(left.label, left.run) for left in comparison.left_out]
    return [(label, found) for label, run in runs for found in run.illnesses]


def _hash(text: str) -> str:
    """The hash by which a content security policy admits a script or a style: of the text between the two tags."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _dots(comparison: Comparison, place: int) -> list[float]:
    """The value of each seed of one row on a scale from the lowest (0) to the highest (1) value of all rows."""
    everything = [value for row in comparison.rows for value in row.fair.values]
    low, span = min(everything), (max(everything) - min(everything)) or 1.0
    return [round((value - low) / span, 4) for value in comparison.rows[place].fair.values]
