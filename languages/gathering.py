"""`make words`: gathers every sentence and label from the code, and brings the catalogs up to date. For developers.

Reads the code as Python reads it: a template must be a literal where it is given, or nobody could translate it, and
that is refused here. Nothing is guessed: a sentence that changed must be translated anew.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from languages.language import ENGLISH, FOLDER, LANGUAGES

ROOT = FOLDER.parent
TEMPLATE = FOLDER / "grifo.pot"

_FIRST = {"controller": frozenset({"say"}), "cli": frozenset({"phrase", "marked"})}
"""Functions whose first argument is a template, by top-level package."""

_EACH = {"controller": frozenset[str](), "cli": frozenset({"table"})}
"""Functions whose every argument that is a literal is a label."""

_WHEN = datetime(2026, 1, 1, tzinfo=UTC)
"""The catalogs' date: a true one would make two gatherings of the same code differ."""


@dataclass(frozen=True, slots=True)
class Found:
    """A text to translate, and the file that says it."""

    text: str
    file: str


def gathered(root: Path = ROOT) -> list[Found]:
    """Every text of the code. Raises ValueError for a template that is no literal, naming file and line."""
    found = []
    for package in _FIRST:
        for path in sorted((root / package).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            where = path.relative_to(root).as_posix()
            found += [Found(text, where) for text in _texts(tree, package, where)]
    return found


def _texts(tree: ast.AST, package: str, where: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _name(node.func)
            if name in _FIRST[package] and _is_ours(node, package):
                yield _literal(node, where)
            elif name in _EACH[package]:
                yield from (text for one in node.args if (text := _text(one)))


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def _is_ours(node: ast.Call, package: str) -> bool:
    """In the controller `say` is always called by its bare name; a method of that name is something else."""
    return package != "controller" or isinstance(node.func, ast.Name)


def _literal(node: ast.Call, where: str) -> str:
    text = _text(node.args[0]) if node.args else None
    if not text:
        raise ValueError(f"{where}:{node.lineno}: the template must be a literal, or it can't be translated")
    return text


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def template_of(found: list[Found]) -> Catalog:
    """The catalog that translators start from."""
    made = _without_placeholders(Catalog(project="grifo", version="-", creation_date=_WHEN, revision_date=_WHEN))
    made.header_comment = "# Texts of grifo. Gathered by `make words`; not to be edited by hand."
    made.fuzzy = False
    for one in found:
        made.add(one.text, locations=[(one.file, None)])  # type: ignore[list-item]  # no line: it moves with each edit
    return made


def _without_placeholders(catalog: Catalog) -> Catalog:
    """Babel's header names a translator, a team and an address, of which there are none."""
    catalog.project, catalog.version = "grifo", "-"
    catalog.msgid_bugs_address = catalog.last_translator = catalog.language_team = "-"
    return catalog


def catalog_of(tag: str) -> Catalog:
    """The catalog of a language as it is written."""
    with (FOLDER / f"{tag}.po").open("rb") as file:
        return _without_placeholders(read_po(file, locale=tag))


def main() -> int:
    """Write the template, and every catalog with what is new in it and without what is gone."""
    template = template_of(gathered())
    _write(TEMPLATE, template)
    for tag in LANGUAGES:
        if tag == ENGLISH:
            continue
        catalog = catalog_of(tag)
        catalog.update(template, no_fuzzy_matching=True, update_header_comment=False)
        catalog.obsolete.clear()
        _write(FOLDER / f"{tag}.po", catalog)
        lacking = [one.id for one in catalog if one.id and not one.string]
        sys.stdout.write(f"{tag}: {len(lacking)} to translate\n")
    return 0


def _write(path: Path, catalog: Catalog) -> None:
    with path.open("wb") as file:
        write_po(file, catalog, width=120, sort_output=True, include_lineno=False)


if __name__ == "__main__":
    sys.exit(main())
