"""Parts of a DOCX file: safe XML parsing, relationships, styles, and element names."""

import posixpath
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

MAX_UNPACKED_BYTES = 50_000_000  # limit on the unpacked size of all parts together
_PREFIXES = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main": "w",
    "http://purl.oclc.org/ooxml/wordprocessingml/main": "w",
    "http://schemas.microsoft.com/office/word/2010/wordml": "w14",
    "http://schemas.openxmlformats.org/officeDocument/2006/math": "m",
    "http://purl.oclc.org/ooxml/officeDocument/math": "m",
    "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc",
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships": "r",
    "http://purl.oclc.org/ooxml/officeDocument/relationships": "r",
    "http://schemas.openxmlformats.org/drawingml/2006/main": "a",
    "http://purl.oclc.org/ooxml/drawingml/main": "a",
    "http://schemas.openxmlformats.org/drawingml/2006/chart": "c",
    "http://purl.oclc.org/ooxml/drawingml/chart": "c",
    "http://schemas.openxmlformats.org/drawingml/2006/diagram": "dgm",
    "http://purl.oclc.org/ooxml/drawingml/diagram": "dgm",
    "urn:schemas-microsoft-com:vml": "v",
    "urn:schemas-microsoft-com:office:office": "o",
}
REMOVED = {"w:del", "w:moveFrom"}  # tracked changes whose content is gone once they are accepted
_FALSE = {"0", "false", "off"}


class TooLargeError(Exception):
    """Unpacking would exceed MAX_UNPACKED_BYTES."""


def name_of(element: "Element") -> str:
    """Return the name of an element with a fixed prefix, such as `w:p`. Comments have none."""
    tag = element.tag
    if not isinstance(tag, str):
        return ""
    space, _, local = tag.rpartition("}")
    return f"{_PREFIXES.get(space.lstrip('{'), 'other')}:{local}"


def child(element: "Element | None", *path: str) -> "Element | None":
    """Return the element at the end of a path of children, such as `"w:pPr", "w:numPr"`, or None."""
    for name in path:
        if element is None:
            return None
        element = next((one for one in element if name_of(one) == name), None)
    return element


def attribute(element: "Element | None", name: str = "val") -> str | None:
    """Return an attribute by its local name, or None."""
    if element is None:
        return None
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return None


def is_on(element: "Element | None") -> bool:
    """Return True for a switch that is present and not set to false."""
    return element is not None and (attribute(element) or "1").lower() not in _FALSE


def _normalize_name(part: str) -> str:
    """Return the name of a part as Word compares it. Some programs write backslashes or a leading slash."""
    return unquote(part).replace("\\", "/").lstrip("/").lower()


class DocxPackage:
    """The parts of a DOCX file. Raise TooLargeError, or another exception if the file is damaged."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED_BYTES:
            raise TooLargeError
        self._archive = archive
        self._names = {_normalize_name(name): name for name in archive.namelist()}
        targets = self.relationships("").values()
        self.main = next((part for kind, part in targets if kind == "officeDocument"), "word/document.xml")

    def parse(self, part: str) -> "Element | None":
        """Return the root element of a part, or None if there is no such part."""
        from lxml import etree  # noqa: PLC0415  # imported only after the resource limits are set

        name = self._names.get(_normalize_name(part))
        if name is None:
            return None
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
        )
        root = etree.fromstring(self._archive.read(name), parser)
        if root.getroottree().docinfo.doctype:
            raise ValueError("A part declares a document type.")
        return root

    def relationships(self, part: str) -> dict[str, tuple[str, str]]:
        """Return (last word of the type, target part) by relationship id. Targets outside the file are left out."""
        folder, name = posixpath.split(part)
        root = self.parse(posixpath.join(folder, "_rels", f"{name}.rels"))
        found = {}
        for relation in root if root is not None else ():
            if relation.get("TargetMode") != "External":
                kind = (relation.get("Type") or "").rpartition("/")[2]
                target = unquote(relation.get("Target") or "").replace("\\", "/")
                target = posixpath.normpath(posixpath.join("/", folder, target))
                found[relation.get("Id") or ""] = (kind, target.lstrip("/"))
        return found

    def parse_related(self, kind: str) -> "Element | None":
        """Return the root of the part of a type, such as `styles`, that the main part refers to, or None."""
        related = (part for type_, part in self.relationships(self.main).values() if type_ == kind)
        part = next(related, None)
        return self.parse(part) if part else None


class Styles:
    """Styles of a document that may hide or number paragraphs."""

    def __init__(self, root: "Element | None") -> None:
        styles = [one for one in root if name_of(one) == "w:style"] if root is not None else []
        self._by_id = {attribute(style, "styleId") or "": style for style in styles}
        defaults = (
            attribute(style, "styleId") or ""
            for style in styles
            if attribute(style, "type") == "paragraph" and (attribute(style, "default") or "0").lower() not in _FALSE
        )
        self.default_paragraph = next(defaults, "")
        usual = next((one for one in root if name_of(one) == "w:docDefaults"), None) if root is not None else None
        self._hides_usually = is_on(child(usual, "w:rPrDefault", "w:rPr", "w:vanish"))

    def chain(self, style_id: str) -> "Iterator[tuple[str, Element]]":
        """Yield (id, style) for a style and for each style that it is based on."""
        seen: set[str] = set()
        while style_id in self._by_id and style_id not in seen:
            seen.add(style_id)
            yield style_id, self._by_id[style_id]
            style_id = attribute(child(self._by_id[style_id], "w:basedOn")) or ""

    def is_hidden(self, style_id: str) -> bool:
        """Return True if a style hides its text."""
        switches = (child(style, "w:rPr", "w:vanish") for _, style in self.chain(style_id))
        own = next((switch for switch in switches if switch is not None), None)
        return self._hides_usually if own is None else is_on(own)
