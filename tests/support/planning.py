"""A plan without a run: where there are no results, and the shipped components of variance."""

from pathlib import Path

from project import ROOT
from selfalign.runs import Run

NEAR = 0.2
NOWHERE = Path("no results")
NO_RUN = Run(NOWHERE / "none")
SHIPPED = ROOT / "resources/plan/variances.csv"
