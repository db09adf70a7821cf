#!/usr/bin/env python3
"""A terminal's screen (stdin, as `tmux capture-pane -e -p` gives it) as SVG (stdout)."""
import re
import sys
from html import escape

WIDTH, HEIGHT = 8.4, 17
COLOURS = {9: "#ff8f87", 10: "#8fd18b", 11: "#e8c66a", 12: "#87b7ff"}
TEXT, DIM, BACKGROUND = "#e6e6e6", "#8a8a8a", "#16181c"
# Quarters of a cell that block letters fill: left, top, width, height.
BLOCKS = {"█": (0, 0, 1, 1), "▀": (0, 0, 1, 0.5), "▄": (0, 0.5, 1, 0.5), "▌": (0, 0, 0.5, 1), "▐": (0.5, 0, 0.5, 1)}

lines = sys.stdin.read().rstrip("\n").split("\n")
columns = max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines)
width, height = (columns + 2) * WIDTH, (len(lines) + 1) * HEIGHT
out = [
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" font-family="monospace" font-size="14">',
    "<title>The screen of performer play</title>",
    f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
]
colour, bold, dim = None, False, False
for row, line in enumerate(lines):
    column = 0
    for piece in re.split(r"(\x1b\[[0-9;]*m)", line):
        if piece.startswith("\x1b"):
            codes = [int(code or 0) for code in piece[2:-1].split(";")]
            if codes[:2] == [38, 5]:
                colour = codes[2]
                continue
            for code in codes:
                if code == 0:
                    colour, bold, dim = None, False, False
                elif code == 39:
                    colour = None
                bold, dim = bold or code == 1, dim or code == 2
            continue
        fill = COLOURS.get(colour, DIM if dim else TEXT)
        for run in re.finditer(r"[^ █▀▄▌▐]+|[█▀▄▌▐]", piece):
            x, y = (column + run.start() + 1) * WIDTH, row * HEIGHT + HEIGHT / 2
            if run.group() in BLOCKS:
                left, top, across, down = BLOCKS[run.group()]
                out.append(
                    f'<rect x="{x + left * WIDTH:.1f}" y="{y + top * HEIGHT:.1f}" width="{across * WIDTH:.1f}" '
                    f'height="{down * HEIGHT:.1f}" fill="{fill}"/>'
                )
                continue
            weight = ' font-weight="bold"' if bold else ""
            length = len(run.group()) * WIDTH
            out.append(
                f'<text x="{x:.1f}" y="{y + 0.75 * HEIGHT:.1f}" fill="{fill}"{weight} textLength="{length:.1f}">'
                f"{escape(run.group())}</text>"
            )
        column += len(piece)
print("\n".join([*out, "</svg>"]))
