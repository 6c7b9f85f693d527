"""The terminal's edge: whatever text there is, only this program and rich move the cursor."""

import ast
import io
import json
import re
import unicodedata
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from rich.live import Live
from rich.table import Table
from rich.text import Text

import assetline_cli
from assetline_cli.terminal.output import Screen, print_cells, print_json, print_line, printable

CLI = Path(assetline_cli.__file__).parent
EDGE = {CLI / "terminal/output.py", CLI / "terminal/tables.py"}
MOVES = re.compile(r"\x1b\[(\?25[lh]|\d*[AK])|\r")  # the control sequences of rich for drawing in place
ANY = st.text(st.characters(), max_size=30)


def screen() -> Screen:
    return Screen(force_terminal=True, width=60, file=io.StringIO(), color_system=None, legacy_windows=False)


def shown_on(out: Screen) -> str:
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def commands(shown: str) -> set[str]:
    """Return the categories of what is neither a printable character nor the end of a line."""
    return {unicodedata.category(char) for char in shown if not char.isprintable() and char != "\n"}


@given(ANY)
def test_a_line_is_one_line_or_goes_on_indented(text: str) -> None:
    out = screen()
    print_line(out, f"Error: {text}")
    assert commands(shown_on(out)) == set()
    first, *others = shown_on(out).removesuffix("\n").split("\n")
    assert first.startswith("Error: ")
    assert all(line.startswith("  ") for line in others)


@given(st.lists(ANY, min_size=1, max_size=4))
def test_cells_for_another_program_are_one_line_each(cells: list[str]) -> None:
    out = screen()
    print_cells(out, cells)
    assert shown_on(out).removesuffix("\n").split("\t") == [*map(printable, cells)]
    assert commands(shown_on(out).replace("\t", "")) == set()


@given(st.dictionaries(ANY, ANY))
def test_json_is_exact(value: dict[str, str]) -> None:
    out = screen()
    print_json(out, value)
    assert json.loads(shown_on(out)) == value
    assert shown_on(out).removesuffix("\n").isprintable()


@given(ANY)
def test_drawings_of_rich_escape_control_characters_of_the_text(text: str) -> None:
    out = screen()
    table = Table.grid()
    table.add_row(Text(text), Text(text, "bold"))
    out.print(table)
    with Live(table, console=out, auto_refresh=False) as live:
        live.refresh()
    assert commands(MOVES.sub("", shown_on(out))) == set()


def test_every_character_that_commands_is_shown_as_its_code() -> None:
    for point in (*range(32), *range(0x7F, 0xA0), 0x200B, 0x200E, *range(0x202A, 0x202F), *range(0x2066, 0x206A)):
        assert printable(chr(point)).isprintable(), hex(point)
    assert printable("é 漢 👍 ✓") == "é 漢 👍 ✓"


def test_nothing_is_printed_but_at_the_edge() -> None:
    found = []
    for path in sorted(CLI.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())) if path not in EDGE else ():
            match node:
                case ast.Call(func=ast.Name(id="print" | "Console")) | ast.Call(func=ast.Attribute(attr="secho")):
                    found.append((path.name, ast.unparse(node)))
                case ast.Call(func=ast.Attribute(attr="print")):
                    found.append((path.name, ast.unparse(node)))
                case ast.Attribute(value=ast.Attribute(attr="file"), attr="write"):
                    found.append((path.name, ast.unparse(node)))
    assert found == []


def test_a_key_on_the_screen_gives_the_terminal_no_orders() -> None:
    assert printable("ä b.png") == "ä b.png"
    assert printable("\x1b[2J\t\n\udce9") == "\\x1b[2J\\t\\n\\udce9"
