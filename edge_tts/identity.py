"""Are these really our files? The distribution `edge-tts` on PyPI is an unrelated online client, but it installs a
package of the same import name.

pip lets two distributions write into one folder: the last one wins file by file, and removing either removes files
that the other needs. Three traces are looked for: our `__init__` was replaced, files that only the other one has lie
beside ours, and the other one's record claims our `__init__`. This module's name is one that the other distribution
does not have, so it survives the mix; it needs the standard library only.

Every console command calls `problem()` before it imports anything else of ours.
"""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterable
from pathlib import Path

__all__ = ["FOREIGN_DISTRIBUTION", "diagnose", "problem"]

FOREIGN_DISTRIBUTION = "edge-tts"
OUR_DISTRIBUTION = "edge-tts-jetson"
# Modules that edge-tts 3 to 7 installs and that we never will.
FOREIGN_MODULES = ("communicate.py", "drm.py", "submaker.py", "list_voices.py", "srt_composer.py")

_REMEDY = (
    f"run: pip uninstall -y {FOREIGN_DISTRIBUTION} && pip install --force-reinstall --no-deps {OUR_DISTRIBUTION} "
    "(from a checkout: pip install --force-reinstall --no-deps .)"
)


def diagnose(marker: str | None, beside: Iterable[str], claimed: bool) -> str | None:
    """Says in one line what is wrong with this installation, or None.

    `marker` is what `edge_tts.DISTRIBUTION` says (None when there is none), `beside` the names of the files in the
    package's folder, `claimed` whether the foreign distribution's record owns our `__init__.py`.
    """
    mixed = sorted(set(beside) & set(FOREIGN_MODULES))
    if marker != OUR_DISTRIBUTION:
        what = f"edge_tts/__init__.py is not {OUR_DISTRIBUTION}'s: another package has replaced or removed it"
    elif mixed:
        what = f"the unrelated package {FOREIGN_DISTRIBUTION} is mixed into ours (edge_tts/{mixed[0]})"
    elif claimed:
        what = f"the unrelated package {FOREIGN_DISTRIBUTION} is installed over ours"
    else:
        return None
    return f"{what}; {_REMEDY}"


def problem() -> str | None:
    """Looks at the running installation; returns one line that says what to do, or None when all is well."""
    here = Path(__file__).resolve().parent
    marker = getattr(sys.modules.get(__package__ or "edge_tts"), "DISTRIBUTION", None)
    return diagnose(marker, (entry.name for entry in here.iterdir()), _claims(here / "__init__.py"))


def _claims(init: Path) -> bool:
    """Whether the foreign distribution's record lists exactly this file."""
    try:
        foreign = importlib.metadata.distribution(FOREIGN_DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return False
    owned = (foreign.locate_file(file) for file in foreign.files or ())
    return any(Path(str(path)).resolve() == init for path in owned)
