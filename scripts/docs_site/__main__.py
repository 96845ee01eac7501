"""``python -m scripts.docs_site [OUT]``"""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.docs_site.build import build

if __name__ == "__main__":
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "build/site")
    print(f"{build(out) / 'index.html'}")
