"""Published figures that results are checked against, where they are at hand; they do not ship with the project."""

import pytest
from places import ROOT

FACTS = ROOT.parent / "shared" / "data"
needs_facts = pytest.mark.skipif(not FACTS.is_dir(), reason="the published figures to check against are not here")
