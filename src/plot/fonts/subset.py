#!/usr/bin/env python3
"""Makes Inter-Regular.otf and Inter-SemiBold.otf from the full fonts, and prints the widths that `font.rs` holds.

Needs fonttools. Usage: subset.py FOLDER_OF_FULL_OTF_FILES
"""

import pathlib
import sys

from fontTools import subset
from fontTools.ttLib import TTFont

HERE = pathlib.Path(__file__).parent
CHARACTERS = (
    "0020-007E 00A0-017F 0218-021B 0391-03A9 03B1-03C9 0400-045F 2009 202F 2010-2015 2018-201E 2020-2022 2026 2030 "
    "2032-2033 2070-2079 207A-207E 2080-2089 20AC 2190-2193 2212 2215 221A 221E 2248 2260 2264-2265 25A0-25CF 2605 2713 2717"
)

for weight in ("Regular", "SemiBold"):
    made = HERE / f"Inter-{weight}.otf"
    subset.main(
        [
            str(pathlib.Path(sys.argv[1]) / f"Inter-{weight}.otf"),
            "--unicodes=" + ",".join(f"U+{span}" for span in CHARACTERS.split()),
            "--layout-features=kern,mark,mkmk,ccmp",
            "--desubroutinize",
            "--no-hinting",
            "--name-IDs=*",
            f"--output-file={made}",
        ]
    )
    font = TTFont(made)
    glyphs, em = font.getBestCmap(), font["head"].unitsPerEm
    widths = [round(font["hmtx"][glyphs[code]][0] * 1000 / em) for code in range(0x20, 0x7F)]
    print(weight, widths)
